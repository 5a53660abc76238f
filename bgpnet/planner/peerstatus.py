"""Snapshot and Plan -> what `bgpnet peers` tells."""

from collections.abc import Iterable
from dataclasses import replace

from bgpnet.model.bfd import Bfd
from bgpnet.model.bgp import Capabilities, ObservedSession, SessionState
from bgpnet.model.declared import DeclaredPeer
from bgpnet.model.kernel import Link
from bgpnet.model.net import address_order, prefix_order
from bgpnet.model.peerstatus import REJECTED, CapabilityStatus, PeersStatus, PeerStatus
from bgpnet.model.plan import Plan, Session
from bgpnet.model.rejection import ObjectRef, Rejection
from bgpnet.model.snapshot import Snapshot
from bgpnet.planner.bfd import bfd_status, why_held
from bgpnet.planner.discovery import FROM_DEFAULT_GATEWAY, FROM_INTERFACE
from bgpnet.planner.status import rejection_status, undecided, why_not_up

FOUND_BY = frozenset({FROM_INTERFACE, FROM_DEFAULT_GATEWAY})
"""Fields that mean any number of routers: what is refused there is of one of them, not of the object."""

_Refused = dict[tuple[str, str], list[Rejection]]
"""By kind and name: a rejection may name the file where its object is now, or where it was."""


def peers_status(snapshot: Snapshot, plan: Plan, failures: Iterable[Rejection], version: str) -> PeersStatus:
    """Every session by address, the BGPPeers for this node that have none, and routers that were not found.

    While it is not known which sessions there ought to be, those that there are are told as the speaker sees
    them. `failures` are what carrying the plan out ran into.
    """
    observed = {session.peer: session for session in snapshot.speaker.sessions} if snapshot.speaker else {}
    links = {link.name: link for link in snapshot.kernel.links} if snapshot.kernel else {}
    refused: _Refused = {}
    nobody: list[Rejection] = []
    for rejection in sorted({*plan.rejections, *failures}):
        if rejection.field in FOUND_BY:
            nobody.append(rejection)
        elif rejection.object.kind == "BGPPeer":
            refused.setdefault(_key(rejection.object), []).append(rejection)
    sessions = sorted(plan.sessions or (), key=lambda session: address_order(session.peer))
    unread = snapshot.speaker.unread if snapshot.speaker else tuple(session.peer for session in sessions)
    up = tuple(
        replace(
            _peer(session, plan, observed.get(session.peer), links.get(session.link), refused, snapshot.bfd),
            table_read=session.peer not in unread,
        )
        for session in sessions
    )
    with_session = {_key(session.ref) for session in sessions}
    declared = {_key(peer.ref): peer for peer in snapshot.declared.peers} if snapshot.declared else {}
    without = tuple(
        _rejected(key, declared.get(key), refused[key]) for key in sorted(refused.keys() - with_session)
    )
    unplanned = observed.values() if plan.sessions is None else ()
    missing = (_missing(each, declared.get(_key(each.object))) for each in nobody)
    return PeersStatus(
        plan.node_name,
        version,
        (*map(_unplanned, unplanned), *up, *without, *missing),
        undecided(snapshot, plan),
    )


def _key(ref: ObjectRef) -> tuple[str, str]:
    return (ref.kind, ref.name)


def _peer(
    session: Session,
    plan: Plan,
    observed: ObservedSession | None,
    link: Link | None,
    refused: _Refused,
    bfd: Bfd | None,
) -> PeerStatus:
    wanted = {each.prefix for each in plan.announcements or () if each.peer == session.peer}
    announced = set(observed.announced) if observed else set()
    tally = next((each for each in plan.imports if each.peer == session.peer), None)
    exported = next((each for each in plan.exports if each.peer == session.peer), None)
    return PeerStatus(
        object="/".join(_key(session.ref)),
        peer=str(session.peer),
        peer_asn=session.peer_asn or (observed.peer_asn if observed else 0),
        state=observed.state if observed else SessionState.UNKNOWN,
        since=observed.since if observed else 0,
        reason=why_not_up(session, observed, link) or why_held(session, bfd),
        last_error=observed.last_error if observed else "",
        last_error_at=observed.last_error_at if observed else 0,
        flaps=observed.flaps if observed else 0,
        local_address=str(session.local_address),
        local_asn=session.local_asn,
        link=session.link,
        hold_time=session.hold_time,
        restart_time=session.restart_time,
        password=session.password is not None,
        capabilities=_capabilities(observed.capabilities) if observed else None,
        received=tally.accepted + sum(count for _, count in tally.refused) if tally else 0,
        accepted=tally.accepted if tally else 0,
        refused={str(reason): count for reason, count in tally.refused} if tally else {},
        filtered=dict(tally.filtered) if tally else {},
        announced=tuple(map(str, sorted(announced, key=prefix_order))),
        withheld=dict(exported.filtered) if exported else {},
        pending=tuple(map(str, sorted(wanted - announced, key=prefix_order))),
        end_of_rib_sent=observed is not None and observed.end_of_rib_sent,
        bfd=bfd_status(session, plan.bfd or (), bfd),
        rejections=tuple(rejection_status(each) for each in refused.get(_key(session.ref), ())),
        multihop=session.multihop,
        ttl_security=session.ttl_security,
    )


def _missing(rejection: Rejection, declared: DeclaredPeer | None) -> PeerStatus:
    """One of the sessions that an object asks for, of those that its node's links or routes have to show."""
    on_link = rejection.field == FROM_INTERFACE
    return PeerStatus(
        object="/".join(_key(rejection.object)),
        peer="" if on_link else rejection.found,
        peer_asn=declared.peer_asn if declared else 0,
        state=REJECTED,
        reason=f"{rejection.reason}: {rejection.remedy}",
        link=rejection.found if on_link else "",
        rejections=(rejection_status(rejection),),
    )


def _unplanned(observed: ObservedSession) -> PeerStatus:
    return PeerStatus(
        object="",
        peer=str(observed.peer),
        peer_asn=0,
        state=observed.state,
        since=observed.since,
        reason="" if observed.state is SessionState.ESTABLISHED else observed.last_error,
        last_error=observed.last_error,
        last_error_at=observed.last_error_at,
        flaps=observed.flaps,
        capabilities=_capabilities(observed.capabilities),
        announced=tuple(map(str, sorted(observed.announced, key=prefix_order))),
        end_of_rib_sent=observed.end_of_rib_sent,
    )


def _capabilities(found: Capabilities | None) -> CapabilityStatus | None:
    if found is None:
        return None
    return CapabilityStatus(
        hold_time=found.hold_time,
        families=tuple(map(str, found.families)),
        router_id=str(found.router_id or ""),
        four_byte_asn=found.four_byte_asn,
        route_refresh=found.route_refresh,
        graceful_restart=found.graceful_restart,
        restart_time=found.restart_time,
        extended_next_hop=found.extended_next_hop,
    )


def _rejected(key: tuple[str, str], declared: DeclaredPeer | None, rejections: list[Rejection]) -> PeerStatus:
    return PeerStatus(
        object="/".join(key),
        peer=str(declared.peer_address or "") if declared else "",
        peer_asn=declared.peer_asn if declared else 0,
        state=REJECTED,
        reason="; ".join(f"{each.reason}: {each.remedy}" for each in rejections),
        rejections=tuple(rejection_status(each) for each in rejections),
    )
