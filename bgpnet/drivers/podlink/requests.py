"""The requests of a pod's link (linux/rtnetlink.h, if_link.h, if_addr.h, neighbour.h). Pure."""

import socket
import struct
from dataclasses import dataclass
from typing import Final

from bgpnet.drivers.podlink.packing import CREATE, EXCLUSIVE, Message, attribute, nested, number, text
from bgpnet.model.net import MAIN_TABLE, POD_METRIC, POD_PROTOCOL, Address

NEW_LINK: Final = 16
DEL_LINK: Final = 17
_GET_LINK: Final = 18
_SET_LINK: Final = 19
_NEW_ADDRESS: Final = 20
_GET_ADDRESS: Final = 22
NEW_ROUTE: Final = 24
DEL_ROUTE: Final = 25
_GET_ROUTE: Final = 26
_NEW_NEIGHBOUR: Final = 28
_GET_NEIGHBOUR: Final = 30

IFLA_IFNAME: Final = 3
IFLA_ALIAS: Final = 20
IFLA_ADDRESS: Final = 1
_IFLA_MTU: Final = 4
IFLA_GROUP: Final = 27
_IFLA_LINKINFO: Final = 18
_IFLA_AF_SPEC: Final = 26
_IFLA_NET_NS_FD: Final = 28
_IFLA_EXT_MASK: Final = 29
_IFLA_TX_QUEUES: Final = 31
_IFLA_RX_QUEUES: Final = 32
_INFO_KIND: Final = 1
_INFO_DATA: Final = 2
_VETH_PEER: Final = 1
_ADDR_GEN_MODE: Final = 8
_GEN_MODE_NONE: Final = 1
_SKIP_STATISTICS: Final = 8
UP: Final = 1

IFA_ADDRESS: Final = 1
_IFA_LOCAL: Final = 2
_IFA_FLAGS: Final = 8
_NO_DAD_NO_PREFIX_ROUTE: Final = 0x02 | 0x200

RTA_DST: Final = 1
RTA_OIF: Final = 4
RTA_GATEWAY: Final = 5
_RTA_PRIORITY: Final = 6
_RTA_EXPIRES: Final = 23
_UNICAST: Final = 1
_ON_LINK: Final = 4
_LOCAL: Final = 2
_LOCAL_TABLE: Final = 255
_LOCAL_ROUTE_SECONDS: Final = 5
_SCOPE_GLOBAL: Final = 0
_SCOPE_LINK: Final = 253

NDA_DST: Final = 1
NDA_LLADDR: Final = 2
_NDA_IFINDEX: Final = 8
_PERMANENT: Final = 0x80

LINK: Final = struct.Struct("=BxHiII")
ROUTE: Final = struct.Struct("=BBBBBBBBI")
ADDRESS: Final = struct.Struct("=BBBBi")
NEIGHBOUR: Final = struct.Struct("=BxxxiHBB")

NEW: Final = CREATE | EXCLUSIVE

_QUIET: Final = nested(
    _IFLA_AF_SPEC, nested(socket.AF_INET6, attribute(_ADDR_GEN_MODE, bytes([_GEN_MODE_NONE])))
)
_ONE_QUEUE: Final = number(_IFLA_TX_QUEUES, 1) + number(_IFLA_RX_QUEUES, 1)
_VETH: Final = text(_INFO_KIND, "veth")


@dataclass(frozen=True, slots=True)
class End:
    """One end of a veth pair."""

    name: str
    index: int
    mac: bytes


def create_pair(host: End, pod: End, netns: int, mtu: int) -> Message:
    """Make the pair, the pod's end straight in the namespace `netns` (a descriptor), the host's end up.

    The pod's end cannot be: it would be opened before it has its peer (drivers/net/veth.c, ENOTCONN).
    """
    peer = _link(pod.index) + _end(pod, mtu) + number(_IFLA_NET_NS_FD, netns)
    kind = _VETH + nested(_INFO_DATA, attribute(_VETH_PEER, peer))
    body = _link(host.index, UP) + _end(host, mtu) + nested(_IFLA_LINKINFO, kind)
    return Message(NEW_LINK, NEW, body, f"creating the veth pair {host.name} (host) and {pod.name} (pod)")


