"""Learned paths -> routes: ECMP over routers, the discard route, and what is refused."""

from dataclasses import replace

import pytest

from bgpnet.model.bgp import LearnedPath
from bgpnet.model.diff import DeleteRoute, Observed, PutRoute
from bgpnet.model.kernel import Kernel, KernelRoute, RouteKind
from bgpnet.model.plan import Plan, Route
from bgpnet.model.rejection import Reason
from bgpnet.planner import diff, make_plan
from tests.unit import facts

VM = facts.prefix("192.0.2.0/24")
DISCARD = Route(facts.prefix("10.244.1.0/26"), RouteKind.BLACKHOLE)


def planned(*paths: LearnedPath, kernel: Kernel | None = None) -> Plan:
    return make_plan(facts.snapshot(paths=paths, kernel=kernel))


def hops(plan: Plan) -> dict[str, list[str]]:
    return {
        str(route.prefix): [f"{hop.gateway}@{hop.link}" for hop in route.next_hops]
        for route in plan.routes or ()
        if route.kind is RouteKind.UNICAST
    }


def reasons(plan: Plan) -> list[Reason]:
    return [rejection.reason for rejection in plan.rejections]


def test_equal_paths_over_two_tors_become_one_ecmp_route() -> None:
    plan = planned(
        facts.path("192.0.2.0/24", "10.0.2.1", 65002), facts.path("192.0.2.0/24", "10.0.1.1", 65001)
    )
    assert hops(plan) == {"192.0.2.0/24": ["10.0.1.1@eth1", "10.0.2.1@eth2"]}
    assert plan.rejections == ()


def test_the_shorter_as_path_wins() -> None:
    plan = planned(
        facts.path("192.0.2.0/24", "10.0.1.1", 65001, 65000), facts.path("192.0.2.0/24", "10.0.2.1", 65002)
    )
    assert hops(plan) == {"192.0.2.0/24": ["10.0.2.1@eth2"]}


def test_packets_to_an_unused_pod_address_do_not_loop() -> None:
    """Pain point 13: a discard route for each own prefix."""
    assert DISCARD in (planned().routes or ())


def test_a_next_hop_behind_a_link_without_carrier_is_left_out() -> None:
    down = Kernel((facts.UPLINKS[0], replace(facts.UPLINKS[1], carrier=False)), ())
    plan = planned(
        facts.path("192.0.2.0/24", "10.0.1.1"), facts.path("192.0.2.0/24", "10.0.2.1", 65002), kernel=down
    )
    assert hops(plan) == {"192.0.2.0/24": ["10.0.1.1@eth1"]}


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (facts.path("0.0.0.0/0", "10.0.1.1"), Reason.NOT_REQUESTED),
        (facts.path("198.51.100.0/24", "10.0.1.1"), Reason.NOT_REQUESTED),
        (facts.path("192.0.2.0/25", "10.0.1.1"), Reason.NOT_REQUESTED),
        (facts.path("127.0.0.0/8", "10.0.1.1"), Reason.MARTIAN),
        (facts.path("192.0.2.0/24", "10.0.1.1", 65001, 64512), Reason.AS_LOOP),
        (facts.path("10.244.1.0/26", "10.0.1.1"), Reason.OWN_PREFIX),
        (
            replace(facts.path("192.0.2.0/24", "10.0.1.1"), next_hop=facts.address("10.0.2.11")),
            Reason.OWN_NEXT_HOP,
        ),
        (
            replace(facts.path("192.0.2.0/24", "10.0.1.1"), next_hop=facts.address("10.9.9.9")),
            Reason.UNREACHABLE_NEXT_HOP,
        ),
    ],
)
def test_a_path_that_was_not_asked_for_or_could_harm_is_refused_by_name(
    path: LearnedPath, reason: Reason
) -> None:
    plan = planned(path)
    assert hops(plan) == {}
    assert [each for each in reasons(plan) if each is not Reason.ANNOUNCED_ELSEWHERE] == [reason]


def test_a_less_specific_route_that_holds_our_prefix_is_welcome() -> None:
    assert hops(planned(facts.path("10.244.0.0/16", "10.0.1.1"))) == {"10.244.0.0/16": ["10.0.1.1@eth1"]}


