"""BGPFilter and BGPPeer.filters: what a good one says, and what each bad one is answered."""

from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgpnet.model.crd.read import read
from bgpnet.model.declared import AcceptRule, Changes, DeclaredFilter, DeclaredPeer, FilterRule
from bgpnet.model.filter import first_shadowed
from bgpnet.model.net import Prefix
from bgpnet.model.rejection import ObjectRef, Reason
from bgpnet.planner.filters import FilterChain
from tests.unit import facts

Rules = list[dict[str, Any]]
ALL = {"action": "accept"}


def made(**spec: object) -> dict[str, Any]:
    return {
        "apiVersion": "bgpnet.io/v1alpha1",
        "kind": "BGPFilter",
        "metadata": {"name": "f"},
        "spec": spec,
    }


def refused(value: dict[str, Any]) -> tuple[str, Reason, str]:
    reading = read(value)
    assert reading.object is None
    (rejection,) = reading.rejections
    return rejection.field, rejection.reason, rejection.remedy


def within(cidr: str, **lengths: int) -> dict[str, Any]:
    return {"prefixes": [{"prefix": cidr, **lengths}]}


def test_every_field_of_an_import_rule() -> None:
    rule = {
        "match": {**within("10.0.0.0/8", maxLength=24), "communities": ["no-export", "65001:1"]},
        "action": "accept",
        "set": {"localPreference": 200, "med": 0},
    }
    reading = read(made(**{"import": [rule, {"action": "reject"}]}))
    assert reading.object is not None
    told = reading.object.fact(reading.ref)
    assert isinstance(told, DeclaredFilter)
    assert told.exports == ()
    assert told.imports == (
        FilterRule(
            (AcceptRule(ip_network("10.0.0.0/8"), 8, 24),),
            ((65535, 65281), (65001, 1)),
            accept=True,
            changes=Changes(med=0, local_preference=200),
        ),
        FilterRule((), (), accept=False),
    )


def test_every_field_of_an_export_rule() -> None:
    add = {"communities": {"add": ["65001:1:2"]}, "med": 4294967295, "prepend": 16}
    rules = [
        {"match": within("10.0.0.0/8"), "action": "accept", "set": add},
        {"action": "accept", "set": {"communities": {"replace": []}}},
    ]
    reading = read(made(export=rules))
    assert reading.object is not None
    told = reading.object.fact(reading.ref)
    assert isinstance(told, DeclaredFilter)
    assert [rule.changes for rule in told.exports] == [
        Changes(add_communities=((65001, 1, 2),), med=4294967295, prepend=16),
        Changes(replace_communities=()),
    ]


@pytest.mark.parametrize(
    ("rule", "field", "says"),
    [
        ({}, "spec.import[0].action", "set this field"),
        ({"action": "allow"}, "spec.import[0].action", "accept"),
        ({"action": "reject", "set": {"med": 1}}, "spec.import[0]", "what is rejected is given nothing"),
        ({**ALL, "match": {"prefixes": []}}, "spec.import[0].match.prefixes", "leave the field out"),
        ({**ALL, "match": {"communities": []}}, "spec.import[0].match.communities", "leave the field out"),
        (
            {**ALL, "match": within("10.0.0.0/8", minLength=24, maxLength=16)},
            "spec.import[0].match.prefixes[0]",
            "minLength <= maxLength",
        ),
        (
            {**ALL, "match": {"communities": ["no-exprot"]}},
            "spec.import[0].match.communities[0]",
            "no-export",
        ),
        ({**ALL, "set": {"prepend": 1}}, "spec.import[0].set.prepend", "known here: localPreference, med"),
        ({**ALL, "set": {"communities": {"add": ["1:1"]}}}, "spec.import[0].set.communities", "known here"),
        ({**ALL, "set": {"localPreference": 1 << 32}}, "spec.import[0].set.localPreference", "4294967295"),
    ],
)
def test_import_rules_that_make_no_sense(rule: dict[str, Any], field: str, says: str) -> None:
    answer = refused(made(**{"import": [rule]}))
    assert answer[0] == field
    assert says in answer[2]


@pytest.mark.parametrize(
    ("rule", "field", "says"),
    [
        ({**ALL, "set": {"prepend": 17}}, "spec.export[0].set.prepend", "16 or less"),
        ({**ALL, "set": {"prepend": 0}}, "spec.export[0].set.prepend", "1 or more"),
        ({**ALL, "set": {"localPreference": -1}}, "spec.export[0].set.localPreference", "0 or more"),
        ({**ALL, "match": {"communities": ["1:1"]}}, "spec.export[0].match.communities", "known here"),
        ({**ALL, "set": {"communities": {}}}, "spec.export[0].set.communities", "either `add` or"),
        (
            {**ALL, "set": {"communities": {"add": ["1:1"], "replace": []}}},
            "spec.export[0].set.communities",
            "either `add` or",
        ),
    ],
)
def test_export_rules_that_make_no_sense(rule: dict[str, Any], field: str, says: str) -> None:
    answer = refused(made(export=[rule]))
    assert answer[0] == field
    assert says in answer[2]


