"""Routers among the neighbours: what rtnetlink dumps, as facts. Pure."""

import struct
from collections.abc import Mapping
from ipaddress import IPv6Address
from typing import Final

from bgpnet.drivers.netlink import wire
from bgpnet.model.kernel import HeardRouter

_NEIGHBOUR: Final = struct.Struct("=BxxxiHBB")
"""struct ndmsg (linux/neighbour.h): family, interface, state, flags, type."""

_NDA_DST: Final = 1
_NTF_ROUTER: Final = 0x80
_NUD_INCOMPLETE, _NUD_FAILED = 0x01, 0x20
_AF_INET6: Final = 10

ASK: Final = _NEIGHBOUR.pack(_AF_INET6, 0, 0, 0, 0)
"""Body of the request for all IPv6 neighbours."""


def router(body: memoryview) -> tuple[int, IPv6Address, bool] | None:
    """A link's index, a router's link-local address, and whether it is there; None for other neighbours.

    The kernel marks a neighbour as router by its advertisements (net/ipv6/ndisc.c), whether it uses them for
    routes or not. One that does not answer when it is asked is not there.
    """
    family, index, state, flags, _ = _NEIGHBOUR.unpack_from(body)
    if family != _AF_INET6 or not flags & _NTF_ROUTER:
        return None
    destination = wire.attributes(body, _NEIGHBOUR.size).get(_NDA_DST)
    if destination is None:
        return None
    address = IPv6Address(bytes(destination))
    return (index, address, not state & (_NUD_INCOMPLETE | _NUD_FAILED)) if address.is_link_local else None


def heard(found: tuple[int, IPv6Address, bool], names: Mapping[int, str]) -> HeardRouter | None:
    """The router as a fact; None when it, or its link, is gone."""
    index, address, there = found
    return HeardRouter(names[index], address) if there and index in names else None
