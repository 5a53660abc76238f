"""Route-ready: whether pods of this node can be reached, and what is missing until they can."""

from collections.abc import Iterable

from bgpnet.model.drain import DRAIN_LABEL
from bgpnet.model.net import Family, Prefix, family_of
from bgpnet.model.plan import Plan
from bgpnet.model.probe import DEFAULT_ROUTE_READY, Probe, RouteReady
from bgpnet.model.snapshot import Snapshot
from bgpnet.model.status import ProbeStatus, SessionStatus


def missing(snapshot: Snapshot, plan: Plan, sessions: tuple[SessionStatus, ...]) -> tuple[str, ...]:
    """What is missing: of each family enough sessions with every prefix announced, and an answered probe."""
    if not plan.own_prefixes:
        return ("the node has no prefix of its own",)
    if snapshot.drain is not None:
        return (f"the node is {snapshot.drain} (`bgpnet drain --undo`, or its label {DRAIN_LABEL})",)
    wanted = route_ready(snapshot)
    up = [session for session in sessions if session.reason == "" and not session.pending]
    if not up and not plan.offered:
        return ("no session is up",)
    probes = {probe.family: probe for probe in plan.probes}
    found: list[str] = []
    for family in sorted({family_of(prefix) for prefix in plan.offered}):
        offered = [prefix for prefix in plan.offered if family_of(prefix) is family]
        lacking = _sessions(family, offered, up, wanted.min_sessions)
        if lacking:
            found.append(lacking)
        elif family in probes and (unproven := _unproven(probes[family], snapshot)):
            found.append(unproven)
    return tuple(found)


def route_ready(snapshot: Snapshot) -> RouteReady:
    """What is declared, or the defaults."""
    configuration = snapshot.declared.configuration if snapshot.declared else None
    return configuration.route_ready if configuration else DEFAULT_ROUTE_READY


def probe_status(snapshot: Snapshot, plan: Plan) -> tuple[ProbeStatus, ...]:
    """Each target of each probe, and the families that cannot be probed."""
    results = {(each.source, each.target): each for each in snapshot.probes}
    shown = []
    for probe in plan.probes:
        source = "" if probe.source is None else str(probe.source)
        why = _not_sent(probe)
        if probe.source is None or why:
            shown.append(ProbeStatus(probe.family, source, "", 0, 0, 0, why))
            continue
        for target in probe.targets:
            result = results.get((probe.source, target))
            answered, trip, lost, obstacle = (
                (result.answered_at, result.round_trip, result.missed, result.obstacle)
                if result
                else (0.0, 0.0, 0, "")
            )
            shown.append(
                ProbeStatus(
                    probe.family, source, str(target), answered, round(trip * 1000, 3), lost, obstacle
                )
            )
    return tuple(shown)


def _sessions(family: Family, offered: Iterable[Prefix], up: list[SessionStatus], needed: int) -> str:
    told = {prefix for session in up for prefix in session.announced}
    names = {str(prefix) for prefix in offered}
    if not names <= told:
        return f"no session for {family} is up with every prefix announced"
    count = sum(1 for session in up if names & set(session.announced))
    if count < needed:
        return (
            f"{count} of {needed} sessions for {family} are up with every prefix announced "
            "(BGPConfiguration spec.routeReady.minSessions)"
        )
    return ""


def _unproven(probe: Probe, snapshot: Snapshot) -> str:
    """Why it is not known that the fabric forwards to the blocks; empty when it is, or none can be asked."""
    if _not_sent(probe):
        return ""
    results = [
        each for each in snapshot.probes if each.source == probe.source and each.target in probe.targets
    ]
    if any(each.answering for each in results):
        return ""
    targets = ", ".join(map(str, probe.targets))
    obstacle = next((each.obstacle for each in results if each.obstacle), "")
    return (
        f"the return-path probe for {probe.family}, a ping from {probe.source} to {targets}, "
        + (f"cannot be sent: {obstacle}" if obstacle else "has no answer")
        + "; do the routers have a route to the prefix, and do they answer pings? "
        "(BGPConfiguration spec.routeReady)"
    )


def _not_sent(probe: Probe) -> str:
    if probe.source is None:
        return "no announced block of the node has an address to spare, so nothing is probed"
    if not probe.targets:
        return "no router has an address of this family yet, so nothing is probed"
    return ""
