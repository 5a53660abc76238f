"""Facts for tests of the pure core: builders with sane defaults, and hypothesis strategies over them."""

from dataclasses import replace
from ipaddress import IPv4Address, ip_address, ip_interface, ip_network

from hypothesis import strategies as st

from bgpnet.model.bgp import LearnedPath, Origin, Speaker
from bgpnet.model.declared import (
    AcceptRule,
    Advertise,
    Changes,
    Declared,
    DeclaredConfiguration,
    DeclaredFilter,
    DeclaredNode,
    DeclaredPeer,
    DeclaredPool,
    FilterRule,
    Selector,
)
from bgpnet.model.kernel import (
    HeardRouter,
    Kernel,
    KernelRoute,
    Link,
    LinkAddress,
    NextHop,
    NextHopObject,
    RouteKind,
)
from bgpnet.model.net import (
    AGENT_PROTOCOL,
    DEFAULT_BELOW_METRIC,
    NEXT_HOP_IDS,
    POD_PROTOCOL,
    ROUTE_METRIC,
    Address,
    Family,
    Prefix,
    bare,
    family_of,
)
from bgpnet.model.rejection import ObjectRef
from bgpnet.model.snapshot import Snapshot
from tests.unit.kernelmodel import resolved


def prefix(text: str) -> Prefix:
    return ip_network(text)


def address(text: str) -> Address:
    return ip_address(text)


def configuration(local_asn: int = 64512, budget: int = 100) -> DeclaredConfiguration:
    return DeclaredConfiguration(
        ref=ObjectRef("BGPConfiguration", "default"),
        local_asn=local_asn,
        router_id=None,
        hold_time=9,
        restart_time=120,
        max_prefixes_per_node=budget,
        mtu=None,
    )


def node(
    name: str, *cidrs: str, addresses: tuple[str, ...] | None = None, created: str = "", **labels: str
) -> DeclaredNode:
    return DeclaredNode(
        ref=ObjectRef("Node", name),
        name=name,
        created=created,
        labels=tuple(sorted(labels.items())),
        addresses=tuple(address(a) for a in (("10.0.1.11",) if addresses is None else addresses)),
        pod_cidrs=tuple(prefix(c) for c in cidrs),
    )


def pool(name: str, cidr: str) -> DeclaredPool:
    network = prefix(cidr)
    blocks = max(network.prefixlen, network.max_prefixlen - 6)
    return DeclaredPool(ObjectRef("IPPool", name), "", network, Selector(), block_length=blocks)


def accept(cidr: str, up_to: int | None = None) -> AcceptRule:
    network = prefix(cidr)
    return AcceptRule(network, network.prefixlen, network.prefixlen if up_to is None else up_to)


def peer(
    name: str,
    at: str,
    asn: int = 65001,
    accepting: tuple[AcceptRule, ...] = (),
    selector: Selector | None = None,
) -> DeclaredPeer:
    return DeclaredPeer(
        ref=ObjectRef("BGPPeer", name),
        created="",
        node_selector=selector or Selector(),
        peer_address=address(at),
        peer_asn=asn,
        local_asn=None,
        source_address=None,
        hold_time=None,
        families=(family_of(address(at)),),
        ttl_security=0,
        password=None,
        password_error="",
        accept=accepting,
    )


def link(index: int, name: str, *addresses: str, carrier: bool = True, passing: tuple[str, ...] = ()) -> Link:
    """A link; `passing` are those of its addresses that the kernel would not speak from."""
    interfaces = [ip_interface(text) for text in (*addresses, *passing)]
    return Link(
        index,
        name,
        up=True,
        carrier=carrier,
        mtu=1500,
        addresses=tuple(LinkAddress(i.ip, i.network, str(i) in passing) for i in interfaces),
    )


def path(cidr: str, via: str, *as_path: int, med: int | None = None) -> LearnedPath:
    return LearnedPath(address(via), prefix(cidr), address(via), as_path or (65001,), Origin.IGP, med)


def kernel_route(
    cidr: str, *hops: tuple[str, str], protocol: int = AGENT_PROTOCOL, metric: int = ROUTE_METRIC
) -> KernelRoute:
    return KernelRoute(
        prefix(cidr),
        protocol,
        metric,
        RouteKind.UNICAST if hops else RouteKind.BLACKHOLE,
        tuple(NextHop(address(gateway), name) for gateway, name in hops),
    )


