"""Which BGP sessions this node has, and why it has not the others."""

from collections.abc import Iterable
from ipaddress import IPv4Address

from bgpnet.model.net import Address, address_order
from bgpnet.model.plan import Session
from bgpnet.model.rejection import Reason, Rejection
from bgpnet.model.snapshot import Declared, DeclaredConfiguration, DeclaredNode, DeclaredPeer, Link
from bgpnet.planner.selectors import selects

MAX_SESSIONS = 128
"""Of one node. ExaBGP takes 4 s to tell of a hundred, and one that takes too long is restarted."""


def sessions(
    node: DeclaredNode, declared: Declared, links: tuple[Link, ...]
) -> tuple[tuple[Session, ...] | None, tuple[Rejection, ...]]:
    """Sessions of the node in canonical order, and the peers that were refused.

    None: no session can be judged, as there is no router-id, or no BGPConfiguration and so no AS number. What
    is missing from a Node, or missing altogether, is as likely a mistake as an order.

    Of two peers with one address the older wins, then the smaller name; so do the first MAX_SESSIONS.
    """
    mine = [peer for peer in declared.peers if selects(peer.node_selector, dict(node.labels))]
    router_id = _router_id(node, declared.configuration)
    if router_id is None:
        return None, ((_no_router_id(node),) if node.addresses else ())
    made: dict[Address, Session] = {}
    rejections: list[Rejection] = []
    for peer in sorted(mine, key=lambda peer: (peer.created, peer.ref.name)):
        outcome = _excess(peer, made) or _session(peer, node, declared.configuration, router_id, links)
        if isinstance(outcome, Session):
            made[outcome.peer] = outcome
        else:
            rejections.append(outcome)
    if not made and any(each.reason is Reason.NO_LOCAL_ASN for each in rejections):
        return None, tuple(rejections)
    return tuple(sorted(made.values(), key=lambda session: address_order(session.peer))), tuple(rejections)


def no_address(nodes: Iterable[DeclaredNode]) -> tuple[Rejection, ...]:
    """A rejection for each node that names no address."""
    return tuple(
        Rejection(
            node.ref,
            "status.addresses",
            "empty",
            Reason.NO_ADDRESS,
            "the node has no InternalIP to take its router-id from; its sessions and routes stay as they are "
            "until it has one; let the kubelet set it (--node-ip), or write it into the manifest",
        )
        for node in nodes
        if not node.addresses
    )


def _excess(peer: DeclaredPeer, made: dict[Address, Session]) -> Rejection | None:
    """Why the sessions that are made leave no room for this peer's; None when they do."""
    reason, remedy = Reason.DUPLICATE_PEER, ""
    known = made.get(peer.peer_address)
    if known is not None:
        remedy = f"{known.ref} has this address for this node; remove one, or part them by nodeSelector"
    elif len(made) >= MAX_SESSIONS:
        reason = Reason.OVER_BUDGET
        remedy = (
            f"the node has {MAX_SESSIONS} sessions already, the most of one node; part peers by nodeSelector"
        )
    return _rejected(peer, "spec.peerAddress", str(peer.peer_address), reason, remedy) if remedy else None


def _session(
    peer: DeclaredPeer,
    node: DeclaredNode,
    configuration: DeclaredConfiguration | None,
    router_id: IPv4Address,
    links: tuple[Link, ...],
) -> Session | Rejection:
    if peer.peer_address in node.addresses or any(
        at.address == peer.peer_address for link in links for at in link.addresses
    ):
        return _rejected(
            peer,
            "spec.peerAddress",
            str(peer.peer_address),
            Reason.OWN_ADDRESS,
            "it is this node's own address; name the router's",
        )
    local_asn = peer.local_asn or (configuration.local_asn if configuration else None)
    if local_asn is None:
        return _rejected(
            peer,
            "spec.localASN",
            "not set",
            Reason.NO_LOCAL_ASN,
            "set it here, or spec.localASN of BGPConfiguration default; a node without any AS number keeps "
            "its sessions and routes as they are",
        )
    if peer.password_error:
        return _rejected(
            peer,
            "spec.passwordFile",
            "",
            Reason.PASSWORD_UNREADABLE,
            f"{peer.password_error}; without the key the router would never answer, so there is no session",
        )
    place = _place(peer, links)
    if isinstance(place, Rejection):
        return place
    link, local_address = place
    hold_time = _first(peer.hold_time, configuration.hold_time if configuration else None, 9)
    return Session(
        ref=peer.ref,
        peer=peer.peer_address,
        peer_asn=peer.peer_asn,
        local_address=local_address,
        local_asn=local_asn,
        router_id=router_id,
        hold_time=hold_time,
        restart_time=configuration.restart_time if configuration else 120,
        families=peer.families,
        password=peer.password,
        link=link.name,
        ttl_security=peer.ttl_security,
    )


def _place(peer: DeclaredPeer, links: tuple[Link, ...]) -> tuple[Link, Address] | Rejection:
    """The link and the address of ours from which the peer is a neighbour; the longest subnet wins."""
    candidates = [
        (link, at)
        for link in links
        for at in link.addresses
        if peer.peer_address in at.prefix and peer.source_address in (None, at.address)
    ]
    if not candidates:
        source = peer.source_address
        field, found = ("peerAddress", peer.peer_address) if source is None else ("sourceAddress", source)
        return _rejected(
            peer,
            f"spec.{field}",
            str(found),
            Reason.NOT_CONNECTED,
            f"no link of this node has {'an address' if source is None else 'this address'} in a subnet that "
            f"holds {peer.peer_address}; check the address and `ip address` on the node",
        )
    link, at = min(
        candidates,
        key=lambda found: (-found[1].prefix.prefixlen, found[0].name, address_order(found[1].address)),
    )
    return link, at.address


def _router_id(node: DeclaredNode, configuration: DeclaredConfiguration | None) -> IPv4Address | None:
    if configuration is not None and configuration.router_id is not None:
        return configuration.router_id
    return next((address for address in node.addresses if isinstance(address, IPv4Address)), None)


def _no_router_id(node: DeclaredNode) -> Rejection:
    return Rejection(
        node.ref,
        "status.addresses",
        ", ".join(map(str, node.addresses)),
        Reason.NO_ROUTER_ID,
        "a BGP identifier is an IPv4 number (RFC 6286) and the node has no IPv4 InternalIP; its sessions and "
        "routes stay as they are until it has one; add one, or set BGPConfiguration spec.routerID",
    )


def _first(*choices: int | None) -> int:
    return next(choice for choice in choices if choice is not None)


def _rejected(peer: DeclaredPeer, field: str, found: str, reason: Reason, remedy: str) -> Rejection:
    return Rejection(peer.ref, field, found, reason, remedy)
