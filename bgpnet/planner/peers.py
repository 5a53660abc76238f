"""Which BGP sessions this node has, and why it has not the others."""

from collections.abc import Iterable
from ipaddress import IPv4Address

from bgpnet.model.bgp import Speaker
from bgpnet.model.declared import Declared, DeclaredConfiguration, DeclaredNode, DeclaredPeer
from bgpnet.model.kernel import Kernel
from bgpnet.model.net import Address, Family, address_order, family_of
from bgpnet.model.plan import Session
from bgpnet.model.rejection import Reason, Rejection
from bgpnet.planner.discovery import (
    FROM_DEFAULT_GATEWAY,
    FROM_INTERFACE,
    Place,
    Surroundings,
    advertised,
    places,
)
from bgpnet.planner.routerid import router_id
from bgpnet.planner.selectors import selects

MAX_SESSIONS = 128
"""Of one node. ExaBGP takes 4 s to tell of a hundred, and one that takes too long is restarted."""


def sessions(
    node: DeclaredNode, declared: Declared, kernel: Kernel, speaker: Speaker | None = None
) -> tuple[tuple[Session, ...] | None, tuple[Rejection, ...]]:
    """Sessions of the node in canonical order, and the peers that were refused.

    None: no session can be judged, as there is no router-id of this node's own, or no BGPConfiguration and so
    no AS number. What is missing from a Node, or missing altogether, is as likely a mistake as an order.

    Of two peers with one address the older wins, then the smaller name; so do the first MAX_SESSIONS.
    """
    identity = router_id(node, declared)
    if identity is None:
        return None, ()
    if isinstance(identity, Rejection):
        return None, (identity,)
    around = Surroundings.of(node, kernel, speaker)
    made: dict[Address, Session] = {}
    rejections: list[Rejection] = []
    for peer in _mine(node, declared):
        local_asn = _local_asn(peer, node, declared.configuration)
        refusal = _unfit(peer, local_asn)
        if local_asn is None or refusal is not None:
            rejections += [refusal] if refusal else []
            continue
        far = peer.peer_asn == local_asn or max(peer.multihop, peer.ttl_security) > 1
        for place in places(peer, around, far=far):
            outcome = place if isinstance(place, Rejection) else _excess(peer, place, made)
            if outcome is not None:
                rejections.append(outcome)
            elif isinstance(place, Place):
                made[place.peer] = _session(peer, place, declared.configuration, local_asn, identity)
    if not made and any(each.reason is Reason.NO_LOCAL_ASN for each in rejections):
        return None, tuple(rejections)
    return tuple(sorted(made.values(), key=lambda session: address_order(session.peer))), tuple(rejections)


def advertised_links(node: DeclaredNode, declared: Declared, kernel: Kernel) -> tuple[str, ...]:
    """Links on which the speaker has to tell of itself, by name."""
    return advertised(_mine(node, declared), kernel)


def no_address(nodes: Iterable[DeclaredNode]) -> tuple[Rejection, ...]:
    """A rejection for each node that names no address."""
    return tuple(
        Rejection(
            node.ref,
            "status.addresses",
            "empty",
            Reason.NO_ADDRESS,
            "the node has no InternalIP to know it by; its sessions and routes stay as they are "
            "until it has one; let the kubelet set it (--node-ip), or write it into the manifest",
        )
        for node in nodes
        if not node.addresses
    )


def _mine(node: DeclaredNode, declared: Declared) -> list[DeclaredPeer]:
    labels = dict(node.labels)
    mine = [peer for peer in declared.peers if selects(peer.node_selector, labels)]
    return sorted(mine, key=lambda peer: (peer.created, peer.ref.name))


def _local_asn(
    peer: DeclaredPeer, node: DeclaredNode, configuration: DeclaredConfiguration | None
) -> int | None:
    return peer.local_asn or node.local_asn or (configuration.local_asn if configuration else None)


def _unfit(peer: DeclaredPeer, local_asn: int | None) -> Rejection | None:
    """Why no session of this object's can be made, wherever its routers are."""
    if local_asn is None:
        return Rejection(
            peer.ref,
            "spec.localASN",
            "not set",
            Reason.NO_LOCAL_ASN,
            "set it here, or spec.localASN of BGPConfiguration default; a node without any AS number keeps "
            "its sessions and routes as they are",
        )
    if peer.password_error:
        return Rejection(
            peer.ref,
            peer.password_field,
            "",
            Reason.PASSWORD_UNREADABLE,
            f"{peer.password_error}; without the key the router would never answer, so there is no session",
        )
    return None


def _excess(peer: DeclaredPeer, place: Place, made: dict[Address, Session]) -> Rejection | None:
    """Why the sessions that are made leave no room for this one; None when they do."""
    reason, remedy = Reason.DUPLICATE_PEER, ""
    known = made.get(place.peer)
    if known is not None:
        remedy = f"{known.ref} has this address for this node; remove one, or part them by nodeSelector"
    elif len(made) >= MAX_SESSIONS:
        reason = Reason.OVER_BUDGET
        remedy = (
            f"the node has {MAX_SESSIONS} sessions already, the most of one node; part peers by nodeSelector"
        )
    return Rejection(peer.ref, _field(peer), str(place.peer), reason, remedy) if remedy else None


def _field(peer: DeclaredPeer) -> str:
    """The field that says which routers are meant."""
    if peer.interfaces:
        return FROM_INTERFACE
    return FROM_DEFAULT_GATEWAY if peer.gateways else "spec.peerAddress"


def _session(
    peer: DeclaredPeer,
    place: Place,
    configuration: DeclaredConfiguration | None,
    local_asn: int,
    identity: IPv4Address,
) -> Session:
    family = family_of(place.peer)
    families = peer.families or (tuple(Family) if peer.interfaces else (family,))
    return Session(
        ref=peer.ref,
        peer=place.peer,
        peer_asn=peer.peer_asn,
        local_address=place.local,
        local_asn=local_asn,
        router_id=identity,
        hold_time=_first(peer.hold_time, configuration.hold_time if configuration else None, 9),
        restart_time=configuration.restart_time if configuration else 120,
        families=families,
        password=peer.password,
        link=place.link,
        ttl_security=peer.ttl_security,
        multihop=peer.multihop,
        extended_next_hop=family is Family.IPV6 and set(families) == set(Family),
        max_prefix=peer.max_prefix,
    )


def _first(*choices: int | None) -> int:
    return next(choice for choice in choices if choice is not None)
