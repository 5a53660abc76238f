"""What a router accepts of nodes and sends them, where pools, filters and AS numbers say more than the usual."""

from dataclasses import replace
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgpnet.model.crd.read import read
from bgpnet.model.declared import (
    AcceptRule,
    Advertise,
    Changes,
    DeclaredFilter,
    DeclaredPeer,
    FilterRule,
)
from bgpnet.model.net import Family
from bgpnet.model.ranges import common, without
from bgpnet.model.rejection import ObjectRef, Reason
from bgpnet.model.router import Gateway, Neighbors
from bgpnet.planner.routergroup import Wishes
from bgpnet.render.routers.rendered import rendered
from bgpnet.render.routers.systems import TABLES
from bgpnet.render.routers.verify import spelled
from tests.unit.facts import accept, address, pool
from tests.unit.routerfacts import NODES, labelled, one, planned, tor


def accepted(**changes: object) -> list[str]:
    (group,) = one(**changes).groups  # type: ignore[arg-type]
    return [spelled(each.rule) for family in group.families for each in family.accepts]


def sent(*peers: DeclaredPeer, **changes: object) -> list[str]:
    (group,) = one(*peers, **changes).groups  # type: ignore[arg-type]
    return [spelled(rule) for family in group.families for rule in family.sends]


@pytest.mark.parametrize(
    ("advertise", "wanted"),
    [
        (Advertise.BLOCKS, ["/26 of 10.244.0.0/16"]),
        (Advertise.AGGREGATE, ["/16 to /26 of 10.244.0.0/16"]),
        (Advertise.ADDRESSES, ["/32 of 10.244.0.0/16"]),
    ],
)
def test_a_router_accepts_what_the_pool_has_nodes_announce(advertise: Advertise, wanted: list[str]) -> None:
    assert accepted(pools=(replace(pool("pods", "10.244.0.0/16"), advertise=advertise),)) == wanted


def test_of_a_pool_that_is_not_advertised_nothing_is_accepted() -> None:
    hidden = replace(pool("pods", "10.244.0.0/16"), advertise=Advertise.NONE)
    (rejection,) = planned(tor(), pools=(hidden,)).rejections
    assert (rejection.field, rejection.reason) == ("spec.families", Reason.NO_NODE)


def test_blocks_that_nodes_claim_are_accepted_though_no_node_says_which_it_has() -> None:
    """With IPPools, nodes of a cluster claim blocks; their podCIDRs are outside of the pools and no fault."""
    claiming = tuple(replace(each, pod_cidrs=(ip_network(f"10.1.{n}.0/24"),)) for n, each in enumerate(NODES))
    blocks = replace(pool("pods", "10.244.0.0/16"), block_length=28)
    assert accepted(nodes=claiming, pools=(blocks,)) == ["/28 of 10.244.0.0/16"]


def test_a_pool_that_serves_other_nodes_is_not_accepted_here() -> None:
    other = replace(pool("other", "10.245.0.0/16"), node_selector=labelled(rack="r2"))
    assert accepted(pools=(pool("pods", "10.244.0.0/16"), other)) == ["/26 of 10.244.0.0/16"]


def test_before_the_first_node_a_router_takes_the_pools_that_it_would_be_served_by() -> None:
    """Routers are configured before a rack is filled, and manifests in a repository have no Nodes."""
    here, there = (
        replace(pool(f"pods-{rack}", f"10.{n}.0.0/16"), node_selector=labelled(rack=rack))
        for n, rack in ((246, "r1"), (247, "r2"))
    )
    pools = (pool("pods", "10.244.0.0/16"), here, there)
    told = replace(tor(), node_selector=labelled(rack="r1"))
    assert accepted(nodes=(), pools=pools) == ["/26 of 10.244.0.0/16"]
    (group,) = one(told, nodes=(), pools=pools).groups
    assert [spelled(each.rule) for family in group.families for each in family.accepts] == [
        "/26 of 10.244.0.0/16",
        "/26 of 10.246.0.0/16",
    ]
    assert (str(group.range), group.limit, group.expected) == ("10.0.1.0/24", 16, ())


