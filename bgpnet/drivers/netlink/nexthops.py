"""Nexthop objects and groups (linux/nexthop.h): what is dumped, as facts, and ours as messages. Pure."""

import struct
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import Final

from bgpnet.drivers.netlink import wire
from bgpnet.model.diff import AddNextHop, PutGroup
from bgpnet.model.kernel import NextHop, NextHopObject
from bgpnet.model.net import AGENT_PROTOCOL, Family, family_of

_OBJECT: Final = struct.Struct("=BBBxI")
"""struct nhmsg: family, scope, protocol, flags."""
_MEMBER: Final = struct.Struct("=IBxxx")
"""struct nexthop_grp: id, weight less one."""

_NHA_ID, _NHA_GROUP, _NHA_OIF, _NHA_GATEWAY = 1, 2, 5, 6

_AF_UNSPEC: Final = 0
_FAMILIES: Final = {Family.IPV4: 2, Family.IPV6: 10}
"""AF_INET, AF_INET6."""

ASK: Final = _OBJECT.pack(_AF_UNSPEC, 0, 0, 0)
"""Body of the request for all of them."""


def found(body: memoryview, links: Mapping[int, str]) -> NextHopObject:
    """An object or a group, from RTM_NEWNEXTHOP. `links`: names by index."""
    _, _, protocol, _ = _OBJECT.unpack_from(body)
    told = wire.attributes(body, _OBJECT.size)
    members = tuple(member for member, _ in _MEMBER.iter_unpack(told.get(_NHA_GROUP, b"")))
    hop = None
    if _NHA_OIF in told:
        index = wire.to_int(told[_NHA_OIF])
        gateway = ip_address(bytes(told[_NHA_GATEWAY])) if _NHA_GATEWAY in told else None
        hop = NextHop(gateway, links.get(index, f"if{index}"))
    return NextHopObject(wire.to_int(told[_NHA_ID]), protocol, hop, members)


def ways(objects: Iterable[NextHopObject]) -> dict[int, tuple[NextHop, ...]]:
    """The next hops of each object and group, where all are known."""
    objects = tuple(objects)
    singles = {each.id: each.next_hop for each in objects if each.next_hop is not None}
    groups = {
        each.id: tuple(singles[member] for member in each.members)
        for each in objects
        if each.members and singles.keys() >= set(each.members)
    }
    return {each: (hop,) for each, hop in singles.items()} | groups


def add(change: AddNextHop, links: Mapping[str, int]) -> bytes:
    """Body of the request for an object. It may serve IPv4 routes whatever its family (RFC 8950).

    Raises:
        KeyError: the link is none of `links`.
    """
    gateway = change.next_hop.gateway
    family = Family.IPV6 if gateway is None else family_of(gateway)
    body = _OBJECT.pack(_FAMILIES[family], 0, AGENT_PROTOCOL, 0) + wire.number(_NHA_ID, change.id)
    body += wire.number(_NHA_OIF, links[change.next_hop.link])
    return body if gateway is None else body + wire.attribute(_NHA_GATEWAY, gateway.packed)


def put(change: PutGroup) -> bytes:
    """Body of the request for a group."""
    members = b"".join(_MEMBER.pack(member, 0) for member in change.members)
    body = _OBJECT.pack(_AF_UNSPEC, 0, AGENT_PROTOCOL, 0) + wire.number(_NHA_ID, change.id)
    return body + wire.attribute(_NHA_GROUP, members)


def delete(number: int) -> bytes:
    """Body of the request to delete an object or a group."""
    return ASK + wire.number(_NHA_ID, number)