def test_ten_thousand_refused_paths_are_reported_in_a_few_lines() -> None:
    paths = tuple(facts.path(f"100.{i // 256}.{i % 256}.0/24", "10.0.1.1") for i in range(10_000))
    plan = planned(*paths)
    assert len(plan.rejections) == 11
    assert "9990 more" in {rejection.found for rejection in plan.rejections}


def test_a_foreign_route_of_equal_key_is_left_alone_and_named() -> None:
    foreign = facts.kernel_route("192.0.2.0/24", ("10.0.1.9", "eth1"), protocol=4)
    plan = planned(facts.path("192.0.2.0/24", "10.0.1.1"), kernel=Kernel(facts.UPLINKS, (foreign,)))
    assert hops(plan) == {}
    assert reasons(plan) == [Reason.FOREIGN_ROUTE]
    assert "not installed" in plan.rejections[0].remedy
    assert (plan.rejections[0].field, plan.rejections[0].found) == ("protocol", "static, metric 179")


def test_a_foreign_route_of_lower_metric_hides_ours_and_is_named() -> None:
    foreign = facts.kernel_route("192.0.2.0/24", ("10.0.1.9", "eth1"), protocol=4, metric=0)
    plan = planned(facts.path("192.0.2.0/24", "10.0.1.1"), kernel=Kernel(facts.UPLINKS, (foreign,)))
    assert hops(plan) == {"192.0.2.0/24": ["10.0.1.1@eth1"]}
    assert "hides ours" in plan.rejections[0].remedy


def test_the_remedy_for_a_foreign_route_finds_it_in_its_family() -> None:
    """Without -6, `ip route show` prints nothing for an IPv6 prefix."""
    foreign = facts.kernel_route("fd00:10::/64", protocol=77, metric=1)
    declared = facts.two_tors(facts.node("n1", "fd00:10::/64"))
    plan = make_plan(facts.snapshot(declared=declared, kernel=Kernel(facts.UPLINKS, (foreign,))))
    (rejection,) = (each for each in plan.rejections if each.reason is Reason.FOREIGN_ROUTE)
    assert rejection.found == "77, metric 1"
    assert "`ip -6 route show fd00:10::/64`" in rejection.remedy


def test_a_learned_route_never_competes_with_a_connected_subnet() -> None:
    """The kernel gives IPv6 subnets metric 256: ours, at 179, would take their traffic away."""
    rules = (facts.accept("10.0.1.0/24"),)
    declared = replace(facts.two_tors(), peers=(facts.peer("tor1", "10.0.1.1", 65001, rules),))
    plan = make_plan(facts.snapshot(declared=declared, paths=(facts.path("10.0.1.0/24", "10.0.1.1"),)))
    assert hops(plan) == {}
    assert reasons(plan) == [Reason.FOREIGN_ROUTE]


def observed(*routes: KernelRoute) -> Observed:
    return Observed(Kernel(facts.UPLINKS, routes), (), None)


def test_adds_and_replaces_come_first_and_deletes_last() -> None:
    plan = planned(facts.path("192.0.2.0/24", "10.0.1.1"))
    stale = facts.kernel_route("198.51.100.0/24", ("10.0.1.1", "eth1"))
    kinds = [type(change) for change in diff(plan, observed(stale))]
    assert kinds[-1] is DeleteRoute
    assert kinds.count(DeleteRoute) == 1
    assert kinds.index(PutRoute) < kinds.index(DeleteRoute)


def test_an_agent_that_has_not_heard_both_tors_yet_keeps_both_next_hops() -> None:
    """Pain point 3: after a restart the table comes back router by router."""
    both = facts.kernel_route("192.0.2.0/24", ("10.0.1.1", "eth1"), ("10.0.2.1", "eth2"))
    kernel = Kernel(facts.UPLINKS, (both,))
    heard = (facts.path("192.0.2.0/24", "10.0.1.1"),)
    kept = make_plan(facts.snapshot(kernel=kernel, paths=heard, unread=("10.0.2.1",)))
    assert hops(kept) == {"192.0.2.0/24": ["10.0.1.1@eth1", "10.0.2.1@eth2"]}
    assert hops(make_plan(facts.snapshot(kernel=kernel, paths=heard))) == {"192.0.2.0/24": ["10.0.1.1@eth1"]}
