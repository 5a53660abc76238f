"""Which prefixes are a node's own, and why the others are not."""

from dataclasses import replace

import pytest

from bgpnet.model.declared import LabelRequirement, Selector
from bgpnet.model.rejection import Reason, Rejection
from bgpnet.planner.prefixes import own_prefixes
from tests.unit import facts


def reasons(rejections: tuple[Rejection, ...]) -> list[tuple[str, str, str, str]]:
    return [(r.object.name, r.field, r.found, r.reason) for r in rejections]


def test_without_pools_the_pod_cidrs_are_the_nodes_own() -> None:
    found = own_prefixes("n1", [facts.node("n1", "10.1.0.0/24", "fd00:10::/64")], [], 100)
    assert found.prefixes == (facts.prefix("10.1.0.0/24"), facts.prefix("fd00:10::/64"))
    assert found.rejections == ()


def test_a_prefix_outside_every_pool_is_refused_by_name() -> None:
    found = own_prefixes(
        "n1", [facts.node("n1", "10.244.1.0/26", "10.9.0.0/24")], [facts.pool("p", "10.244.0.0/16")], 100
    )
    assert found.prefixes == (facts.prefix("10.244.1.0/26"),)
    assert reasons(found.rejections) == [("n1", "spec.podCIDRs[1]", "10.9.0.0/24", Reason.OUTSIDE_POOLS)]


def test_a_pool_offers_only_to_the_nodes_it_selects() -> None:
    rack = Selector((LabelRequirement("rack", "In", ("a",)),))
    pools = [replace(facts.pool("p", "10.244.0.0/16"), node_selector=rack)]
    nodes = [facts.node("n1", "10.244.1.0/26", rack="a"), facts.node("n2", "10.244.2.0/26", rack="b")]
    assert own_prefixes("n1", nodes, pools, 100).prefixes == (facts.prefix("10.244.1.0/26"),)
    assert own_prefixes("n2", nodes, pools, 100).prefixes == ()


@pytest.mark.parametrize("second", ["10.244.1.0/26", "10.244.1.0/25", "10.244.1.32/27"])
def test_of_two_nodes_that_claim_one_prefix_the_first_keeps_it_and_both_say_so(second: str) -> None:
    nodes = [facts.node("n2", second), facts.node("n1", "10.244.1.0/26")]
    for name, prefixes in (("n1", (facts.prefix("10.244.1.0/26"),)), ("n2", ())):
        found = own_prefixes(name, nodes, [], 100)
        assert found.prefixes == prefixes
        assert reasons(found.rejections) == [("n2", "spec.podCIDRs[0]", second, Reason.PREFIX_CONFLICT)]
        assert "Node/n1" in found.rejections[0].remedy


def test_of_two_nodes_that_claim_one_prefix_the_older_keeps_it() -> None:
    nodes = [
        facts.node("n1", "10.244.1.0/26", created="2026-02-01T00:00:00Z"),
        facts.node("n2", "10.244.1.0/26", created="2026-01-01T00:00:00Z"),
    ]
    assert own_prefixes("n2", nodes, [], 100).prefixes == (facts.prefix("10.244.1.0/26"),)
    assert own_prefixes("n1", nodes, [], 100).prefixes == ()


@pytest.mark.parametrize("cidr", ["127.0.0.0/8", "127.0.1.0/24", "224.0.0.0/24", "fe80::/64", "ff05::/64"])
def test_what_nobody_routes_is_never_the_nodes_own(cidr: str) -> None:
    found = own_prefixes("n1", [facts.node("n1", cidr, "10.1.0.0/24")], [], 100)
    assert found.prefixes == (facts.prefix("10.1.0.0/24"),)
    assert reasons(found.rejections) == [("n1", "spec.podCIDRs[0]", cidr, Reason.MARTIAN)]


def test_a_default_route_is_never_the_nodes_own() -> None:
    found = own_prefixes("n1", [facts.node("n1", "0.0.0.0/0")], [], 100)
    assert found.prefixes == ()
    assert [r.reason for r in found.rejections] == [Reason.DEFAULT_ROUTE]


def test_beyond_the_fabric_budget_the_last_ones_are_refused_loudly() -> None:
    found = own_prefixes("n1", [facts.node("n1", "10.3.0.0/24", "10.1.0.0/24", "10.2.0.0/24")], [], 2)
    assert found.prefixes == (facts.prefix("10.1.0.0/24"), facts.prefix("10.3.0.0/24"))
    assert reasons(found.rejections) == [("n1", "spec.podCIDRs[2]", "10.2.0.0/24", Reason.OVER_BUDGET)]


def test_five_thousand_nodes_without_a_conflict() -> None:
    nodes = [facts.node(f"n{i}", f"10.{i // 1024}.{i // 4 % 256}.{i % 4 * 64}/26") for i in range(5000)]
    found = own_prefixes("n4999", nodes, [], 100)
    assert found.prefixes == (facts.prefix("10.4.225.192/26"),)
    assert found.rejections == ()
