"""Reads a cluster's objects once, without watching."""

from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Final

from bgpnet.drivers.files.contents import Content, SecretKey, Unreadable
from bgpnet.drivers.files.passwords import password
from bgpnet.drivers.kube.client import Json
from bgpnet.drivers.kube.collections import whole
from bgpnet.drivers.kube.judge import Known, judge, passwords
from bgpnet.drivers.kube.passwords import given, value_of
from bgpnet.drivers.kube.watch import Collection
from bgpnet.model.crd.meta import GROUP
from bgpnet.model.declared import Declared
from bgpnet.model.errors import ApiError, UnreachableError

PAGE: Final = 500
"""Objects that are asked for at a time: a list of all is held whole in the API server's memory."""

Get = Callable[[str, Mapping[str, str]], Json]
"""A GET request by path and query; it raises ApiError."""

READER: Final = "ClusterRole bgpnet-reader grants it (config/rbac/reader.yaml)"


def read_once(get: Get, namespace: str, *, reveal: bool) -> Declared:
    """What a cluster's objects declare; what is refused is among its rejections.

    Args:
        get: asks the API server.
        namespace: of the Secrets that BGPPeers name.
        reveal: whether these are read; without, nothing of any Secret is asked for.

    Raises:
        UnreachableError: the API server is not reached, refuses a list, or does not know a kind.
    """
    objects = {
        collection.kind: {item["metadata"]["name"]: item for item in _listed(get, collection)}
        for collection in whole()
    }
    known, declared = judge(objects, Known())
    if not reveal:
        return declared
    places = passwords(known)
    return given(
        declared,
        places,
        {place: password(_secret(get, place, namespace), None) for place in set(places.values())},
    )


def _listed(get: Get, collection: Collection) -> Iterator[Json]:
    """Every object of a collection, of each what is read."""
    query = {"limit": str(PAGE)}
    items: list[Json] = []
    while True:
        try:
            page = get(collection.path, query)
        except ApiError as error:
            if error.status != HTTPStatus.GONE or "continue" not in query:
                raise _unreadable(collection, error) from error
            query, items = {}, []  # the pages went on for longer than etcd remembers: all at once
            continue
        items += map(collection.kept, page.get("items") or ())
        token = page.get("metadata", {}).get("continue")
        if not token:
            return iter(items)
        query["continue"] = token


def _secret(get: Get, place: SecretKey, namespace: str) -> Content:
    try:
        found = get(f"/api/v1/namespaces/{namespace}/secrets/{place.name}", {})
    except ApiError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return value_of(None, place, namespace)
        if error.status == HTTPStatus.FORBIDDEN:
            return Unreadable(f"{error}: have the verb get on it granted")
        raise UnreachableError(f"the API server cannot be read: {error}") from error
    read = {"metadata": {"name": place.name}, "data": found.get("data") or {}}
    return value_of({"apiVersion": "v1", "kind": "Secret"} | read, place, namespace)


def _unreadable(collection: Collection, error: ApiError) -> UnreachableError:
    resource = collection.path.rpartition("/")[2]
    ours = collection.api_version.startswith(GROUP)
    match error.status:
        case 0:
            remedy = "is it up, and is this the kubeconfig, and the --context, of the cluster you mean?"
            return UnreachableError(f"the API server cannot be reached: {error}; {remedy}")
        case HTTPStatus.UNAUTHORIZED:
            remedy = "log in anew, or take another --context"
            return UnreachableError(f"the API server does not take the kubeconfig's user: {error}; {remedy}")
        case HTTPStatus.FORBIDDEN:
            needs = f"the verb list on {resource}{f'.{GROUP}' if ours else ''} is needed"
            return UnreachableError(f"{error}; {needs}: {READER}")
        case HTTPStatus.NOT_FOUND if ours:
            remedy = "install the CustomResourceDefinitions: kubectl apply -f config/crd"
            return UnreachableError(
                f"the cluster has no kind {collection.kind} of {collection.api_version}; {remedy}"
            )
    return UnreachableError(f"the API server cannot be read: GET {collection.path}: {error}")
