"""Snapshot and Plan -> what `bgpnet why` tells: made when it is asked for, not in every step."""

from collections.abc import Iterable
from ipaddress import ip_network

from bgpnet.model.attributes import Attributes
from bgpnet.model.kernel import KernelRoute
from bgpnet.model.net import POD_PROTOCOL, Prefix, covers, family_of, most_specific, prefix_or_address
from bgpnet.model.plan import Plan, Session
from bgpnet.model.rejection import Rejection
from bgpnet.model.snapshot import Snapshot
from bgpnet.model.whystatus import Telling, TellingStatus, WhyStatus
from bgpnet.planner.exports import Export
from bgpnet.planner.filters import filters_of
from bgpnet.planner.refusals import Refusal
from bgpnet.planner.routestatus import Holding, routes_status
from bgpnet.planner.status import by_policy, rejection_status, undecided, why_not_up


def asked_of(text: str) -> Prefix:
    """What a client asks about: `PREFIX` or `ADDRESS`.

    Raises:
        ValueError: it is neither.
    """
    return ip_network(prefix_or_address(text))


def why_status(
    snapshot: Snapshot, plan: Plan, failures: Iterable[Rejection], version: str, asked: Prefix
) -> WhyStatus:
    """Everything about one prefix; an address is one of full length.

    `failures` are what carrying the plan out ran into.
    """
    failed = tuple(failures)
    offered = most_specific(plan.offered, asked)
    routes = routes_status(snapshot, plan, failed, version, Holding(asked)).routes
    refused = sorted({*plan.rejections, *failed})
    return WhyStatus(
        node=plan.node_name,
        version=version,
        asked=str(asked),
        own=str(most_specific(plan.own_prefixes, asked) or ""),
        pod=_pod(snapshot.kernel.routes if snapshot.kernel else (), asked),
        offered=str(offered or ""),
        sessions=_sessions(snapshot, plan, offered) if offered else (),
        route=routes[0] if routes else None,
        rejections=tuple(
            rejection_status(each) for each in refused if _is_about(each, asked) and not _told_above(each)
        ),
        undecided=undecided(snapshot, plan),
    )


def _pod(routes: Iterable[KernelRoute], asked: Prefix) -> str:
    of_pods = (route for route in routes if route.protocol == POD_PROTOCOL and route.prefix == asked)
    return next((hop.link for route in of_pods for hop in route.next_hops), "")


def _is_about(rejection: Rejection, asked: Prefix) -> bool:
    named = rejection.object.name if rejection.object.kind == "Route" else rejection.found
    try:
        return covers(ip_network(named), asked)
    except ValueError:  # it is about something that is no prefix
        return False


def _told_above(rejection: Rejection) -> bool:
    """Whether a session or a path tells it: what was kept from a single peer, or refused of one."""
    return by_policy(rejection) and rejection.object.name != "to all peers"


def _sessions(snapshot: Snapshot, plan: Plan, offered: Prefix) -> tuple[TellingStatus, ...]:
    """Each session of the plan. Filters alone are asked again: what they let through the plan knows."""
    observed = {each.peer: each for each in snapshot.speaker.sessions} if snapshot.speaker else {}
    links = {link.name: link for link in snapshot.kernel.links} if snapshot.kernel else {}
    sessions = plan.sessions or ()
    filters, _ = filters_of(sessions, snapshot.declared) if snapshot.declared else ({}, ())
    export = Export(filters, Attributes())
    wanted = {each.peer for each in plan.announcements or () if each.prefix == offered}

    def told(session: Session) -> tuple[Telling, str]:
        seen = observed.get(session.peer)
        if session.peer in wanted:
            if seen is not None and offered in seen.announced:
                return Telling.ANNOUNCED, ""
            down = why_not_up(session, seen, links.get(session.link))
            return Telling.PENDING, down or "the speaker has not acknowledged it yet"
        if family_of(offered) not in session.families:
            return Telling.WITHHELD, f"the session does not carry {family_of(offered)} (spec.families)"
        outcome = export.judged(offered, session)
        if isinstance(outcome, Refusal):
            return Telling.WITHHELD, outcome.remedy
        if outcome is None:
            return (
                Telling.UNDECIDED,
                "a BGPFilter of its spec.filters.export is not there; what it was told stays",
            )
        if snapshot.drain is not None:
            return Telling.WITHHELD, f"the node is taken out of service: {snapshot.drain}"
        return Telling.WITHHELD, f"link {session.link} has no {family_of(offered)} address to be the next hop"

    return tuple(
        TellingStatus(str(session.peer), f"{session.ref.kind}/{session.ref.name}", *told(session))
        for session in sessions
    )
