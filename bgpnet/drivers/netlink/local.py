"""Addresses of the node that are on no link: local routes of ours in table `local`.

The kernel takes packets to such an address for its own, and nothing else comes with it: no program that looks
for the host's addresses finds it, and the kernel never picks it as a source by itself.
"""

import errno
import struct
from contextlib import closing
from ipaddress import ip_address
from typing import Final

from bgpnet.drivers.netlink import wire
from bgpnet.drivers.netlink.talk import Talk
from bgpnet.model.errors import KernelError
from bgpnet.model.net import AGENT_PROTOCOL, Address, address_order

_ROUTE: Final = struct.Struct("=BBBBBBBBI")
"""struct rtmsg: family, dst_len, src_len, tos, table, protocol, scope, type, flags."""

_RTA_DST, _RTA_OIF = 1, 4
_TABLE_LOCAL: Final = 255
_SCOPE_HOST: Final = 254
_TYPE_LOCAL: Final = 2
_LOOPBACK: Final = 1  # the index of `lo`, in each network namespace
_FAMILIES: Final = {4: 2, 6: 10}
"""AF_INET, AF_INET6, by the IP version."""


def keep(addresses: frozenset[Address]) -> bool:
    """See to it that these addresses, and no others, are the node's by a local route of ours.

    Whether there was anything to do.

    Raises:
        KernelError: the kernel refused.
    """
    try:
        with closing(Talk()) as talk:
            found = kept(talk)
            for address in sorted(addresses - found, key=address_order):
                talk.change(wire.NEWROUTE, wire.CREATE | wire.EXCLUSIVE, _body(address))
            for address in sorted(found - addresses, key=address_order):
                talk.change(wire.DELROUTE, 0, _body(address))
            return found != addresses
    except OSError as error:
        number = error.errno or 0
        raise KernelError(
            f"local addresses {', '.join(map(str, addresses))}: {error.strerror} "
            f"({errno.errorcode.get(number, number)}); the agent needs CAP_NET_ADMIN",
            number,
        ) from error


def is_ours(body: memoryview) -> bool:
    """Whether a message about a route is about such a one."""
    _, _, _, _, table, protocol, _, kind, _ = _ROUTE.unpack_from(body)
    return (table, protocol, kind) == (_TABLE_LOCAL, AGENT_PROTOCOL, _TYPE_LOCAL)


def kept(talk: Talk) -> frozenset[Address]:
    """The addresses that have a local route of ours.

    Raises:
        OSError: the kernel does not tell.
    """
    found = set()
    for family in _FAMILIES.values():
        ask = _ROUTE.pack(family, 0, 0, 0, _TABLE_LOCAL, AGENT_PROTOCOL, 0, 0, 0)
        with closing(talk.dump(wire.GETROUTE, ask)) as parts:
            for part in parts:
                found |= {address for body in part if (address := _read(body)) is not None}
    return frozenset(found)


def _read(body: memoryview) -> Address | None:
    _, length, _, _, table, protocol, _, kind, _ = _ROUTE.unpack_from(body)
    told = wire.attributes(body, _ROUTE.size).get(_RTA_DST)
    if (table, protocol, kind) != (_TABLE_LOCAL, AGENT_PROTOCOL, _TYPE_LOCAL) or told is None:
        return None
    address = ip_address(bytes(told))
    return address if length == address.max_prefixlen else None


def _body(address: Address) -> bytes:
    fixed = _ROUTE.pack(
        _FAMILIES[address.version],
        address.max_prefixlen,
        0,
        0,
        _TABLE_LOCAL,
        AGENT_PROTOCOL,
        _SCOPE_HOST,
        _TYPE_LOCAL,
        0,
    )
    return fixed + wire.attribute(_RTA_DST, address.packed) + wire.number(_RTA_OIF, _LOOPBACK)
