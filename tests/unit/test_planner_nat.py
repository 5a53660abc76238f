"""Whose connections are translated, and towards whom they are not."""

from dataclasses import replace
from ipaddress import collapse_addresses

from hypothesis import given

from bgpnet.model.declared import Declared, DeclaredFilter, FilterRule
from bgpnet.model.kernel import Kernel
from bgpnet.model.nat import TABLE_REF, Translation
from bgpnet.model.net import Family, covers, family_of
from bgpnet.model.rejection import ObjectRef, Reason, Rejection
from bgpnet.model.snapshot import Snapshot
from bgpnet.planner import make_plan
from bgpnet.planner.status import node_status
from bgpnet.render.nft import nft_text
from bgpnet.render.status import status_text
from tests.unit import facts

V4 = replace(facts.pool("v4", "10.244.0.0/16"), nat_outgoing=True)
V6 = replace(facts.pool("v6", "fd00:244::/32"), nat_outgoing=True)
PLAIN = facts.pool("plain", "10.245.0.0/16")
NODE = facts.node("n1", "10.244.1.0/26", "10.244.1.64/26", "10.245.1.0/26", "fd00:244:1::/64")


def planned(declared: Declared, kernel: Kernel | None = None) -> tuple[Translation, ...] | None:
    return make_plan(facts.snapshot(declared=declared, kernel=kernel)).nat


def texts(*prefixes: object) -> list[str]:
    return [str(each) for each in prefixes]


def test_pods_of_a_pool_that_asks_are_translated_towards_what_is_in_no_pool() -> None:
    first, second = planned(facts.two_tors(NODE, pools=(V4, V6, PLAIN))) or ()
    assert (first.family, second.family) == (Family.IPV4, Family.IPV6)
    assert texts(*first.pods) == ["10.244.1.0/25"], "and no other pool's"
    assert texts(*first.kept) == ["10.244.0.0/15", "192.0.2.0/24"], "pools, and what the ToRs are asked for"
    assert texts(*second.kept) == ["2001:db8::/32", "fd00:244::/32"]
    assert first.source is None


def test_without_a_pool_that_asks_there_is_nothing() -> None:
    assert planned(facts.two_tors(NODE, pools=(PLAIN,))) == ()
    assert planned(facts.two_tors(NODE)) == ()


def test_what_the_configuration_lists_is_kept() -> None:
    declared = facts.two_tors(NODE, pools=(V4,))
    assert declared.configuration is not None
    listed = replace(declared.configuration, nat_except=(facts.prefix("198.51.100.0/24"),))
    (only,) = planned(replace(declared, configuration=listed)) or ()
    assert "198.51.100.0/24" in texts(*only.kept)


def test_a_default_route_names_nobody_and_import_filters_name_networks_where_accept_does_not() -> None:
    rules = (facts.accept("0.0.0.0/0"), facts.accept("203.0.113.0/24"))
    named = DeclaredFilter(
        ObjectRef("BGPFilter", "f"),
        (
            FilterRule((facts.accept("198.51.100.0/24", 32),), (), accept=True),
            FilterRule((facts.accept("198.51.101.0/24"),), (), accept=False),
            FilterRule((), (), accept=True),
        ),
        (),
    )
    asking = replace(facts.peer("a", "10.0.1.1", accepting=rules), import_filters=("f",))
    filtered = replace(facts.peer("b", "10.0.2.1"), import_filters=("f", "missing"))
    declared = replace(facts.two_tors(NODE, pools=(V4,)), filters=(named,))
    (one,) = planned(replace(declared, peers=(asking,))) or ()
    assert texts(*one.kept) == ["10.244.0.0/16", "203.0.113.0/24"]
    (other,) = planned(replace(declared, peers=(filtered,))) or ()
    assert "198.51.100.0/24" in texts(*other.kept)
    assert "198.51.101.0/24" not in texts(*other.kept)