def set_alias(end: End, alias: str, *, quiet: bool) -> Message:
    """Write an end's alias, and make it quiet with it. A new link cannot be given one when it is created."""
    body = _link(end.index) + text(IFLA_ALIAS, alias) + (_QUIET if quiet else b"")
    return Message(_SET_LINK, 0, body, f"writing the alias of {end.name}")


def make_quiet(end: End) -> Message:
    """Let IPv6 make no link-local address on an end: it would cost a detection, multicast groups and time."""
    return Message(_SET_LINK, 0, _link(end.index) + _QUIET, f"turning link-local addresses off on {end.name}")


def bring_up(end: End) -> Message:
    """Set an end up."""
    return Message(_SET_LINK, 0, _link(end.index, UP), f"setting {end.name} up")


def get_link(index: int = 0, name: str = "") -> Message:
    """Read one link, by index or by name."""
    which = text(IFLA_IFNAME, name) if name else b""
    body = _link(index) + number(_IFLA_EXT_MASK, _SKIP_STATISTICS) + which
    return Message(_GET_LINK, 0, body, f"reading link {name or index}")


def settle_carrier(end: End) -> Message:
    """Make an end that was up before its peer able to send now.

    Its queue is attached by a work item that runs up to 0.1 ms later, and packets are lost until then.
    Reading the link does that work at once (net/core/rtnetlink.c, rtnl_getlink, since 6.8); on older kernels
    it only reads.
    """
    return get_link(end.index)


def delete_link(name: str) -> Message:
    """Delete a link, its peer, its routes and its neighbours. By name: an index may be another's by now."""
    return Message(DEL_LINK, 0, _link(0) + text(IFLA_IFNAME, name), f"deleting link {name}")


def bury(name: str, group: int) -> Message:
    """Put a link into a group of links, to be deleted with the others of it."""
    body = _link(0) + text(IFLA_IFNAME, name) + number(IFLA_GROUP, group)
    return Message(_SET_LINK, 0, body, f"marking link {name} for deletion")


def delete_group(group: int) -> Message:
    """Delete every link of a group: one wait for all (net/core/rtnetlink.c, rtnl_group_dellink)."""
    return Message(
        DEL_LINK, 0, _link(0) + number(IFLA_GROUP, group), f"deleting the links of group {group:#x}"
    )


def dump_pairs() -> Message:
    """Every veth link of the namespace."""
    kind = nested(_IFLA_LINKINFO, _VETH)
    return Message(
        _GET_LINK, 0, _link(0) + number(_IFLA_EXT_MASK, _SKIP_STATISTICS) + kind, "reading the links"
    )


def add_address(end: End, address: Address) -> Message:
    """Give an end its address, alone (/32, /128) and usable at once."""
    raw = address.packed
    body = (
        ADDRESS.pack(_family(address), address.max_prefixlen, 0, _SCOPE_GLOBAL, end.index)
        + attribute(_IFA_LOCAL, raw)
        + attribute(IFA_ADDRESS, raw)
        + number(_IFA_FLAGS, _NO_DAD_NO_PREFIX_ROUTE)
    )
    return Message(_NEW_ADDRESS, NEW, body, f"adding address {address} to {end.name}")


def add_neighbour(end: End, address: Address, mac: bytes) -> Message:
    """Say for good which MAC address an address behind an end has."""
    body = (
        NEIGHBOUR.pack(_family(address), end.index, _PERMANENT, 0, 0)
        + attribute(NDA_DST, address.packed)
        + attribute(NDA_LLADDR, mac)
    )
    return Message(_NEW_NEIGHBOUR, NEW, body, f"adding neighbour {address} of {end.name}")


def add_host_route(end: End, address: Address, metric: int = 0) -> Message:
    """Route one address (/32, /128) to an end."""
    body = _route(address, address.max_prefixlen, _SCOPE_LINK) + attribute(RTA_DST, address.packed)
    return _new_route(end, body, metric, f"{address}/{address.max_prefixlen}")