def pod_route(pod: str) -> KernelRoute:
    return KernelRoute(prefix(pod), POD_PROTOCOL, 178, RouteKind.UNICAST, (NextHop(None, f"bgp{pod}"),))


LOOPBACK_RANGES = (prefix("10.255.0.0/16"), prefix("fd00:255::/64"))

UPLINKS = (link(2, "eth1", "10.0.1.11/24", "fd00:1::11/64"), link(3, "eth2", "10.0.2.11/24", "fd00:2::11/64"))


def snapshot(
    *,
    declared: Declared | None = None,
    kernel: Kernel | None = None,
    paths: tuple[LearnedPath, ...] = (),
    unread: tuple[str, ...] = (),
) -> Snapshot:
    """A node `n1` with two uplinks, two routers and one block, where nothing else is said."""
    return Snapshot(
        node_name="n1",
        declared=declared if declared is not None else two_tors(),
        kernel=kernel if kernel is not None else Kernel(UPLINKS, ()),
        speaker=Speaker((), paths, tuple(map(address, unread))),
    )


def two_tors(*nodes: DeclaredNode, pools: tuple[DeclaredPool, ...] = ()) -> Declared:
    rules = (accept("192.0.2.0/24"), accept("10.244.0.0/16", 26), accept("2001:db8::/32", 64))
    return Declared(
        configuration=configuration(),
        nodes=nodes or (node("n1", "10.244.1.0/26"),),
        pools=pools,
        peers=(peer("tor1", "10.0.1.1", 65001, rules), peer("tor2", "10.0.2.1", 65002, rules)),
    )


# --- strategies: small universes, so that overlaps, duplicates and conflicts are common -----------------

PREFIXES = st.sampled_from(
    [
        prefix("10.244.0.0/16"),
        prefix("10.244.0.0/24"),
        prefix("10.244.0.0/26"),
        prefix("10.244.0.64/26"),
        prefix("10.244.1.0/26"),
        prefix("10.244.1.1/32"),
        prefix("10.245.0.0/26"),
        prefix("0.0.0.0/0"),
        prefix("192.0.2.0/24"),
        prefix("192.0.2.0/25"),
        prefix("10.0.1.0/24"),
        prefix("127.0.0.0/8"),
        prefix("fd00:10::/64"),
        prefix("fd00:10::/48"),
        prefix("::/0"),
        prefix("2001:db8::/48"),
    ]
)
ROUTERS = st.sampled_from(
    [address(text) for text in ("10.0.1.1", "10.0.2.1", "10.0.1.11", "10.0.9.1", "fd00:1::1", "fe80::1%eth1")]
)
AS_NUMBERS = st.sampled_from([64512, 65000, 65001, 65002])

