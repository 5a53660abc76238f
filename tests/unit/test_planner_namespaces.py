"""Which blocks are for pods of which namespaces, and which a node claims for them."""

from dataclasses import replace

from bgpnet.model.blocks import Blocks, Reserved
from bgpnet.model.claims import Claimed
from bgpnet.model.declared import Declared, DeclaredNamespace, DeclaredPool, LabelRequirement, Selector
from bgpnet.model.kernel import Kernel
from bgpnet.model.net import Family
from bgpnet.model.rejection import ObjectRef
from bgpnet.planner import make_plan
from tests.unit import facts
from tests.unit.test_planner_blocks import block, kernel


def selecting(value: str) -> Selector:
    return Selector((LabelRequirement("team", "In", (value,)),))


def named(name: str, **labels: str) -> DeclaredNamespace:
    return DeclaredNamespace(ObjectRef("Namespace", name), name, tuple(labels.items()))


TEAM = replace(facts.pool("team", "10.2.0.0/16"), namespace_selector=selecting("a"))
PODS = facts.pool("pods", "10.1.0.0/16")
NAMESPACES = (named("default"), named("a1", team="a"), named("a2", team="a"), named("b", team="b"))


def planned(
    pools: tuple[DeclaredPool, ...],
    namespaces: tuple[DeclaredNamespace, ...] | None = NAMESPACES,
    blocks: tuple[str, ...] = (),
    there: Kernel | None = None,
    closing: tuple[str, ...] = (),
) -> tuple[Blocks | None, list[str], list[str]]:
    """Blocks for the CNI server, pools that a block is claimed of, and blocks that are given back."""
    node = replace(facts.node("n1"), uid="u1")
    declared = replace(
        facts.two_tors(node, pools=pools),
        blocks=tuple(replace(block(each), pool=PODS.ref.name) for each in blocks),
        namespaces=namespaces,
    )
    told = replace(
        facts.snapshot(declared=declared, kernel=there or kernel()),
        claimed=Claimed(closing=tuple(map(facts.prefix, closing))),
    )
    plan = make_plan(told)
    assert plan.wanted is not None
    return (
        plan.blocks,
        [each.pool for each in plan.wanted.claims],
        [str(each) for each in plan.wanted.released],
    )


def test_a_block_is_claimed_for_everybody_and_one_for_the_namespaces_that_are_selected() -> None:
    found, claims, released = planned((PODS, TEAM))
    assert (claims, released) == (["pods", "team"], [])
    assert found == Blocks((), 1500, (Reserved(Family.IPV4, (), frozenset({"a1", "a2"})),), growing=True)


def test_the_cni_server_hears_whose_a_block_is() -> None:
    found, claims, _ = planned((PODS, TEAM), blocks=("10.1.0.0/26", "10.2.0.0/26"))
    assert claims == []
    assert found is not None
    assert found.reserved == (Reserved(Family.IPV4, (facts.prefix("10.2.0.0/26"),), frozenset({"a1", "a2"})),)
    assert found.serving("a2") == (facts.prefix("10.2.0.0/26"),)
    assert found.serving("b") == (facts.prefix("10.1.0.0/26"),)
    assert found.everybody
    alone, _, _ = planned((TEAM,))
    assert alone is not None
    assert not alone.everybody


def test_each_group_has_its_own_headroom() -> None:
    full = kernel(*(f"10.2.0.{number}" for number in range(1, 62)))
    _, claims, _ = planned((PODS, TEAM), blocks=("10.1.0.0/26", "10.2.0.0/26"), there=full)
    assert claims == ["team"]


def test_a_pool_for_no_namespace_that_there_is_needs_no_block() -> None:
    found, claims, released = planned((PODS, TEAM), NAMESPACES[:1], blocks=("10.1.0.0/26", "10.2.0.0/26"))
    assert (claims, released) == ([], ["10.2.0.0/26"])
    assert found is not None
    assert found.serving("default") == (facts.prefix("10.1.0.0/26"),), "and it is nobody else's"
    held = ("10.1.0.0/26", "10.2.0.0/26")
    still = planned((PODS, TEAM), NAMESPACES[:1], blocks=held, closing=held[1:])
    assert still[2] == ["10.2.0.0/26"], "until it is gone"
    used = kernel("10.2.0.1")
    assert planned((PODS, TEAM), (), blocks=("10.1.0.0/26", "10.2.0.0/26"), there=used)[2] == []


def test_namespaces_that_are_not_known_yet_change_nothing() -> None:
    found, claims, released = planned((PODS, TEAM), None, blocks=("10.2.0.0/26",))
    assert found is None, "what was handed over stays"
    assert (claims, released) == (["pods"], [])
    assert planned((PODS,), None)[0] == Blocks((), 1500, growing=True)


def test_pools_of_a_folder_part_a_nodes_own_prefixes() -> None:
    node = facts.node("n1", "10.1.0.0/26", "10.2.0.0/26")
    declared: Declared = replace(facts.two_tors(node, pools=(PODS, TEAM)), namespaces=NAMESPACES)
    found = make_plan(facts.snapshot(declared=declared)).blocks
    assert found is not None
    assert found.serving("a1") == (facts.prefix("10.2.0.0/26"),)
    assert found.serving("default") == (facts.prefix("10.1.0.0/26"),)
