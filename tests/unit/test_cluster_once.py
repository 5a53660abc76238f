"""A cluster that is read once: pages, what is refused, what is told of a server that refuses."""

from collections.abc import Mapping
from typing import Any

import pytest

from bgpnet.drivers.cluster.once import PAGE, read_once
from bgpnet.drivers.kube.collections import whole
from bgpnet.model.errors import ApiError, UnreachableError

Json = dict[str, Any]

PATHS = {each.kind: each.path for each in whole()}

SECRET = "/api/v1/namespaces/bgpnet-system/secrets/tor"

PEER = {
    "metadata": {"name": "tor1", "uid": "u", "managedFields": [{}], "annotations": {"a": "b"}},
    "spec": {"peerAddress": "10.0.1.1", "peerASN": 65001, "passwordSecret": {"name": "tor", "key": "k"}},
}


class Api:
    """An API server of these objects, in pages of two."""

    def __init__(
        self, objects: Mapping[str, list[Json]], errors: Mapping[str, ApiError] | None = None
    ) -> None:
        self.objects = {PATHS[kind]: items for kind, items in objects.items()}
        self.errors = dict(errors or {})
        self.secrets: dict[str, Json] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.forgets = False

    def get(self, path: str, query: Mapping[str, str]) -> Json:
        self.asked.append((path, dict(query)))
        if path in self.errors:
            raise self.errors[path]
        if "/secrets/" in path:
            return self.secrets[path]
        if self.forgets and "continue" in query:
            raise ApiError(410, "Expired", "The provided continue parameter is too old")
        items = self.objects.get(path, [])
        first = int(query.get("continue", "0"))
        rest = {"continue": str(first + 2)} if "limit" in query and first + 2 < len(items) else {}
        return {"metadata": rest, "items": items[first : first + 2] if "limit" in query else items}


def node(name: str) -> Json:
    return {"metadata": {"name": name, "uid": name}, "spec": {"podCIDRs": ["10.244.1.0/26"]}}


NODES = [node(f"n{number}") for number in range(5)]


@pytest.mark.parametrize("forgets", [False, True], ids=["pages", "pages that end early"])
def test_every_object_is_read_once(forgets: bool) -> None:  # noqa: FBT001 - the one thing that differs
    api = Api({"Node": NODES})
    api.forgets = forgets
    told = read_once(api.get, "bgpnet-system", reveal=False)
    assert [each.name for each in told.nodes] == [f"n{number}" for number in range(5)]
    pages = [query for path, query in api.asked if path == PATHS["Node"]]
    assert pages[0] == {"limit": str(PAGE)}
    assert pages[-1] == ({} if forgets else {"limit": str(PAGE), "continue": "4"})


def test_a_bad_object_is_refused_alone_and_told() -> None:
    bad = {"metadata": {"name": "odd"}, "spec": {"peerAddress": "10.0.1.300", "peerASN": 65001}}
    told = read_once(Api({"BGPPeer": [bad, PEER]}).get, "bgpnet-system", reveal=False)
    assert [peer.ref.name for peer in told.peers] == ["tor1"]
    (rejection,) = told.rejections
    assert str(rejection).startswith("BGPPeer/odd: spec.peerAddress is ")


def test_no_secret_is_asked_for_unless_it_is_to_be_revealed() -> None:
    api = Api({"BGPPeer": [PEER]})
    (peer,) = read_once(api.get, "bgpnet-system", reveal=False).peers
    assert peer.password is None
    assert peer.password_error
    assert not [path for path, _ in api.asked if "secret" in path]


def test_the_secrets_that_peers_name_are_read_by_their_names() -> None:
    api = Api({"BGPPeer": [PEER]})
    api.secrets[SECRET] = {"metadata": {"name": "tor"}, "data": {"k": "czNjcmV0"}, "type": "Opaque"}
    (peer,) = read_once(api.get, "bgpnet-system", reveal=True).peers
    assert peer.password is not None
    assert peer.password.reveal() == "s3cret"
    assert [path for path, _ in api.asked if "secret" in path] == [SECRET]


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ApiError(404, "NotFound", "no"), "there is no Secret tor in namespace bgpnet-system: make it"),
        (ApiError(403, "Forbidden", "x cannot get"), "x cannot get: have the verb get on it granted"),
    ],
)
def test_a_secret_that_cannot_be_read_harms_its_peer_alone(error: ApiError, says: str) -> None:
    told = read_once(Api({"BGPPeer": [PEER]}, {SECRET: error}).get, "bgpnet-system", reveal=True)
    (peer,) = told.peers
    assert says in peer.password_error


@pytest.mark.parametrize(
    ("kind", "error", "says"),
    [
        ("Node", ApiError(0, "Unreachable", "https://x: refused"), "cannot be reached: https://x: refused"),
        ("Node", ApiError(401, "Unauthorized", "Unauthorized"), "log in anew"),
        ("Node", ApiError(403, "Forbidden", "u cannot"), "u cannot; the verb list on nodes is needed"),
        (
            "BGPPeer",
            ApiError(403, "Forbidden", "u cannot"),
            "the verb list on bgppeers.bgpnet.io is needed: ClusterRole bgpnet-reader",
        ),
        (
            "IPPool",
            ApiError(404, "NotJson", ""),
            "no kind IPPool of bgpnet.io/v1alpha1; install the CustomResourceDefinitions: kubectl apply -f",
        ),
        ("Node", ApiError(404, "NotJson", "HTTP 404"), "GET /api/v1/nodes: HTTP 404"),
        ("Node", ApiError(500, "InternalError", "etcd"), "cannot be read: GET /api/v1/nodes: etcd"),
        ("Node", ApiError(410, "Expired", "old"), "cannot be read: GET /api/v1/nodes: old"),
    ],
)
def test_a_list_that_is_refused_is_told_with_what_to_do(kind: str, error: ApiError, says: str) -> None:
    with pytest.raises(UnreachableError) as caught:
        read_once(Api({}, {PATHS[kind]: error}).get, "bgpnet-system", reveal=False)
    assert says in str(caught.value)
