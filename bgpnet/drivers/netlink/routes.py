"""Routes of table main: what rtnetlink dumps, as facts, and our routes as its messages. Pure."""

import struct
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Final

from bgpnet.drivers.netlink import wire
from bgpnet.model.diff import PutRoute
from bgpnet.model.kernel import KernelRoute, NextHop, RouteKind
from bgpnet.model.net import AGENT_PROTOCOL, MAIN_TABLE, ROUTE_METRIC, Family, Prefix, family_of

_ROUTE: Final = struct.Struct("=BBBBBBBBI")
"""struct rtmsg: family, dst_len, src_len, tos, table, protocol, scope, type, flags."""
_HOP: Final = struct.Struct("=HBBi")
"""struct rtnexthop: length, flags, hops (weight less one), interface."""

_TABLE_OFFSET: Final = 4  # of rtm_table

_RTA_DST, _RTA_OIF, _RTA_GATEWAY, _RTA_PRIORITY, _RTA_PREFSRC = 1, 4, 5, 6, 7
_RTA_MULTIPATH, _RTA_VIA, _RTA_NH_ID = 9, 18, 30

_SCOPE_UNIVERSE, _SCOPE_NOWHERE = 0, 255
_TYPE_ANY: Final = 0
_TYPES: Final = {RouteKind.UNICAST: 1, RouteKind.BLACKHOLE: 6}
_KINDS: Final = {number: kind for kind, number in _TYPES.items()}
_FLAG_CLONED: Final = 0x200
_FAMILIES: Final = {Family.IPV4: 2, Family.IPV6: 10}
"""AF_INET, AF_INET6."""


def ask(family: Family) -> bytes:
    """Body of the request for the routes of table main; the kernel leaves the other tables out."""
    return _ROUTE.pack(_FAMILIES[family], 0, 0, 0, MAIN_TABLE, 0, 0, 0, 0)


def is_of_main_table(body: memoryview) -> bool:
    """Whether a notification is about table main."""
    return body[_TABLE_OFFSET] == MAIN_TABLE


class Reader:
    """Reads one dump; next hops that are equal become one object, as thousands of routes share a few.

    Args:
        family: of the routes.
        links: names by index.
        ways: next hops by the id of the nexthop object or group that a route refers to.
    """

    def __init__(
        self, family: Family, links: Mapping[int, str], ways: Mapping[int, tuple[NextHop, ...]]
    ) -> None:
        self._family = _FAMILIES[family]
        self._network: type[IPv4Network | IPv6Network] = IPv4Network if family is Family.IPV4 else IPv6Network
        self._links = links
        self._ways = ways
        self._hops: dict[tuple[int, bytes], NextHop] = {}

    def route(self, body: memoryview) -> KernelRoute | None:
        """A route, from RTM_NEWROUTE.

        None for what has another key than ours can have, though its prefix be equal: a route of another
        table, one for a type of service or a source prefix, a cache entry.
        """
        family, length, source_length, tos, table, protocol, _, kind, flags = _ROUTE.unpack_from(body)
        if family != self._family or table != MAIN_TABLE or tos or source_length or flags & _FLAG_CLONED:
            return None
        found = wire.attributes(body, _ROUTE.size)
        prefix = self._network((int.from_bytes(found.get(_RTA_DST, b""), "big"), length))
        metric = wire.to_int(found[_RTA_PRIORITY]) if _RTA_PRIORITY in found else 0
        source = ip_address(bytes(found[_RTA_PREFSRC])) if _RTA_PREFSRC in found else None
        told = _KINDS.get(kind, RouteKind.OTHER)
        by = wire.to_int(found[_RTA_NH_ID]) if _RTA_NH_ID in found else None
        hops = self._next_hops(found, by) if told is RouteKind.UNICAST else ()
        if told is RouteKind.UNICAST and not hops:
            told = RouteKind.OTHER  # by a nexthop object that is no way to a gateway or link
        return KernelRoute(prefix, protocol, metric, told, hops, source, by)

    def _next_hops(self, found: wire.Attributes, by: int | None) -> tuple[NextHop, ...]:
        if by is not None and by in self._ways:
            return self._ways[by]
        if _RTA_MULTIPATH not in found:
            return (self._hop(wire.to_int(found[_RTA_OIF]), found),) if _RTA_OIF in found else ()
        hops, rest = [], found[_RTA_MULTIPATH]
        while len(rest) >= _HOP.size:
            length, _, _, index = _HOP.unpack_from(rest)
            if length < _HOP.size:
                break
            hops.append(self._hop(index, wire.attributes(rest[:length], _HOP.size)))
            rest = rest[(length + 3) & ~3 :]
        return tuple(hops)

    def _hop(self, index: int, found: wire.Attributes) -> NextHop:
        gateway = found.get(_RTA_GATEWAY)
        if gateway is None and _RTA_VIA in found:
            gateway = found[_RTA_VIA][2:]  # struct rtvia: the family, then an address of it
        key = (index, bytes(gateway or b""))
        if key not in self._hops:
            address = ip_address(key[1]) if key[1] else None
            self._hops[key] = NextHop(address, self._links.get(index, f"if{index}"))
        return self._hops[key]


def put(change: PutRoute) -> bytes:
    """Body of the request for a route of ours."""
    route = change.route
    body = _key(route.prefix, route.metric, _SCOPE_UNIVERSE, _TYPES[route.kind])
    if route.preferred_source is not None:
        body += wire.attribute(_RTA_PREFSRC, route.preferred_source.packed)
    return body if change.by is None else body + wire.number(_RTA_NH_ID, change.by)


def delete(prefix: Prefix, metric: int = ROUTE_METRIC) -> bytes:
    """Body of the request to delete our route: the kernel compares protocol and metric, too."""
    return _key(prefix, metric, _SCOPE_NOWHERE, _TYPE_ANY)


def _key(prefix: Prefix, metric: int, scope: int, kind: int) -> bytes:
    family = _FAMILIES[family_of(prefix)]
    fixed = _ROUTE.pack(family, prefix.prefixlen, 0, 0, MAIN_TABLE, AGENT_PROTOCOL, scope, kind, 0)
    address = wire.attribute(_RTA_DST, prefix.network_address.packed)
    return fixed + address + wire.number(_RTA_PRIORITY, metric)
