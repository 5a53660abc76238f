"""The routers that a BGPPeer means on this node, and from where each is spoken with."""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from bgpnet.model.bgp import Speaker
from bgpnet.model.declared import DeclaredNode, DeclaredPeer
from bgpnet.model.kernel import HeardRouter, Kernel, Link, LinkAddress
from bgpnet.model.net import Address, address_order, bare, default_prefix, family_of, link_of, on_link
from bgpnet.model.rejection import Reason, Rejection
from bgpnet.planner.nexthops import Resolver, is_foreign

FROM_INTERFACE: Final = "spec.fromInterface"
FROM_DEFAULT_GATEWAY: Final = "spec.fromDefaultGateway"

_NOT_AN_UPLINK: Final = re.compile(r"lo|bgp[0-9a-f]{12}")
"""The loopback and the pods' links: no pattern means these."""

_PATTERN: Final = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Place:
    """A router, the link to it (empty while no route leads there), and our address towards it."""

    peer: Address
    link: str
    local: Address


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What this node has around it."""

    node: DeclaredNode
    kernel: Kernel
    resolver: Resolver
    addresses: frozenset[Address]
    """Every one of the host."""
    spoken_with: tuple[Address, ...]
    """The peers that the speaker has now, in order."""

    @classmethod
    def of(cls, node: DeclaredNode, kernel: Kernel, speaker: Speaker | None) -> "Surroundings":
        """A node's, from what its kernel shows and its speaker told."""
        addresses = frozenset(at.address for link in kernel.links for at in link.addresses)
        peers = (session.peer for session in (speaker.sessions if speaker else ()))
        return cls(node, kernel, Resolver(kernel), addresses, tuple(sorted(peers, key=address_order)))


def places(peer: DeclaredPeer, around: Surroundings, *, far: bool) -> tuple[Place | Rejection, ...]:
    """Each router that the peer's object means, or why there is none, in canonical order.

    Args:
        peer: the object.
        around: this node.
        far: whether the router may be beyond a connected subnet.
    """
    if peer.peer_address is not None:
        return (_addressed(peer, peer.peer_address, around, far=far),)
    if peer.gateways:
        return _gateways(peer, around)
    return tuple(_on_interfaces(peer, around))


def lasting_address(found: Iterable[LinkAddress], own: Collection[Address]) -> Address | None:
    """The first of links' addresses, those that stay before others; None when there is none."""
    first = min(found, key=lambda at: (*_passes(at, own), address_order(at.address)), default=None)
    return first.address if first else None


def _passes(at: LinkAddress, own: Collection[Address]) -> tuple[bool, bool]:
    """Sort key: what the Node names stays, then what the kernel itself would speak from.

    No address that passes is to move a session.
    """
    return at.address not in own, at.passing


def advertised(peers: Iterable[DeclaredPeer], kernel: Kernel) -> tuple[str, ...]:
    """Links on which routers have to hear of us to peer with us, by name."""
    named = {
        link.name for peer in peers for pattern in peer.interfaces for link in _named(pattern, kernel.links)
    }
    return tuple(sorted(named))


# --- one router, by its address ------------------------------------------------------------------------


def _addressed(peer: DeclaredPeer, address: Address, around: Surroundings, *, far: bool) -> Place | Rejection:
    source = peer.source_address
    if address in around.addresses or address in around.node.addresses:
        remedy = "it is this node's own address; name the router's"
        return Rejection(peer.ref, "spec.peerAddress", str(address), Reason.OWN_ADDRESS, remedy)
    if source is not None and source not in around.addresses:
        remedy = "no link of this node has this address; check it against `ip address` on the node"
        return Rejection(peer.ref, "spec.sourceAddress", str(source), Reason.NOT_CONNECTED, remedy)
    connected = _connected(address, source, around.kernel.links, around.node.addresses)
    if connected is not None:
        return connected
    if not far:
        remedy = (
            f"no link of this node has an address in a subnet that holds {address}; check the address and "
            "`ip address` on the node, or set spec.multihop if the router is some hops away"
        )
        return Rejection(peer.ref, "spec.peerAddress", str(address), Reason.NOT_CONNECTED, remedy)
    local = source or _own_address(address, around)
    hops = around.resolver.route_to(address)
    if local is None:
        remedy = (
            f"no route leads to it and the node has no {family_of(address)} InternalIP to speak from; add a "
            "route, or set spec.sourceAddress"
        )
        return Rejection(peer.ref, "spec.peerAddress", str(address), Reason.NOT_CONNECTED, remedy)
    return Place(address, min((hop.link for hop in hops), default=""), local)


def _connected(
    address: Address, source: Address | None, links: Iterable[Link], own: Collection[Address]
) -> Place | None:
    """The link and the address of ours from which the router is a neighbour; the longest subnet wins."""
    candidates = [(link, at) for link in links for at in link.addresses if address in at.prefix]
    if not candidates:
        return None
    link, at = min(
        candidates,
        key=lambda found: (
            found[1].address != source,
            -found[1].prefix.prefixlen,
            *_passes(found[1], own),
            found[0].name,
            address_order(found[1].address),
        ),
    )
    return Place(address, link.name, source or at.address)


