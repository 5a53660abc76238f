"""Our netlink messages against pyroute2's, which was written by others: each reads what the other wrote."""

from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from bgpnet.drivers.netlink import links, routes, wire
from bgpnet.model.diff import PutRoute
from bgpnet.model.kernel import KernelRoute, NextHop, RouteKind
from bgpnet.model.net import AGENT_PROTOCOL, ROUTE_METRIC, Address, Family, Prefix, family_of
from bgpnet.model.plan import Route

INDEXES = {"eth1": 7, "eth2": 4_000_000}
NAMES = {index: name for name, index in INDEXES.items()}
AF = {Family.IPV4: 2, Family.IPV6: 10}
KINDS = {RouteKind.UNICAST: 1, RouteKind.BLACKHOLE: 6}

V4_PREFIXES = st.tuples(st.ip_addresses(v=4), st.integers(0, 32)).map(
    lambda told: ip_network(told, strict=False)
)
V6_PREFIXES = st.tuples(st.ip_addresses(v=6), st.integers(0, 128)).map(
    lambda told: ip_network(told, strict=False)
)


def hops(*gateways: st.SearchStrategy[Address]) -> st.SearchStrategy[tuple[NextHop, ...]]:
    hop = st.builds(NextHop, gateway=st.one_of(*gateways), link=st.sampled_from(sorted(INDEXES)))
    return st.lists(hop, min_size=1, max_size=4, unique=True).map(tuple)


ROUTES = st.one_of(
    st.builds(Route, V4_PREFIXES | V6_PREFIXES, st.just(RouteKind.BLACKHOLE)),
    # An IPv4 route may go by way of an IPv6 router (RFC 8950).
    st.builds(
        Route, V4_PREFIXES, st.just(RouteKind.UNICAST), hops(st.ip_addresses(v=4), st.ip_addresses(v=6))
    ),
    st.builds(Route, V6_PREFIXES, st.just(RouteKind.UNICAST), hops(st.ip_addresses(v=6))),
)


def read(kind: type[Any], number: int, body: bytes) -> Any:  # noqa: ANN401 - pyroute2 is not typed
    """What pyroute2 reads in a message of ours."""
    message = kind(wire.message(number, 0, 1, body))
    message.decode()
    return message


def written(message: Any) -> memoryview:  # noqa: ANN401 - pyroute2 is not typed
    """The body of a message as pyroute2 writes it."""
    message.encode()
    return memoryview(bytes(message.data))[wire.HEADER.size :]


@given(route=ROUTES)
def test_pyroute2_reads_the_routes_that_we_write(route: Route) -> None:
    """All but the number of the group, which it does not know; `ip` judges that in tests/kernel."""
    told = read(rtmsg, wire.NEWROUTE, routes.put(PutRoute(route, replaces=False, by=7)))
    assert (told["family"], told["dst_len"]) == (AF[family_of(route.prefix)], route.prefix.prefixlen)
    assert (told["proto"], told["type"], told["table"]) == (AGENT_PROTOCOL, KINDS[route.kind], 254)
    assert told.get_attr("RTA_PRIORITY") == ROUTE_METRIC
    assert ip_address(told.get_attr("RTA_DST")) == route.prefix.network_address


def attribute_of(hop: NextHop, prefix: Prefix) -> tuple[str, object]:
    assert hop.gateway is not None
    if hop.gateway.version == prefix.version:
        return "RTA_GATEWAY", str(hop.gateway)
    return "RTA_VIA", {"family": AF[family_of(hop.gateway)], "addr": str(hop.gateway)}


@given(route=ROUTES, protocol=st.integers(0, 255), metric=st.integers(0, 2**32 - 1))
def test_we_read_the_routes_that_pyroute2_writes(route: Route, protocol: int, metric: int) -> None:
    message = rtmsg()
    family = family_of(route.prefix)
    message["family"], message["dst_len"], message["table"] = AF[family], route.prefix.prefixlen, 254
    message["proto"], message["type"] = protocol, KINDS[route.kind]
    attributes: list[tuple[str, object]] = [("RTA_TABLE", 254), ("RTA_PRIORITY", metric)]
    if route.prefix.prefixlen:
        attributes.append(("RTA_DST", str(route.prefix.network_address)))
    if len(route.next_hops) == 1:
        attributes += [
            attribute_of(route.next_hops[0], route.prefix),
            ("RTA_OIF", INDEXES[route.next_hops[0].link]),
        ]
    elif route.next_hops:
        several = [
            {"oif": INDEXES[hop.link], "attrs": [attribute_of(hop, route.prefix)]} for hop in route.next_hops
        ]
        attributes.append(("RTA_MULTIPATH", several))
    message["attrs"] = attributes
    read_back = routes.Reader(family, NAMES, {}).route(written(message))
    assert read_back == KernelRoute(route.prefix, protocol, metric, route.kind, route.next_hops)


@pytest.mark.parametrize("flags", [0, 0x1, 0x10001])
def test_we_read_the_links_that_pyroute2_writes(flags: int) -> None:
    message = ifinfmsg()
    message["index"], message["flags"] = 9, flags
    message["attrs"] = [("IFLA_IFNAME", "eth9"), ("IFLA_MTU", 9000)]
    assert links.link(written(message)) == links.BareLink(
        9, "eth9", bool(flags & 1), bool(flags & 0x10000), 9000
    )


@given(address=st.ip_addresses(), length=st.integers(0, 32))
def test_we_read_the_addresses_that_pyroute2_writes(address: Address, length: int) -> None:
    message = ifaddrmsg()
    message["family"], message["prefixlen"], message["index"] = AF[family_of(address)], length, 3
    message["attrs"] = [("IFA_ADDRESS", str(address)), ("IFA_LOCAL", str(address))]
    told = links.address(written(message))
    assert told is not None
    assert (told[0], told[1].address) == (3, address)
    assert told[1].prefix == ip_network((address, length), strict=False)