def test_the_nodes_loopback_address_is_what_they_get() -> None:
    declared = facts.two_tors(NODE, pools=(V4, V6))
    assert declared.configuration is not None
    declared = replace(
        declared, configuration=replace(declared.configuration, loopbacks=facts.LOOPBACK_RANGES)
    )
    links = (*facts.UPLINKS, facts.link(1, "lo", "127.0.0.1/8", "10.255.0.11/32"))
    found = planned(declared, Kernel(links, ())) or ()
    assert [each.source for each in found] == [facts.address("10.255.0.11"), None]


def test_a_family_without_an_address_of_the_node_is_refused_by_name() -> None:
    links = (
        facts.link(2, "eth1", "fd00:1::11/64", "fe80::1/64"),
        facts.link(1, "lo", "127.0.0.1/8", "::1/128"),
    )
    plan = make_plan(facts.snapshot(declared=facts.two_tors(NODE, pools=(V4, V6)), kernel=Kernel(links, ())))
    assert [each.family for each in plan.nat or ()] == [Family.IPV6]
    (refused,) = (each for each in plan.rejections if each.reason is Reason.NAT_UNAVAILABLE)
    assert refused.found == "10.244.1.0/25"
    assert "no link of this node has an ipv4 address" in refused.remedy


@given(snapshot=facts.RACKS)
def test_pods_keep_their_addresses_towards_pods_and_are_the_nodes_own(snapshot: Snapshot) -> None:
    plan = make_plan(snapshot)
    assert snapshot.declared is not None
    for each in plan.nat or ():
        pools = [pool.cidr for pool in snapshot.declared.pools if family_of(pool.cidr) is each.family]
        assert all(any(covers(kept, cidr) for kept in each.kept) for cidr in pools)
        own = list(collapse_addresses(p for p in plan.own_prefixes if family_of(p) is each.family))  # type: ignore[type-var]
        assert all(any(covers(mine, pods) for mine in own) for pods in each.pods)


def test_the_rules_are_one_transaction_that_replaces_the_table() -> None:
    text = nft_text(
        (
            Translation(
                Family.IPV4, (facts.prefix("10.244.1.0/26"),), (facts.prefix("10.244.0.0/16"),), None
            ),
            Translation(
                Family.IPV6,
                (facts.prefix("fd00:1::/64"),),
                (facts.prefix("fd00::/8"),),
                facts.address("fd00::11"),
            ),
        )
    )
    local = "fib saddr type != local counter"
    ipv6 = "ip6 saddr { fd00:1::/64 } ip6 daddr != { fd00::/8 }"
    assert text.splitlines() == [
        "add table inet bgpnet",
        "delete table inet bgpnet",
        "table inet bgpnet {",
        "  chain postrouting {",
        "    type nat hook postrouting priority srcnat; policy accept;",
        f"    ip saddr {{ 10.244.1.0/26 }} ip daddr != {{ 10.244.0.0/16 }} {local} masquerade fully-random",
        f"    {ipv6} {local} snat ip6 to fd00::11 fully-random",
        "  }",
        "}",
    ]
    assert nft_text(()) == "add table inet bgpnet\ndelete table inet bgpnet\n"


def test_status_tells_of_it_and_whether_it_is_there() -> None:
    snapshot = facts.snapshot(declared=facts.two_tors(NODE, pools=(V4,)))
    plan = make_plan(snapshot)
    fine = node_status(snapshot, plan, (), "1")
    assert "NAT ipv4 of 10.244.1.0/25: to the address of the link" in status_text(fine, 0.0)
    assert [nat.in_place for nat in fine.nat] == [True]
    refused = Rejection(TABLE_REF, "", "", Reason.NAT_UNAVAILABLE, "no nft")
    lame = node_status(snapshot, plan, (refused,), "1")
    assert [nat.in_place for nat in lame.nat] == [False]
    assert "NOT IN PLACE" in status_text(lame, 0.0)