def _own_address(address: Address, around: Surroundings) -> Address | None:
    """Our address towards a router that is some hops away: one that stays when the way there changes.

    The node's InternalIP where the host has it; else what the route prefers, or an address of its link.
    """
    family = family_of(address)
    lasting = [own for own in around.node.addresses if family_of(own) is family and own in around.addresses]
    if lasting:
        return lasting[0]
    route = around.resolver.longest(address)
    if route is None:
        return None
    on_way = {hop.link for hop in route.next_hops}
    candidates = (
        at
        for link in around.kernel.links
        if link.name in on_way
        for at in link.addresses
        if family_of(at.address) is family and not at.address.is_link_local
    )
    return route.preferred_source or lasting_address(candidates, around.node.addresses)


# --- default gateways ----------------------------------------------------------------------------------


def _gateways(peer: DeclaredPeer, around: Surroundings) -> tuple[Place | Rejection, ...]:
    """The gateways of every default route that is not ours: one that BGP taught must not make its teacher."""
    kernel, own = around.kernel, around.node.addresses
    by_name = {link.name: link for link in kernel.links}
    defaults = [default_prefix(family) for family in peer.gateways]
    ways = [
        (route.metric, hop.link, on_link(hop.gateway, hop.link))
        for route in kernel.routes
        if route.prefix in defaults and is_foreign(route)
        for hop in route.next_hops
        if hop.gateway is not None and hop.link in by_name
    ]
    found = {gateway: link for _, link, gateway in sorted(ways, key=lambda way: way[:2], reverse=True)}
    if not found:
        families = " or ".join(sorted(peer.gateways))
        remedy = (
            f"table main has no {families} default route of another program's with a gateway; add one, or "
            "name the router in spec.peerAddress; the session comes when the route does"
        )
        return (Rejection(peer.ref, FROM_DEFAULT_GATEWAY, "", Reason.NO_GATEWAY, remedy),)
    return tuple(
        _towards(peer, gateway, by_name[found[gateway]], own) for gateway in sorted(found, key=address_order)
    )


def _towards(peer: DeclaredPeer, gateway: Address, link: Link, own: Collection[Address]) -> Place | Rejection:
    place = _connected(bare(gateway), None, (link,), own)
    if place is not None:
        return Place(gateway, link.name, place.local)
    family = family_of(gateway)  # a gateway outside the link's subnets: `ip route add default … onlink`
    fitting = (
        at
        for at in link.addresses
        if family_of(at.address) is family and at.address.is_link_local is gateway.is_link_local
    )
    local = lasting_address(fitting, own)
    if local is not None:
        return Place(gateway, link.name, local)
    remedy = f"link {link.name} has no address of its kind to speak from; add one"
    return Rejection(peer.ref, FROM_DEFAULT_GATEWAY, str(gateway), Reason.NOT_CONNECTED, remedy)


# --- whoever is at the other end of a link -------------------------------------------------------------


def _on_interfaces(peer: DeclaredPeer, around: Surroundings) -> Iterator[Place | Rejection]:
    seen: set[str] = set()
    for pattern in peer.interfaces:
        links = _named(pattern, around.kernel.links)
        if not links:
            remedy = "no link of this node has such a name; the session comes by itself when one appears"
            yield Rejection(peer.ref, FROM_INTERFACE, pattern, Reason.NO_INTERFACE, remedy)
        for link in links:
            if link.name not in seen:
                seen.add(link.name)
                yield _at_the_other_end(peer, link, around)


def _named(pattern: str, links: Iterable[Link]) -> list[Link]:
    if not _PATTERN.search(pattern):
        return [link for link in links if link.name == pattern]
    found = (
        link for link in links if fnmatchcase(link.name, pattern) and not _NOT_AN_UPLINK.fullmatch(link.name)
    )
    return sorted(found, key=lambda link: link.name)


def _at_the_other_end(peer: DeclaredPeer, link: Link, around: Surroundings) -> Place | Rejection:
    """The one router of a point-to-point link.

    When none is heard any more the one that the speaker has stays, as while a cable is out; and of several
    the one that the speaker has.
    """
    local = lasting_address(
        (at for at in link.addresses if at.address.version == 6 and at.address.is_link_local),  # noqa: PLR2004 - the IP version
        around.node.addresses,
    )
    if local is None:
        remedy = (
            "it has no IPv6 link-local address; set it up (`ip link set … up`) and see that sysctl "
            f"net.ipv6.conf.{link.name}.disable_ipv6 is 0"
        )
        return Rejection(peer.ref, FROM_INTERFACE, link.name, Reason.NO_LINK_LOCAL, remedy)
    heard = {on_link(router.address, link.name) for router in _heard(link, around)}
    known = [
        each for each in around.spoken_with if link_of(each) == link.name and (each in heard or not heard)
    ]
    choice = known[:1] or sorted(heard, key=address_order)
    if not choice:
        remedy = (
            "no router is heard on it: is the cable in, and does the router send router advertisements "
            "there (FRR: `neighbor PORT interface remote-as …`)? The session comes when one is heard"
        )
        return Rejection(peer.ref, FROM_INTERFACE, link.name, Reason.NO_NEIGHBOUR, remedy)
    if len(choice) > 1:
        names = ", ".join(str(bare(each)) for each in choice)
        remedy = (
            f"the routers {names} are heard on it, and which one is meant is not said; name one in a BGPPeer "
            "with spec.peerAddress, or make it a link between two"
        )
        return Rejection(peer.ref, FROM_INTERFACE, link.name, Reason.SEVERAL_NEIGHBOURS, remedy)
    return Place(choice[0], link.name, local)


def _heard(link: Link, around: Surroundings) -> Iterable[HeardRouter]:
    own = around.addresses
    return (
        router for router in around.kernel.routers if router.link == link.name and router.address not in own
    )
