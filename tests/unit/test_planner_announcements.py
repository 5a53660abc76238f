"""What each session is told: attributes of announcements."""

from dataclasses import replace

from bgpnet.planner import make_plan
from tests.unit import facts


def test_the_communities_of_the_configuration_go_with_every_announcement() -> None:
    declared = facts.two_tors(facts.node("n1", "10.244.1.0/26", "10.244.9.0/26"))
    told = ((64512, 1), (65535, 0))
    configured = replace(declared, configuration=replace(facts.configuration(), communities=told))
    plan = make_plan(facts.snapshot(declared=configured))
    assert plan.announcements is not None
    assert [each.attributes.communities for each in plan.announcements] == [told] * 4
    bare = make_plan(facts.snapshot(declared=declared)).announcements
    assert bare is not None
    assert {each.attributes.communities for each in bare} == {()}