def test_of_two_pools_that_overlap_only_the_one_that_nodes_claim_from_is_let_in() -> None:
    claiming = tuple(replace(each, pod_cidrs=()) for each in NODES)
    old = replace(pool("pods", "10.244.0.0/16"), created="2026-01-01T00:00:00Z")
    young = replace(pool("all", "10.0.0.0/8"), created="2026-02-01T00:00:00Z", block_length=24)
    told = planned(tor(), nodes=claiming, pools=(young, old))
    (rejection,) = told.rejections
    assert (str(rejection.object), rejection.reason) == ("IPPool/all", Reason.POOL_CONFLICT)
    ((family,),) = (group.families for group in told.routers[0].groups)
    assert [spelled(each.rule) for each in family.accepts] == ["/26 of 10.244.0.0/16"]


def rule(*prefixes: AcceptRule, take: bool, communities: tuple[tuple[int, ...], ...] = ()) -> FilterRule:
    return FilterRule(prefixes, communities, accept=take)


def named(*filters: tuple[FilterRule, ...], accepts: tuple[AcceptRule, ...] = ()) -> dict[str, object]:
    """A router whose BGPPeer names these import filters."""
    made = tuple(DeclaredFilter(ObjectRef("BGPFilter", f"f{n}"), told, ()) for n, told in enumerate(filters))
    peer = replace(tor(), accept=accepts, import_filters=tuple(each.ref.name for each in made))
    return {"peer": peer, "filters": made}


def told(*filters: tuple[FilterRule, ...], accepts: tuple[AcceptRule, ...] = ()) -> list[str]:
    facts = named(*filters, accepts=accepts)
    return sent(facts["peer"], filters=facts["filters"])  # type: ignore[arg-type]


def test_rules_of_two_filters_are_one_list_and_the_first_that_matches_decides() -> None:
    first = (rule(accept("192.0.2.128/25"), take=False),)
    second = (rule(accept("192.0.2.0/24", 25), take=True),)
    assert told(first, second) == ["192.0.2.0/24", "192.0.2.0/25"]
    assert told(second, first) == ["/24 to /25 of 192.0.2.0/24"]


def test_a_rule_about_communities_may_match_or_not_so_it_refuses_nothing() -> None:
    doubtful = rule(accept("192.0.2.0/24"), take=False, communities=((65001, 7),))
    assert told((doubtful, rule(accept("192.0.2.0/24"), take=True))) == ["192.0.2.0/24"]


def test_with_accept_and_filters_what_both_take_is_sent() -> None:
    rules = (rule(accept("10.9.0.0/16", 32), take=False), rule(take=True))
    assert told(rules, accepts=(accept("192.0.2.0/24"), accept("10.9.1.0/24"))) == ["192.0.2.0/24"]


@pytest.mark.parametrize("accepts", [(), (accept("0.0.0.0/0", 32),)])
def test_a_router_is_never_made_to_send_all_that_it_knows(accepts: tuple[AcceptRule, ...]) -> None:
    facts = named((rule(take=True),), accepts=accepts)
    (rejection,) = planned(facts["peer"], filters=facts["filters"]).rejections  # type: ignore[arg-type]
    field = "spec.accept" if accepts else "spec.filters.import"
    assert (rejection.field, rejection.reason) == (field, Reason.NOT_EXPRESSIBLE)
    assert "name under accept" in rejection.remedy


def test_without_its_filter_it_is_not_known_what_to_send() -> None:
    lost = replace(tor(), accept=(), import_filters=("gone",))
    (rejection,) = planned(lost).rejections
    assert (rejection.field, rejection.found, rejection.reason) == (
        "spec.filters.import",
        "gone",
        Reason.NO_FILTER,
    )
    assert sent(replace(lost, accept=(accept("192.0.2.0/24"),))) == ["192.0.2.0/24"]


RANGES = st.builds(
    lambda base, length, least, more: AcceptRule(
        network := ip_network((base << 28 & ~((1 << (32 - length)) - 1), length)),
        min(max(least, network.prefixlen), 6),
        min(max(least, network.prefixlen) + more, 6),
    ),
    st.integers(0, 15),
    st.integers(0, 4),
    st.integers(0, 6),
    st.integers(0, 6),
)


def _holds(told: AcceptRule, prefix: object) -> bool:
    return told.min_length <= prefix.prefixlen <= told.max_length and prefix.subnet_of(told.prefix)  # type: ignore[attr-defined,no-any-return]


