"""A node's BGP identifier: whence it comes, and what becomes of two nodes with one."""

from dataclasses import replace
from ipaddress import IPv4Address

from bgpnet.model.declared import Declared, DeclaredNode
from bgpnet.model.rejection import Reason, Rejection
from bgpnet.planner.routerid import derived, router_id
from tests.unit import facts


def judged(node: DeclaredNode, *others: DeclaredNode, of_all: str = "") -> IPv4Address | str | None:
    configuration = replace(facts.configuration(), router_id=IPv4Address(of_all) if of_all else None)
    found = router_id(node, Declared(configuration, (*others, node)))
    return f"{found.reason} {found.field} {found.found}" if isinstance(found, Rejection) else found


def test_it_is_the_first_ipv4_address() -> None:
    assert judged(facts.node("n1", addresses=("fd00::1", "10.0.0.1", "10.0.0.2"))) == IPv4Address("10.0.0.1")


def test_what_the_node_says_comes_before_what_is_said_of_all() -> None:
    node = facts.node("n1")
    assert judged(node, of_all="192.0.2.1") == IPv4Address("192.0.2.1")
    own = replace(node, router_id=IPv4Address("192.0.2.7"))
    assert judged(own, of_all="192.0.2.1") == IPv4Address("192.0.2.7")


def test_a_node_without_ipv4_has_one_made_from_its_name() -> None:
    node = facts.node("rack1-node7", addresses=("fd00::1",))
    assert judged(node) == derived("rack1-node7") == IPv4Address("31.199.240.148")


def test_a_node_without_any_address_has_none() -> None:
    assert judged(facts.node("n1", addresses=())) is None


def test_a_derived_one_is_one_that_every_router_takes() -> None:
    assert {derived(f"node-{number}").packed[0] for number in range(5000)} == set(range(16, 112))


def test_of_two_nodes_with_one_the_older_has_it() -> None:
    old = facts.node("z", addresses=("10.0.0.1",), created="2026-01-01T00:00:00Z")
    young = facts.node("a", addresses=("10.0.0.1",), created="2026-01-02T00:00:00Z")
    assert judged(old, young) == IPv4Address("10.0.0.1")
    assert judged(young, old) == f"{Reason.ROUTER_ID_CLASH} router-id 10.0.0.1"


def test_one_for_all_nodes_is_the_first_ones() -> None:
    found = router_id(
        facts.node("n2", addresses=("10.0.0.2",)),
        Declared(
            replace(facts.configuration(), router_id=IPv4Address("192.0.2.1")),
            (facts.node("n1"), facts.node("n2", addresses=("10.0.0.2",))),
        ),
    )
    assert isinstance(found, Rejection)
    assert "Node/n1" in found.remedy
    assert "routerID is of all nodes" in found.remedy
