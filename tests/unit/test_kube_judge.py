"""What holds of the API server's objects, and why a collection cannot be read."""

from typing import Any

import pytest

from bgpnet.drivers.kube.judge import Known, judge, unread
from bgpnet.drivers.kube.watch import Collection, Watch
from bgpnet.model.errors import ApiError
from bgpnet.model.rejection import Reason


def peer(name: str, **spec: object) -> dict[str, Any]:
    return {
        "apiVersion": "bgpnet.io/v1alpha1",
        "kind": "BGPPeer",
        "metadata": {"name": name, "uid": "u", "resourceVersion": "7", "generation": 1},
        "spec": {"peerAddress": "192.0.2.1", "peerASN": 65001} | spec,
    }


def test_an_object_that_turns_bad_keeps_its_last_good_state() -> None:
    known, _ = judge({"BGPPeer": {"a": peer("a")}}, Known())
    known, declared = judge({"BGPPeer": {"a": peer("a", peerASN=0), "b": peer("b")}}, known)
    assert {(each.ref.name, each.peer_asn) for each in declared.peers} == {("a", 65001), ("b", 65001)}
    assert [rejection.object.name for rejection in declared.rejections] == ["a"]
    _, declared = judge({"BGPPeer": {"b": peer("b")}}, known)
    assert [each.ref.name for each in declared.peers] == ["b"]
    assert declared.rejections == ()


def test_an_object_of_an_older_definition_is_refused_alone() -> None:
    old = {"BGPPeer": {"a": peer("a", asNumber=65001), "b": peer("b")}}
    _, declared = judge(old, Known())
    assert [each.ref.name for each in declared.peers] == ["b"]
    assert [rejection.reason for rejection in declared.rejections] == [Reason.UNKNOWN_FIELD]


def test_what_has_not_changed_is_not_read_again() -> None:
    objects = {"BGPPeer": {"a": peer("a")}}
    known, first = judge(objects, Known())
    again, second = judge(objects, known)
    assert again.judged["BGPPeer", "a"] is known.judged["BGPPeer", "a"]
    assert first == second


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "the token is not taken"),
        (403, "give the agent's service account list and watch"),
        (404, "install the CustomResourceDefinitions"),
        (0, "is the API server up"),
    ],
)
def test_each_cause_has_its_remedy(status: int, words: str) -> None:
    collection = Collection("BGPPeer", "bgpnet.io/v1alpha1", "/apis/x/bgppeers", dict)
    watch = Watch(None, collection, None, lambda: None)  # type: ignore[arg-type]
    watch.error = ApiError(status, "Reason", "message")
    (rejection,) = unread([watch])
    assert words in rejection.remedy
    assert "nothing is touched" in rejection.remedy
    assert rejection.object.name == "/apis/x/bgppeers"