@given(RANGES, RANGES)
def test_what_is_left_and_what_is_common_are_exactly_the_prefixes_of_the_range(
    one: AcceptRule, other: AcceptRule
) -> None:
    left, both = without(one, other), common(one, other)
    for length in range(7):
        for prefix in ip_network("0.0.0.0/0").subnets(new_prefix=length):
            inside, taken = _holds(one, prefix), _holds(other, prefix)
            assert sum(_holds(part, prefix) for part in left) == (inside and not taken)
            assert (both is not None and _holds(both, prefix)) == (inside and taken)


@pytest.mark.parametrize("system", sorted(TABLES))
def test_a_path_that_nodes_make_longer_is_accepted(system: str) -> None:
    longer = FilterRule((), (), accept=True, changes=Changes(prepend=3))
    exported = DeclaredFilter(ObjectRef("BGPFilter", "out"), (), (longer,))
    peer = replace(tor(system=system), export_filters=("out",))
    plain, prepended = (
        rendered(one(each, filters=(exported,))).configuration for each in (tor(system=system), peer)
    )
    assert (plain == prepended) is (system == "openbgpd"), "which asks for no other AS in the path"


def test_communities_of_filters_that_only_other_routers_hear_are_not_let_in() -> None:
    loud = FilterRule((), (), accept=True, changes=Changes(add_communities=((64512, 9),)))
    exported = DeclaredFilter(ObjectRef("BGPFilter", "out"), (), (loud,))
    configs = planned(replace(tor(1), export_filters=("out",)), tor(2), filters=(exported,)).routers
    assert [config.communities for config in configs] == [((64512, 9),), ()]


def test_nodes_of_an_as_of_their_own_are_expected_with_it() -> None:
    own = tuple(replace(each, local_asn=64600) for each in NODES)
    assert one(nodes=own).groups[0].node_asn == 64600
    assert one(nodes=own, configuration=None).groups[0].node_asn == 64600
    (rejection,) = planned(tor(), nodes=(*own[:2], NODES[2])).rejections
    assert (rejection.field, rejection.found) == ("spec.nodeSelector", "AS 64512, 64600")
    assert "a BGPPeer for each AS" in rejection.remedy


def gateways(*addresses: tuple[str, str]) -> DeclaredPeer:
    """A BGPPeer whose router the nodes find by their default gateway."""
    found = tuple(Gateway(address(at), ip_network(subnet)) for at, subnet in addresses)
    router = tor(node_subnet=None, gateways=found)
    return replace(router, peer_address=None, families=(), gateways=tuple(Family))


def test_a_router_that_is_found_by_default_gateways_has_a_group_for_each_address() -> None:
    nodes = tuple(
        replace(
            each,
            pod_cidrs=(*each.pod_cidrs, ip_network(f"fd00:10::{n}00/122")),
            addresses=(*each.addresses, address(f"fd00:1::{n}")),
        )
        for n, each in enumerate(NODES, 1)
    )
    pools = (pool("pods", "10.244.0.0/16"), pool("pods6", "fd00:10::/64"))
    both = gateways(("10.0.1.1", "10.0.1.0/24"), ("fd00:1::ff", "fd00:1::/64"))
    config = one(both, nodes=nodes, pools=pools)
    assert [(group.label, str(group.local_address), str(group.range)) for group in config.groups] == [
        ("K8S_TOR1", "10.0.1.1", "10.0.1.0/24"),
        ("K8S_TOR1_V6", "fd00:1::ff", "fd00:1::/64"),
    ]
    each = one(both, nodes=nodes, pools=pools, wishes=Wishes(neighbors=Neighbors.EACH))
    assert [len(group.neighbors) for group in each.groups] == [3, 3]


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"peerAddress": "10.0.1.1"}, "router.nodeSubnet in place of router.gateways"),
        ({"fromDefaultGateway": {"families": ["ipv6"]}}, "add its family"),
    ],
)
def test_gateways_go_with_peers_that_are_found_by_them(spec: dict[str, object], says: str) -> None:
    router = {
        "name": "tor1",
        "type": "frr",
        "gateways": [{"address": "10.0.1.1", "nodeSubnet": "10.0.1.0/24"}],
    }
    value = {
        "apiVersion": "bgpnet.io/v1alpha1",
        "kind": "BGPPeer",
        "metadata": {"name": "tor1"},
        "spec": {**spec, "peerASN": 65001, "router": router},
    }
    (rejection,) = read(value).rejections
    assert says in str(rejection)
