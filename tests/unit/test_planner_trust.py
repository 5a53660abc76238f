"""What an agent that restarts without the API server may tell: never what may be another's by now."""

from dataclasses import replace

from bgpnet.model.diff import DeleteRoute, Observed
from bgpnet.model.kernel import Kernel
from bgpnet.model.net import POD_METRIC, POD_PROTOCOL
from bgpnet.model.plan import Plan
from bgpnet.model.rejection import Reason
from bgpnet.planner import diff, make_plan
from tests.unit.facts import UPLINKS, kernel_route, node, snapshot, two_tors

BLOCK, OTHER = "10.244.1.0/24", "10.244.2.0/24"

POD = kernel_route("10.244.2.7/32", protocol=POD_PROTOCOL, metric=POD_METRIC)


def planned(age: float | None, kernel: Kernel | None = None) -> Plan:
    declared = replace(two_tors(node("n1", BLOCK, OTHER)), age=age)
    return make_plan(snapshot(declared=declared, kernel=kernel))


def told(plan: Plan) -> set[str]:
    return {str(each.prefix) for each in plan.announcements or ()}


def test_a_fresh_state_is_believed() -> None:
    plan = planned(600.0)
    assert told(plan) == {BLOCK, OTHER}
    assert not plan.rejections or all(r.reason is not Reason.STALE_SOURCE for r in plan.rejections)


def test_of_an_old_state_only_prefixes_with_a_pod_are() -> None:
    plan = planned(7200.0, Kernel(UPLINKS, (POD,)))
    assert told(plan) == {OTHER}
    assert [(r.reason, r.found) for r in plan.rejections if r.reason is Reason.STALE_SOURCE] == [
        (Reason.STALE_SOURCE, BLOCK)
    ]


def test_a_clock_that_was_set_back_makes_a_state_old() -> None:
    assert told(planned(float("inf"))) == set()


def test_nothing_is_deleted_and_no_block_is_handed_over() -> None:
    stray = kernel_route("192.0.2.0/24", ("10.0.1.1", "eth1"))
    kernel = Kernel(UPLINKS, (stray,))
    plan = planned(600.0, kernel)
    assert plan.blocks is None
    assert not any(isinstance(change, DeleteRoute) for change in diff(plan, Observed(kernel, (), None)))
    assert any(
        isinstance(change, DeleteRoute) for change in diff(planned(None, kernel), Observed(kernel, (), None))
    )