def add_pod_route(end: End, address: Address) -> Message:
    """Route a pod's address to the host's end."""
    return add_host_route(end, address, POD_METRIC)


def delete_pod_route(index: int, address: Address) -> Message:
    """Take back what `add_pod_route` did: this route to this link and no other."""
    body = _route(address, address.max_prefixlen, _SCOPE_LINK) + attribute(RTA_DST, address.packed)
    body += number(RTA_OIF, index) + number(_RTA_PRIORITY, POD_METRIC)
    return Message(DEL_ROUTE, 0, body, f"deleting route {address}/{address.max_prefixlen}")


def add_local_route(end: End, address: Address) -> Message:
    """Deliver packets to an IPv6 address now, and for a few seconds.

    The kernel's own local route comes from a work item, some 0.1 ms after the address and without regard to
    IFA_F_NODAD (net/ipv6/addrconf.c, addrconf_dad_start); packets are lost until then. This one is used
    meanwhile, loses against the kernel's (metric 0), and expires: who takes the address away takes all.
    """
    body = ROUTE.pack(_family(address), address.max_prefixlen, 0, 0, _LOCAL_TABLE, POD_PROTOCOL, 0, _LOCAL, 0)
    body += attribute(RTA_DST, address.packed) + number(_RTA_EXPIRES, _LOCAL_ROUTE_SECONDS)
    return _new_route(end, body, 0, f"local {address}")


def add_default_route(end: End, gateway: Address) -> Message:
    """Route everything of the gateway's family through it."""
    return _default_route(end, gateway, 0, 0)


def add_further_default_route(end: End, gateway: Address, metric: int) -> Message:
    """The same beside another one. It says that the gateway is on the link: its route may be the other's."""
    return _default_route(end, gateway, metric, _ON_LINK)


def dump_pod_routes(family: int) -> Message:
    """Every route of POD_PROTOCOL in table main: the kernel filters, a full BGP table is not read."""
    body = ROUTE.pack(family, 0, 0, 0, MAIN_TABLE, POD_PROTOCOL, 0, 0, 0)
    return Message(_GET_ROUTE, 0, body, "reading the routes to pods")


def dump_addresses(family: int, index: int) -> Message:
    """Every address of a link."""
    return Message(
        _GET_ADDRESS, 0, ADDRESS.pack(family, 0, 0, 0, index), f"reading the addresses of link {index}"
    )


def dump_neighbours(family: int, index: int) -> Message:
    """Every neighbour entry of a link."""
    body = NEIGHBOUR.pack(family, 0, 0, 0, 0) + number(_NDA_IFINDEX, index)
    return Message(_GET_NEIGHBOUR, 0, body, f"reading the neighbours of link {index}")


def _default_route(end: End, gateway: Address, metric: int, flags: int) -> Message:
    body = _route(gateway, 0, _SCOPE_GLOBAL, flags) + attribute(RTA_GATEWAY, gateway.packed)
    return _new_route(end, body, metric, f"default via {gateway}")


def _new_route(end: End, body: bytes, metric: int, what: str) -> Message:
    body += number(RTA_OIF, end.index)
    if metric:
        body += number(_RTA_PRIORITY, metric)
    return Message(NEW_ROUTE, NEW, body, f"adding route {what} dev {end.name}")


def _link(index: int, flags: int = 0) -> bytes:
    return LINK.pack(socket.AF_UNSPEC, 0, index, flags, flags)


def _end(end: End, mtu: int) -> bytes:
    return (
        text(IFLA_IFNAME, end.name) + attribute(IFLA_ADDRESS, end.mac) + number(_IFLA_MTU, mtu) + _ONE_QUEUE
    )


def _route(address: Address, length: int, scope: int, flags: int = 0) -> bytes:
    return ROUTE.pack(_family(address), length, 0, 0, MAIN_TABLE, POD_PROTOCOL, scope, _UNICAST, flags)


def _family(address: Address) -> int:
    return socket.AF_INET if address.version == 4 else socket.AF_INET6  # noqa: PLR2004 - the IP version
