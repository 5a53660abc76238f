"""The way in for documents of any kind: known, unknown, foreign, hostile."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bgpnet.model.crd.declare import declare
from bgpnet.model.crd.read import read
from bgpnet.model.crd.refused import MAX_REJECTIONS, Location, spell
from bgpnet.model.crd.registry import KINDS
from bgpnet.model.rejection import ObjectRef, Reason

OURS = "bgpnet.io/v1alpha1"


def pool(name: str = "p", cidr: object = "10.0.0.0/8", **more: object) -> dict[str, Any]:
    return {"apiVersion": OURS, "kind": "IPPool", "metadata": {"name": name}, "spec": {"cidr": cidr, **more}}


def test_foreign_kinds_are_passed_over() -> None:
    for value in ({"apiVersion": "v1", "kind": "Pod"}, {"apiVersion": "apps/v1", "kind": "BGPPeer"}):
        reading = read(value)
        assert (reading.object, reading.rejections) == (None, ())


def test_unknown_kind_of_our_group() -> None:
    (rejection,) = read({"apiVersion": OURS, "kind": "BGPPer", "metadata": {"name": "x"}}).rejections
    assert (rejection.field, rejection.found, rejection.reason) == ("kind", '"BGPPer"', Reason.UNKNOWN_KIND)
    assert "did you mean BGPPeer?" in rejection.remedy


def test_known_kind_of_another_version() -> None:
    (rejection,) = read({"apiVersion": "bgpnet.io/v9", "kind": "BGPPeer"}).rejections
    assert (rejection.field, rejection.reason) == ("apiVersion", Reason.UNKNOWN_KIND)
    assert OURS in rejection.remedy


@pytest.mark.parametrize(
    ("value", "field"),
    [([], ""), ("text", ""), (7, ""), ({"kind": "BGPPeer"}, "apiVersion"), ({"apiVersion": OURS}, "kind")],
)
def test_what_is_no_object(value: object, field: str) -> None:
    (rejection,) = read(value).rejections
    assert (rejection.field, rejection.reason) == (field, Reason.INVALID_FIELD)


def test_an_unknown_field_is_named_with_the_one_that_was_meant() -> None:
    reading = read(pool(cdir="10.0.0.0/8"))
    (rejection,) = reading.rejections
    assert reading.object is None
    assert (rejection.field, rejection.reason) == ("spec.cdir", Reason.UNKNOWN_FIELD)
    assert rejection.remedy.startswith("did you mean cidr? known here: ")
    assert "nodeSelector" in rejection.remedy


def test_the_value_of_an_unknown_field_is_not_told() -> None:
    """It may be a password written in the wrong place."""
    (rejection,) = read(pool(password="hunter2")).rejections
    assert "hunter2" not in str(rejection)
    assert rejection.found == "a text"


@pytest.mark.parametrize(
    ("value", "found"),
    [(7, "a number"), (True, "a truth value"), ([], "a list"), ({}, "a mapping"), (None, "empty")],
)
def test_the_kind_of_an_unknown_fields_value_is_told(value: object, found: str) -> None:
    (rejection,) = read(pool(password=value)).rejections
    assert rejection.found == found


def test_kubernetes_own_fields_are_passed_over() -> None:
    value = pool()
    value["metadata"] |= {"resourceVersion": "1", "namespace": "x", "deletionTimestamp": None}
    value["metadata"] |= {"generateName": "x", "annotations": {}, "managedFields": []}
    value["status"] = {"conditions": []}
    assert read(value).rejections == ()


def test_a_field_of_metadata_that_looks_mistyped_is_refused() -> None:
    value = pool()
    value["metadata"]["lables"] = {"rack": "b"}
    (rejection,) = read(value).rejections
    assert (rejection.field, rejection.reason) == ("metadata.lables", Reason.UNKNOWN_FIELD)
    assert "did you mean labels?" in rejection.remedy


def test_what_a_terminal_might_act_on_is_escaped() -> None:
    value = pool("a\x1b[31m\nb\x9b", **{"x\x1b": 1})
    reading = read(value, "c\udcff\n.yaml")
    assert len(reading.rejections) == 2
    for rejection in reading.rejections:
        assert str(rejection).isprintable()
        assert str(rejection.object) == r"IPPool/a\x1b[31m\nb\x9b (c\udcff\n.yaml)"


def test_a_missing_field_is_named() -> None:
    value = pool()
    del value["spec"]["cidr"]
    (rejection,) = read(value).rejections
    assert (rejection.field, rejection.found, rejection.remedy) == ("spec.cidr", "not set", "set this field")


def test_rejections_name_file_and_line_of_the_field() -> None:
    lines: dict[Location, int] = {(): 3, ("spec", "cidr"): 9}
    reading = read(pool(cidr="x"), "pools.yaml", lambda location: lines[location])
    assert reading.ref == ObjectRef("IPPool", "p", "pools.yaml", 3)
    (rejection,) = reading.rejections
    assert rejection.object == ObjectRef("IPPool", "p", "pools.yaml", 9)
    assert str(rejection).startswith('IPPool/p (pools.yaml:9): spec.cidr is "x": InvalidField: ')


def test_all_errors_of_an_object_are_told_at_once_but_not_endlessly() -> None:
    assert len(read(pool(cidr="x", one=1, two=2)).rejections) == 3
    assert (
        len(read(pool("p", "10.0.0.0/8", **{f"field{i}": i for i in range(1000)})).rejections)
        == MAX_REJECTIONS
    )


def test_a_long_value_is_shortened() -> None:
    (rejection,) = read(pool(cidr="9" * 5000)).rejections
    assert len(rejection.found) <= 60


def test_spelling_of_fields() -> None:
    assert spell(("spec", "accept", 0, "prefix")) == "spec.accept[0].prefix"
    assert spell(("metadata", "labels", "a.b/c")) == 'metadata.labels["a.b/c"]'
    assert spell(()) == ""


def test_declare_sorts_facts_by_kind() -> None:
    values = [
        pool(),
        {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}},
        {
            "apiVersion": OURS,
            "kind": "BGPPeer",
            "metadata": {"name": "t"},
            "spec": {"peerAddress": "192.0.2.1", "peerASN": 1},
        },
        {
            "apiVersion": OURS,
            "kind": "BGPConfiguration",
            "metadata": {"name": "default"},
            "spec": {"localASN": 1},
        },
    ]
    readings = [read(value) for value in values]
    facts = [reading.object.fact(reading.ref) for reading in readings if reading.object]
    told = declare(facts, ())
    assert told.configuration is not None
    assert [len(told.pools), len(told.nodes), len(told.peers)] == [1, 1, 1]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    [
        "cidr",
        "nodeSelector",
        "peerAddress",
        "peerASN",
        "accept",
        "podCIDRs",
        "podCIDR",
        "localASN",
        "addresses",
    ]
)


@settings(max_examples=300)
@given(
    known=st.sampled_from(sorted(KINDS)),
    metadata=JSON | st.fixed_dictionaries({"name": st.just("n")}),
    spec=JSON | st.dictionaries(FIELDS, JSON, max_size=4),
    status=JSON | st.dictionaries(FIELDS, JSON, max_size=2),
)
def test_no_document_can_raise(
    known: tuple[str, str], metadata: object, spec: object, status: object
) -> None:
    api_version, kind = known
    reading = read(
        {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec, "status": status}
    )
    assert reading.object or reading.rejections
    for rejection in reading.rejections:
        assert rejection.remedy
        assert "{" not in rejection.remedy
