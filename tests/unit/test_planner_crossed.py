"""A prefix of the node's own that would cut it off from its routers is no prefix of the node."""

from dataclasses import replace

import pytest

from bgpnet.model.kernel import Kernel, LinkAddress, RouteKind
from bgpnet.model.plan import Plan
from bgpnet.model.rejection import Reason
from bgpnet.planner import make_plan
from tests.unit import facts


def planned(*cidrs: str, kernel: Kernel | None = None) -> Plan:
    return make_plan(facts.snapshot(declared=facts.two_tors(facts.node("n1", *cidrs)), kernel=kernel))


@pytest.mark.parametrize(
    ("cidr", "holds"),
    [("10.0.1.0/26", "10.0.1.1"), ("10.0.1.8/29", "10.0.1.11"), ("10.0.2.0/29", "10.0.2.1")],
)
def test_a_block_that_holds_an_uplinks_router_or_address_is_refused_and_the_others_stay(
    cidr: str, holds: str
) -> None:
    plan = planned(cidr, "10.244.1.0/26")
    assert plan.own_prefixes == (facts.prefix("10.244.1.0/26"),)
    discards = [str(route.prefix) for route in plan.routes or () if route.kind is RouteKind.BLACKHOLE]
    assert discards == ["10.244.1.0/26"], "the router would be lost"
    assert {str(each.prefix) for each in plan.announcements or ()} == {"10.244.1.0/26"}
    assert plan.blocks is not None
    assert [str(each) for each in plan.blocks.prefixes] == ["10.244.1.0/26"], "a pod would get its address"
    (refused,) = (each for each in plan.rejections if each.reason is Reason.LINK_ADDRESS)
    assert (refused.object.name, refused.found) == ("n1", cidr)
    assert holds in refused.remedy


def test_a_part_of_an_uplinks_subnet_where_nobody_is_may_be_the_nodes_block() -> None:
    assert planned("10.0.1.128/26").own_prefixes == (facts.prefix("10.0.1.128/26"),)


def test_the_bridge_of_another_plug_in_does_not_take_the_nodes_block_away() -> None:
    """As `cni0` of flannel, whose pods and ours live side by side until the node is drained."""
    bridge = replace(
        facts.UPLINKS[0],
        index=90,
        name="cni0",
        addresses=(LinkAddress(facts.address("10.244.1.1"), facts.prefix("10.244.0.0/16")),),
    )
    kernel = Kernel((*facts.UPLINKS, bridge), ())
    assert planned("10.244.1.0/26", kernel=kernel).own_prefixes == (facts.prefix("10.244.1.0/26"),)