NODES = st.builds(
    lambda name, created, cidrs, addresses: DeclaredNode(
        ObjectRef("Node", name), name, created, (), tuple(addresses), tuple(cidrs)
    ),
    name=st.sampled_from(["n1", "n2", "n3"]),
    created=st.sampled_from(["", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"]),
    cidrs=st.lists(PREFIXES, max_size=4),
    addresses=st.lists(st.sampled_from([address("10.0.1.11"), address("fd00:1::11")]), max_size=2),
)
POOLS = st.builds(
    lambda name, cidr, way, nat: DeclaredPool(
        ObjectRef("IPPool", name), "", cidr, Selector(), advertise=way, nat_outgoing=nat
    ),
    name=st.sampled_from(["p1", "p2"]),
    cidr=PREFIXES,
    way=st.sampled_from(Advertise),
    nat=st.booleans(),
)
RULES = st.builds(
    lambda cidr, more: AcceptRule(cidr, cidr.prefixlen, min(cidr.prefixlen + more, cidr.max_prefixlen)),
    cidr=PREFIXES,
    more=st.integers(0, 16),
)
COMMUNITIES = st.sampled_from([(65535, 0), (65001, 1), (65001, 2), (65001, 1, 2)])
CHANGES = st.builds(
    Changes,
    add_communities=st.lists(COMMUNITIES, max_size=2).map(tuple),
    replace_communities=st.one_of(st.none(), st.lists(COMMUNITIES, max_size=2).map(tuple)),
    med=st.sampled_from([None, 0, 7]),
    local_preference=st.sampled_from([None, 50, 200]),
    prepend=st.integers(0, 2),
)
FILTER_RULES = st.builds(
    FilterRule,
    prefixes=st.lists(RULES, max_size=2).map(tuple),
    communities=st.lists(COMMUNITIES, max_size=1).map(tuple),
    accept=st.booleans(),
    changes=CHANGES,
)
FILTERS = st.builds(
    lambda name, imports, exports: DeclaredFilter(
        ObjectRef("BGPFilter", name), tuple(imports), tuple(replace(rule, communities=()) for rule in exports)
    ),
    name=st.sampled_from(["f1", "f2"]),
    imports=st.lists(FILTER_RULES, max_size=3),
    exports=st.lists(FILTER_RULES, max_size=3),
)
FILTER_NAMES = st.lists(st.sampled_from(["f1", "f2"]), max_size=2, unique=True).map(tuple)
PEERS = st.builds(
    lambda name, at, asn, rules, families, imports, exports, meant: replace(
        peer(name, str(at), asn, tuple(rules)),
        families=families or (family_of(at),),
        import_filters=imports,
        export_filters=exports,
        **meant,
    ),
    meant=st.sampled_from(
        [
            {},
            {},
            {"multihop": 3},
            {"peer_address": None, "gateways": tuple(Family)},
            {"peer_address": None, "interfaces": ("eth*", "eth7")},
        ]
    ),
    imports=FILTER_NAMES,
    exports=FILTER_NAMES,
    name=st.sampled_from(["a", "b", "c"]),
    at=ROUTERS,
    asn=AS_NUMBERS,
    rules=st.lists(RULES, max_size=3),
    families=st.sampled_from([(), (Family.IPV4, Family.IPV6)]),
)
DECLARED = st.builds(
    lambda nodes, pools, peers, filters, asn, budget, above: Declared(
        replace(configuration(asn, budget), loopbacks=LOOPBACK_RANGES, default_route_above=above),
        tuple(nodes),
        tuple(pools),
        tuple(peers),
        filters=tuple(filters),
    ),
    filters=st.lists(FILTERS, max_size=2, unique_by=lambda f: f.ref.name),
    nodes=st.lists(NODES, max_size=3, unique_by=lambda n: n.name),
    pools=st.lists(POOLS, max_size=2, unique_by=lambda p: p.ref.name),
    peers=st.lists(PEERS, max_size=3, unique_by=lambda p: p.ref.name),
    asn=AS_NUMBERS,
    budget=st.integers(1, 3),
    above=st.booleans(),
)
PATHS = st.builds(
    LearnedPath,
    peer=ROUTERS,
    prefix=PREFIXES,
    next_hop=ROUTERS.map(bare),
    as_path=st.lists(AS_NUMBERS, max_size=3).map(tuple),
    origin=st.sampled_from(Origin),
    med=st.sampled_from([None, 0, 10]),
    communities=st.lists(COMMUNITIES, max_size=2).map(tuple),
    local_preference=st.sampled_from([0, 100, 200]),
    stale=st.booleans(),
)
HOPS = st.sampled_from(
    [
        NextHop(address("10.0.1.1"), "eth1"),
        NextHop(address("10.0.2.1"), "eth2"),
        NextHop(IPv4Address("10.0.1.9"), "eth1"),
    ]
)
KERNEL_ROUTES = st.builds(
    lambda cidr, protocol, metric, hops: KernelRoute(
        cidr, protocol, metric, RouteKind.UNICAST if hops else RouteKind.BLACKHOLE, tuple(hops)
    ),
    cidr=PREFIXES,
    protocol=st.sampled_from([AGENT_PROTOCOL, 4]),
    metric=st.sampled_from([ROUTE_METRIC, 0, 1024, DEFAULT_BELOW_METRIC]),
    hops=st.lists(HOPS, max_size=2, unique=True),
)
IDS = st.sampled_from([NEXT_HOP_IDS[number] for number in range(12)] + [1, 2, NEXT_HOP_IDS.stop])
PROTOCOLS = st.sampled_from([AGENT_PROTOCOL, AGENT_PROTOCOL, 4])
NEXT_HOP_OBJECTS = st.builds(NextHopObject, id=IDS, protocol=PROTOCOLS, next_hop=HOPS)
GROUPS = st.tuples(IDS, PROTOCOLS, st.lists(st.integers(0, 3), min_size=1, max_size=2, unique=True))


def kernel_of(
    carriers: tuple[bool, bool],
    routes: list[tuple[KernelRoute, int]],
    objects: tuple[list[NextHopObject], list[tuple[int, int, list[int]]]],
    loopbacks: list[str],
    pods: list[str],
    routers: list[HeardRouter],
) -> Kernel:
    """A kernel whose routes have next hops of their own, or refer to one of the groups."""
    singles, groups = objects
    found = [
        NextHopObject(number, protocol, None, tuple({singles[i % len(singles)].id: 0 for i in members}))
        for number, protocol, members in groups
        if singles
    ]
    made = {each.id: each for each in [*found, *singles]}
    made = {
        k: each
        for k, each in made.items()
        if not each.members or all(not made[m].members for m in each.members)
    }
    usable = [each.id for each in made.values() if each.members]
    links = (
        link(2, "eth1", "10.0.1.11/24", "fd00:1::11/64", "fe80::a1/64", carrier=carriers[0]),
        link(3, "eth2", "10.0.2.11/24", "fe80::a2/64", carrier=carriers[1]),
        link(1, "lo", "127.0.0.1/8", *loopbacks),
    )
    referring = tuple(
        replace(route, by=usable[by % len(usable)]) if usable and route.next_hops and by else route
        for route, by in routes
    )
    there = (*referring, *map(pod_route, pods))
    return resolved(Kernel(links, there, tuple(routers), tuple(made.values())))


KERNELS = st.builds(
    kernel_of,
    routers=st.lists(
        st.sampled_from(
            [
                HeardRouter("eth1", address("fe80::1")),
                HeardRouter("eth1", address("fe80::2")),
                HeardRouter("eth2", address("fe80::1")),
            ]
        ),
        unique=True,
    ),
    loopbacks=st.lists(st.sampled_from(["10.255.0.11/32", "10.9.0.1/32", "fd00:255::11/128"]), unique=True),
    pods=st.lists(st.sampled_from(["10.244.0.7", "10.244.0.70", "10.244.1.1", "fd00:10::7"]), unique=True),
    carriers=st.tuples(st.booleans(), st.booleans()),
    # the kernel holds one IPv4 route for a prefix and metric
    routes=st.lists(
        st.tuples(KERNEL_ROUTES, st.integers(0, 4)),
        max_size=5,
        unique_by=lambda r: (r[0].prefix, r[0].metric),
    ),
    objects=st.tuples(
        st.lists(NEXT_HOP_OBJECTS, max_size=4, unique_by=lambda o: o.id),
        st.lists(GROUPS, max_size=4, unique_by=lambda g: g[0]),
    ),
)
RACKS = st.builds(
    lambda cidrs, filters, imports, exports, paths, pools, kernel: snapshot(
        kernel=kernel,
        declared=Declared(
            configuration=replace(configuration(budget=3), loopbacks=LOOPBACK_RANGES),
            pools=tuple(pools),
            nodes=(node("n1", *map(str, cidrs)), node("n2", "10.244.0.0/26", created="2026")),
            peers=tuple(
                replace(each, import_filters=imports, export_filters=exports) for each in two_tors().peers
            ),
            filters=tuple(filters),
        ),
        paths=tuple(paths),
    ),
    cidrs=st.lists(PREFIXES, max_size=4),
    kernel=KERNELS,
    pools=st.lists(POOLS, max_size=2, unique_by=lambda p: p.ref.name),
    filters=st.lists(FILTERS, max_size=2, unique_by=lambda f: f.ref.name),
    imports=FILTER_NAMES,
    exports=FILTER_NAMES,
    paths=st.lists(PATHS, max_size=8, unique_by=lambda p: (p.peer, p.prefix)),
)
"""A node with two sessions in any case, which the strategies below seldom bring about."""

SNAPSHOTS = st.builds(
    lambda declared, kernel, paths, unread: Snapshot(
        "n1", declared, kernel, None if paths is None else Speaker((), tuple(paths), tuple(unread))
    ),
    declared=st.one_of(st.none(), DECLARED),
    kernel=st.one_of(st.none(), KERNELS),
    paths=st.one_of(st.none(), st.lists(PATHS, max_size=8, unique_by=lambda p: (p.peer, p.prefix))),
    unread=st.lists(ROUTERS, max_size=2, unique=True),
)
