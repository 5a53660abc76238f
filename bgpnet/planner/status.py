"""Snapshot and Plan -> what `bgpnet status` tells."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from bgpnet.model.bgp import ObservedSession, SessionState
from bgpnet.model.kernel import Link, NextHop
from bgpnet.model.plan import Plan, Session
from bgpnet.model.rejection import Rejection
from bgpnet.model.snapshot import Snapshot
from bgpnet.model.status import NodeStatus, RejectionStatus, RouteStatus, SessionStatus
from bgpnet.planner.bfd import why_held
from bgpnet.planner.diff import is_ours
from bgpnet.planner.nat import nat_status
from bgpnet.planner.readiness import missing, probe_status


def node_status(snapshot: Snapshot, plan: Plan, failures: Iterable[Rejection], version: str) -> NodeStatus:
    """The node's state. `failures` are what carrying the plan out ran into (kernel, speaker)."""
    sessions = _sessions(snapshot, plan)
    failed = tuple(failures)
    refused = sorted({*plan.rejections, *failed})
    lacking = _not_ready(snapshot, plan, sessions)
    return NodeStatus(
        node=plan.node_name,
        version=version,
        ready=not lacking,
        not_ready_because=lacking,
        prefixes=tuple(map(str, plan.own_prefixes)),
        sessions=sessions,
        routes=_routes(snapshot, plan),
        rejections=tuple(rejection_status(each) for each in refused if not by_policy(each)),
        refused_paths=tuple(rejection_status(each) for each in refused if each.object.kind == "Path"),
        refused_announcements=tuple(
            rejection_status(each) for each in refused if each.object.kind == "Announcement"
        ),
        probes=probe_status(snapshot, plan),
        nat=nat_status(plan, failed),
        drain="" if snapshot.drain is None else str(snapshot.drain),
    )


def not_ready(snapshot: Snapshot, plan: Plan) -> tuple[str, ...]:
    """What is missing until pods here can be reached; empty when the node is ready."""
    return _not_ready(snapshot, plan, _sessions(snapshot, plan))


def by_policy(rejection: Rejection) -> bool:
    """Whether a path or an announcement was left out as policy asks: nothing to mend."""
    return rejection.object.kind in ("Path", "Announcement")


def _sessions(snapshot: Snapshot, plan: Plan) -> tuple[SessionStatus, ...]:
    observed = {session.peer: session for session in snapshot.speaker.sessions} if snapshot.speaker else {}
    links = {link.name: link for link in snapshot.kernel.links} if snapshot.kernel else {}
    received = Counter(path.peer for path in snapshot.speaker.paths) if snapshot.speaker else Counter()
    return tuple(
        replace(shown, reason=shown.reason or why_held(session, snapshot.bfd))
        for session in plan.sessions or ()
        for shown in [
            _session(
                session, plan, observed.get(session.peer), links.get(session.link), received[session.peer]
            )
        ]
    )


def _session(
    session: Session, plan: Plan, observed: ObservedSession | None, link: Link | None, received: int
) -> SessionStatus:
    wanted = {each.prefix for each in plan.announcements or () if each.peer == session.peer}
    announced = set(observed.announced) if observed else set()
    return SessionStatus(
        peer=str(session.peer),
        object=f"{session.ref.kind}/{session.ref.name}",
        peer_asn=session.peer_asn or (observed.peer_asn if observed else 0),
        local_address=str(session.local_address),
        local_asn=session.local_asn,
        link=session.link,
        state=observed.state if observed else SessionState.UNKNOWN,
        since=observed.since if observed else 0,
        reason=why_not_up(session, observed, link),
        flaps=observed.flaps if observed else 0,
        announced=tuple(map(str, sorted(announced, key=str))),
        pending=tuple(map(str, sorted(wanted - announced, key=str))),
        received=received,
    )


def why_not_up(session: Session, observed: ObservedSession | None, link: Link | None) -> str:
    """The cause in words, and what to look at; empty when the session is up."""
    if observed is not None and observed.state is SessionState.ESTABLISHED:
        return ""
    if link is not None and not (link.up and link.carrier):
        fault = "without carrier" if link.up else "down"
        return f"link {link.name} is {fault}; check the cable and the router"
    if not session.link:
        return f"no route of this node leads to {session.peer}; the session comes when one does"
    if observed is None:
        return "the speaker has not reported it yet; see `bgpnet speaker`'s log if this lasts"
    if observed.silent:
        return f"{observed.last_error}; {_silence(session)}"
    return observed.last_error or "no answer from the router yet"


def _silence(session: Session) -> str:
    """RFC 2385 §2: a segment without the right digest is dropped, and nothing is sent back."""
    key = (
        "has none or another one"
        if session.password is not None
        else "has one (this node has none: spec.passwordFile or passwordSecret)"
    )
    return (
        "is the address right, and does a filter on the way drop TCP port 179? Or the router's MD5 password "
        f"for {session.local_address} differs: if it {key}, both sides see only silence"
    )


def _routes(snapshot: Snapshot, plan: Plan) -> tuple[RouteStatus, ...]:
    """The plan's routes, each with whether the kernel has it so; then ours that are about to go."""
    there = (
        {route.prefix: route for route in snapshot.kernel.routes if is_ours(route)} if snapshot.kernel else {}
    )
    wanted = plan.routes or ()
    shown = []
    for route in wanted:
        found = there.get(route.prefix)
        installed = found is not None and hops_text(found.next_hops) == hops_text(route.next_hops)
        shown.append(RouteStatus(str(route.prefix), route.kind, hops_text(route.next_hops), installed))
    planned = {route.prefix for route in wanted}
    shown += [
        RouteStatus(str(found.prefix), found.kind, hops_text(found.next_hops), installed=True)
        for prefix, found in there.items()
        if prefix not in planned
    ]
    return tuple(shown)


def hops_text(hops: tuple[NextHop, ...]) -> tuple[str, ...]:
    """Next hops in words, in order."""
    return tuple(sorted(f"{hop.gateway} via {hop.link}" if hop.gateway else hop.link for hop in hops))


def _not_ready(snapshot: Snapshot, plan: Plan, sessions: tuple[SessionStatus, ...]) -> tuple[str, ...]:
    if plan.sessions is None:
        return (undecided(snapshot, plan),)
    return missing(snapshot, plan, sessions)


def undecided(snapshot: Snapshot, plan: Plan) -> str:
    """Why it is not known which sessions there ought to be; empty when it is."""
    if plan.sessions is not None:
        return ""
    if snapshot.declared is None:
        return "the source of objects has not been read yet"
    if snapshot.kernel is None:
        return "the kernel was not read yet"
    there = any(node.name == plan.node_name for node in snapshot.declared.nodes)
    return "the node has no router-id or no AS number" if there else "the node is not declared"


def rejection_status(rejection: Rejection) -> RejectionStatus:
    """The same in plain values."""
    return RejectionStatus(
        str(rejection.object), rejection.field, rejection.found, rejection.reason, rejection.remedy
    )
