"""Links and their addresses: what rtnetlink dumps, as facts. Pure."""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Final

from bgpnet.drivers.netlink import wire
from bgpnet.model.kernel import Link, LinkAddress

_LINK: Final = struct.Struct("=BxHiII")
"""struct ifinfomsg: family, type, index, flags, change."""
_ADDRESS: Final = struct.Struct("=BBBBI")
"""struct ifaddrmsg: family, prefix length, flags, scope, index."""

_IFLA_IFNAME, _IFLA_MTU, _IFLA_EXT_MASK = 3, 4, 29
_IFF_UP, _IFF_LOWER_UP = 0x1, 0x10000
_IFA_ADDRESS, _IFA_LOCAL, _IFA_FLAGS = 1, 2, 8
_IFA_F_OPTIMISTIC, _IFA_F_DADFAILED, _IFA_F_TENTATIVE = 0x04, 0x08, 0x40
_PASSING: Final = 0x01 | 0x20  # IFA_F_SECONDARY, of IPv6 IFA_F_TEMPORARY; IFA_F_DEPRECATED
_SKIP_STATISTICS: Final = 1 << 3  # RTEXT_FILTER_SKIP_STATS: half of a link's message

ASK_LINKS: Final = _LINK.pack(0, 0, 0, 0, 0) + wire.number(_IFLA_EXT_MASK, _SKIP_STATISTICS)
"""Body of the request for all links."""

ASK_ADDRESSES: Final = _ADDRESS.pack(0, 0, 0, 0, 0)
"""Body of the request for all addresses."""


@dataclass(frozen=True, slots=True)
class BareLink:
    """A link without its addresses, which the kernel keeps apart."""

    index: int
    name: str
    up: bool
    carrier: bool
    mtu: int


def link(body: memoryview) -> BareLink:
    """A link, from RTM_NEWLINK."""
    _, _, index, flags, _ = _LINK.unpack_from(body)
    found = wire.attributes(body, _LINK.size)
    name = bytes(found[_IFLA_IFNAME]).rstrip(b"\0").decode(errors="replace")
    mtu = wire.to_int(found[_IFLA_MTU])
    return BareLink(index, name, bool(flags & _IFF_UP), bool(flags & _IFF_LOWER_UP), mtu)


def address(body: memoryview) -> tuple[int, LinkAddress] | None:
    """A link's index and an address of it, from RTM_NEWADDR; None for one that cannot be used yet.

    Nothing can be sent from an IPv6 address before its duplicate detection is done, and never if that found
    another owner.
    """
    _, length, flags, _, index = _ADDRESS.unpack_from(body)
    found = wire.attributes(body, _ADDRESS.size)
    if _IFA_FLAGS in found:
        flags = wire.to_int(found[_IFA_FLAGS])
    pending = flags & _IFA_F_TENTATIVE and not flags & _IFA_F_OPTIMISTIC
    if pending or flags & _IFA_F_DADFAILED or _IFA_ADDRESS not in found:
        return None
    # On a point-to-point link IFA_ADDRESS is the other end's, and the prefix is that of the other end.
    there = ip_address(bytes(found[_IFA_ADDRESS]))
    own = ip_address(bytes(found.get(_IFA_LOCAL, found[_IFA_ADDRESS])))
    return index, LinkAddress(own, ip_network(f"{there}/{length}", strict=False), bool(flags & _PASSING))


def joined(links: Iterable[BareLink], addresses: Iterable[tuple[int, LinkAddress]]) -> tuple[Link, ...]:
    """Links with their addresses."""
    of: dict[int, list[LinkAddress]] = {}
    for index, found in addresses:
        of.setdefault(index, []).append(found)
    return tuple(
        Link(bare.index, bare.name, bare.up, bare.carrier, bare.mtu, tuple(of.get(bare.index, ())))
        for bare in links
    )
