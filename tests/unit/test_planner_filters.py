"""BGPFilters in force: what is learned, what is announced, and what is said of the rest."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bgpnet.model.attributes import Attributes
from bgpnet.model.bgp import LearnedPath
from bgpnet.model.community import GRACEFUL_SHUTDOWN, Community
from bgpnet.model.declared import AcceptRule, Changes, Declared, DeclaredFilter, FilterRule
from bgpnet.model.kernel import Kernel, RouteKind
from bgpnet.model.net import Prefix, covers
from bgpnet.model.plan import Plan
from bgpnet.model.rejection import ObjectRef, Reason
from bgpnet.planner import make_plan
from bgpnet.planner.filters import FilterChain
from bgpnet.planner.refusals import Refusal
from tests.unit import facts

REST = FilterRule((), (), accept=True)
BLOCKS = ("10.244.1.0/26", "10.244.9.0/26")


def rule(
    *ranges: AcceptRule, accept: bool = True, having: tuple[Community, ...] = (), **changes: int
) -> FilterRule:
    return FilterRule(ranges, having, accept=accept, changes=Changes(**changes))  # type: ignore[arg-type]


def made(
    name: str, *, imports: tuple[FilterRule, ...] = (), exports: tuple[FilterRule, ...] = ()
) -> DeclaredFilter:
    return DeclaredFilter(ObjectRef("BGPFilter", name), imports, exports)


def rack(
    *filters: DeclaredFilter,
    imports: tuple[str, ...] = (),
    exports: tuple[str, ...] = (),
    accepting: bool = True,
    communities: tuple[Community, ...] = (),
) -> Declared:
    """Two ToRs and two blocks; the first ToR names these filters."""
    tor1, tor2 = facts.two_tors().peers
    tor1 = replace(
        tor1,
        import_filters=imports,
        export_filters=exports,
        accept=tor1.accept if accepting else (),
    )
    return Declared(
        configuration=replace(facts.configuration(), communities=communities),
        nodes=(facts.node("n1", *BLOCKS),),
        peers=(tor1, tor2),
        filters=filters,
    )


def planned(declared: Declared, *paths: LearnedPath, kernel: Kernel | None = None) -> Plan:
    return make_plan(facts.snapshot(declared=declared, paths=paths, kernel=kernel))


def told(plan: Plan, peer: str = "10.0.1.1") -> dict[str, Attributes]:
    return {str(a.prefix): a.attributes for a in plan.announcements or () if str(a.peer) == peer}


def learned(plan: Plan) -> dict[str, list[str]]:
    return {
        str(route.prefix): [str(hop.gateway) for hop in route.next_hops]
        for route in plan.routes or ()
        if route.kind is RouteKind.UNICAST
    }


def said(plan: Plan) -> list[tuple[str, str, str, str]]:
    return [(str(r.object), r.found, r.reason, r.remedy) for r in plan.rejections]


# --- export ----------------------------------------------------------------------------------------------


def test_an_export_rule_refuses_a_prefix_to_its_peer_alone_and_is_named() -> None:
    no = rule(facts.accept("10.244.9.0/24", 32), accept=False)
    plan = planned(rack(made("rack", exports=(no, REST)), exports=("rack",)))
    assert list(told(plan)) == ["10.244.1.0/26"]
    assert list(told(plan, "10.0.2.1")) == list(BLOCKS)
    remedy = "rule 1 of spec.export of BGPFilter/rack rejects it"
    assert said(plan) == [("Announcement/to 10.0.1.1", "10.244.9.0/26", "Filtered", remedy)]


def test_what_no_export_rule_matches_is_not_announced() -> None:
    only = rule(facts.accept("10.244.1.0/26"))
    plan = planned(rack(made("a", exports=(only,)), made("b"), exports=("a", "b")))
    assert list(told(plan)) == ["10.244.1.0/26"]
    remedy = "no rule of spec.export of BGPFilter a, b matches it; add one if it is wanted"
    assert said(plan) == [("Announcement/to 10.0.1.1", "10.244.9.0/26", "Filtered", remedy)]


def test_export_rules_set_attributes() -> None:
    add = FilterRule(
        (facts.accept("10.244.1.0/26"),),
        (),
        accept=True,
        changes=Changes(add_communities=((65001, 9),), prepend=2),
    )
    other = FilterRule((), (), accept=True, changes=Changes(replace_communities=(), med=0))
    plan = planned(
        rack(made("rack", exports=(add, other)), exports=("rack",), communities=(GRACEFUL_SHUTDOWN,))
    )
    assert told(plan) == {
        "10.244.1.0/26": Attributes(((65001, 9), GRACEFUL_SHUTDOWN), None, (64512, 64512, 64512)),
        "10.244.9.0/26": Attributes((), 0),
    }
    assert set(told(plan, "10.0.2.1").values()) == {Attributes((GRACEFUL_SHUTDOWN,))}
    assert plan.rejections == ()


def test_towards_an_internal_peer_nothing_is_prepended() -> None:
    """RFC 4271 §5.1.2."""
    declared = rack(made("rack", exports=(rule(prepend=3, med=5),)), exports=("rack",))
    internal = replace(declared, peers=(replace(declared.peers[0], peer_asn=64512),))
    assert set(told(planned(internal)).values()) == {Attributes((), 5)}


def test_filters_are_one_list_and_the_first_match_decides() -> None:
    first = made("a", exports=(rule(facts.accept("10.244.1.0/26"), med=1),))
    second = made("b", exports=(rule(med=2),))
    assert [a.med for a in told(planned(rack(first, second, exports=("a", "b")))).values()] == [1, 2]
    assert [a.med for a in told(planned(rack(first, second, exports=("b", "a")))).values()] == [2, 2]


def test_filters_that_refuse_all_are_carried_out_and_reported() -> None:
    declared = rack(made("none", exports=(rule(accept=False),)), exports=("none",))
    plan = planned(declared)
    assert told(plan) == {}
    assert list(told(plan, "10.0.2.1")) == list(BLOCKS)
    (about_the_peer,) = [r for r in plan.rejections if r.object.kind == "BGPPeer"]
    assert (about_the_peer.field, about_the_peer.found) == ("spec.filters.export", "none")
    assert "nothing is announced to this peer" in about_the_peer.remedy
    alone = planned(replace(declared, peers=declared.peers[:1]))
    nobody = {(r.object.name, r.found) for r in alone.rejections if "nobody is told" in r.remedy}
    assert nobody == {("n1", block) for block in BLOCKS}


def test_no_rule_can_let_out_what_is_not_the_nodes() -> None:
    everything = made("open", exports=(rule(facts.accept("0.0.0.0/0", 32)),), imports=(REST,))
    declared = rack(everything, exports=("open",), imports=("open",))
    plan = planned(declared, facts.path("192.0.2.0/24", "10.0.1.1"))
    assert list(told(plan)) == list(BLOCKS)


# --- import ----------------------------------------------------------------------------------------------

VM = "192.0.2.0/24"


def test_accept_and_import_filters_both_have_to_agree() -> None:
    paths = (facts.path(VM, "10.0.1.1"), facts.path("198.51.100.0/24", "10.0.1.1"))
    no_vm = made("f", imports=(rule(facts.accept(VM), accept=False), REST))
    plan = planned(rack(no_vm, imports=("f",)), *paths)
    assert learned(plan) == {}
    assert [(found, reason) for _, found, reason, _ in said(plan)] == [
        (VM, "Filtered"),
        ("198.51.100.0/24", "NotRequested"),
    ]
    assert said(plan)[0][3] == "rule 1 of spec.import of BGPFilter/f rejects it"
    assert learned(planned(rack(made("f", imports=(REST,)), imports=("f",)), *paths)) == {VM: ["10.0.1.1"]}


def test_without_accept_the_import_filters_decide_alone() -> None:
    paths = (facts.path(VM, "10.0.1.1"), facts.path("198.51.100.0/24", "10.0.1.1"))
    only = made("f", imports=(rule(facts.accept("198.51.100.0/24")),))
    plan = planned(rack(only, imports=("f",), accepting=False), *paths)
    assert learned(plan) == {"198.51.100.0/24": ["10.0.1.1"]}
    assert "no rule of spec.import of BGPFilter f matches it" in said(plan)[0][3]


def test_a_default_route_is_taken_only_where_it_is_named() -> None:
    path = facts.path("0.0.0.0/0", "10.0.1.1")
    open_to_all = planned(rack(made("f", imports=(REST,)), imports=("f",), accepting=False), path)
    assert learned(open_to_all) == {}
    assert [(r.reason, "where it is named" in r.remedy) for r in open_to_all.rejections] == [
        (Reason.NOT_REQUESTED, True)
    ]
    named = made("f", imports=(rule(facts.accept("0.0.0.0/0")),))
    assert learned(planned(rack(named, imports=("f",), accepting=False), path)) == {"0.0.0.0/0": ["10.0.1.1"]}


def test_all_communities_of_a_match_have_to_be_there() -> None:
    both = made("f", imports=(rule(having=((65001, 1), (65001, 1, 2))),))
    declared = rack(both, imports=("f",))
    path = facts.path(VM, "10.0.1.1")
    one = replace(path, communities=((65001, 1),))
    more = replace(path, communities=((65001, 1, 2), (65001, 1), (65001, 7)))
    assert learned(planned(declared, one)) == {}
    assert learned(planned(declared, more)) == {VM: ["10.0.1.1"]}


def test_local_preference_and_med_set_on_import_choose_the_path() -> None:
    paths = (facts.path(VM, "10.0.1.1", 65001, 65009), facts.path(VM, "10.0.2.1", 65002))
    assert learned(planned(rack(), *paths)) == {VM: ["10.0.2.1"]}
    preferred = rack(made("f", imports=(rule(local_preference=101),)), imports=("f",))
    assert learned(planned(preferred, *paths)) == {VM: ["10.0.1.1"]}
    same_as = tuple(replace(path, as_path=(65001,)) for path in paths)
    assert learned(planned(rack(), *same_as)) == {VM: ["10.0.1.1", "10.0.2.1"]}
    by_med = rack(made("f", imports=(rule(med=5),)), imports=("f",))
    assert learned(planned(by_med, *same_as)) == {VM: ["10.0.2.1"]}


def test_a_path_of_a_router_that_goes_into_maintenance_is_used_last() -> None:
    """RFC 8326 §4."""
    leaving = replace(facts.path(VM, "10.0.1.1"), communities=(GRACEFUL_SHUTDOWN,))
    other = facts.path(VM, "10.0.2.1", 65002, 65003)
    assert learned(planned(rack(), leaving, other)) == {VM: ["10.0.2.1"]}
    assert learned(planned(rack(), leaving)) == {VM: ["10.0.1.1"]}
    internal = replace(leaving, internal=True)
    assert learned(planned(rack(), internal, other)) == {VM: ["10.0.1.1"]}
    insisting = rack(made("f", imports=(rule(local_preference=300),)), imports=("f",))
    assert learned(planned(insisting, leaving, other)) == {VM: ["10.0.1.1"]}


# --- a filter that is missing ----------------------------------------------------------------------------


def test_without_its_export_filter_a_peer_keeps_what_it_was_told() -> None:
    plan = planned(rack(exports=("gone",)))
    assert plan.sessions is not None
    assert [session.exports_known for session in plan.sessions] == [False, True]
    assert told(plan) == {}
    assert list(told(plan, "10.0.2.1")) == list(BLOCKS)
    (rejection,) = plan.rejections
    assert (rejection.object.name, rejection.field, rejection.found, rejection.reason) == (
        "tor1",
        "spec.filters.export",
        "gone",
        Reason.NO_FILTER,
    )


def test_without_its_import_filter_what_was_learned_stays_and_nothing_new_comes() -> None:
    paths = (
        facts.path(VM, "10.0.1.1"),
        facts.path(VM, "10.0.2.1", 65002),
        facts.path("10.244.2.0/26", "10.0.1.1"),
    )
    there = Kernel(facts.UPLINKS, (facts.kernel_route(VM, ("10.0.1.1", "eth1"), ("10.0.2.1", "eth2")),))
    declared = rack(imports=("gone",))
    assert learned(planned(declared, *paths, kernel=there)) == {VM: ["10.0.1.1", "10.0.2.1"]}
    assert learned(planned(declared, *paths[1:], kernel=there)) == {VM: ["10.0.2.1"]}, (
        "withdrawals are obeyed"
    )
    reasons = {r.found: r.reason for r in planned(declared, *paths, kernel=there).rejections}
    assert reasons == {"gone": Reason.NO_FILTER, "10.244.2.0/26": Reason.NO_FILTER}


# --- against the plain reading of the rules --------------------------------------------------------------


@given(
    rules=st.lists(facts.FILTER_RULES, max_size=6),
    prefix=facts.PREFIXES,
    communities=st.lists(facts.COMMUNITIES, max_size=3),
)
def test_the_first_match_decides(
    rules: list[FilterRule], prefix: Prefix, communities: list[Community]
) -> None:
    chain = FilterChain("import", [(made("f"), tuple(rules))])
    outcome = chain.decide(prefix, communities)
    for number, each in enumerate(rules, 1):
        ranges = [r for r in each.prefixes if covers(r.prefix, prefix)]
        fits = any(r.min_length <= prefix.prefixlen <= r.max_length for r in ranges)
        if (fits or not each.prefixes) and set(each.communities) <= set(communities):
            if each.accept:
                assert outcome == each
            else:
                assert isinstance(outcome, Refusal)
                assert f"rule {number} of" in outcome.remedy
            return
    assert outcome == chain.unmatched