def test_a_filter_without_any_rule() -> None:
    assert refused(made())[0] == "spec"
    assert "refuses everything" in refused(made(**{"import": []}))[2]


@pytest.mark.parametrize(
    ("rules", "numbers", "contrary"),
    [
        ([ALL, {"action": "reject"}], (1, 2), True),
        ([ALL, ALL], (1, 2), False),
        ([{"match": within("10.0.0.0/8"), **ALL}] * 2, (1, 2), False),
        (
            [
                {"match": within("192.0.2.0/24"), **ALL},
                {"match": within("10.0.0.0/8", maxLength=24), **ALL},
                {"match": within("10.1.0.0/16", maxLength=20), "action": "reject"},
            ],
            (2, 3),
            True,
        ),
        (
            [
                {"match": within("10.0.0.0/8"), **ALL},
                {"match": {**within("10.0.0.0/8"), "communities": ["1:1"]}, "action": "reject"},
            ],
            (1, 2),
            True,
        ),
        (
            [
                {"match": {"communities": ["1:1"]}, **ALL},
                {"match": {"communities": ["1:2", "1:1"]}, "action": "reject"},
            ],
            (1, 2),
            True,
        ),
    ],
)
def test_rules_that_never_apply(rules: Rules, numbers: tuple[int, int], *, contrary: bool) -> None:
    field, reason, remedy = refused(made(**{"import": rules}))
    assert (field, reason) == ("spec.import", Reason.INVALID_FIELD)
    earlier, later = numbers
    assert f"rule {later} never applies: rule {earlier} before it" in remedy
    assert ("does the contrary" in remedy) == contrary


@pytest.mark.parametrize(
    "rules",
    [
        [
            {"match": within("10.1.0.0/16"), "action": "reject"},
            {"match": within("10.0.0.0/8", maxLength=24), **ALL},
        ],
        [{"match": within("10.0.0.0/8"), **ALL}, {"match": within("10.0.0.0/8", maxLength=9), **ALL}],
        [{"match": {"communities": ["1:1"]}, **ALL}, {"match": {"communities": ["1:2"]}, **ALL}, ALL],
        [{"match": within("10.0.0.0/8", maxLength=32), **ALL}, {"match": within("fd00::/8"), **ALL}],
    ],
)
def test_rules_that_overlap_and_all_apply(rules: Rules) -> None:
    assert read(made(**{"import": rules})).rejections == ()


SMALL = [
    facts.prefix(text) for text in ("10.0.0.0/14", "10.0.0.0/15", "10.0.0.0/16", "10.1.0.0/16", "10.2.0.0/15")
]
SMALL_RULES = st.builds(
    lambda ranges, accept: FilterRule(tuple(ranges), (), accept=accept),
    ranges=st.lists(
        st.builds(
            lambda cidr, least, more: AcceptRule(cidr, cidr.prefixlen + least, cidr.prefixlen + least + more),
            st.sampled_from(SMALL),
            st.integers(0, 1),
            st.integers(0, 2),
        ),
        max_size=2,
    ),
    accept=st.booleans(),
)


@given(rules=st.lists(SMALL_RULES, max_size=4), prefix=st.sampled_from(SMALL))
def test_a_rule_called_useless_never_decides(rules: list[FilterRule], prefix: Prefix) -> None:
    found = first_shadowed(tuple(rules))
    if found is None:
        return
    whole = FilterChain("import", [(DeclaredFilter(ObjectRef("BGPFilter", "f"), (), ()), tuple(rules))])
    useless = found[1] - 1
    rest = (*rules[:useless], FilterRule((), ((0, 0),), accept=False), *rules[useless + 1 :])
    less = FilterChain("import", [(DeclaredFilter(ObjectRef("BGPFilter", "f"), (), ()), rest)])
    assert whole.decide(prefix) == less.decide(prefix)


def test_peers_name_filters_each_once() -> None:
    peer = {
        "apiVersion": "bgpnet.io/v1alpha1",
        "kind": "BGPPeer",
        "metadata": {"name": "tor-1"},
        "spec": {
            "peerAddress": "192.0.2.1",
            "peerASN": 65001,
            "filters": {"import": ["a", "b"], "export": ["b"]},
        },
    }
    reading = read(peer)
    assert reading.object is not None
    told = reading.object.fact(reading.ref)
    assert isinstance(told, DeclaredPeer)
    assert (told.import_filters, told.export_filters) == (("a", "b"), ("b",))
    peer["spec"]["filters"] = {"import": ["a", "b", "a"]}  # type: ignore[index]
    assert refused(peer)[::2] == ("spec.filters.import", "write each once: a stands here twice")
    peer["spec"]["filters"] = {"imports": ["a"]}  # type: ignore[index]
    assert "did you mean import?" in refused(peer)[2]
