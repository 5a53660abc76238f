"""Decides what holds: from the objects of the API server to what is declared. Pure.

The API server has refused what it can know to be bad. What it let through, because only an agent can know or
because an older CRD is installed, is refused here: alone, and with its last good state left in force.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from bgpnet.drivers.files.contents import SecretKey
from bgpnet.drivers.kube.client import Json
from bgpnet.drivers.kube.watch import Watch
from bgpnet.model.crd.bgppeer import BGPPeer
from bgpnet.model.crd.declare import declare
from bgpnet.model.crd.meta import Fact, Manifest
from bgpnet.model.crd.read import read
from bgpnet.model.declared import Declared
from bgpnet.model.errors import ApiError
from bgpnet.model.rejection import ObjectRef, Reason, Rejection

Objects = Mapping[str, Mapping[str, Json]]
"""By kind and name."""

KEPT_IN_FORCE: Final = "its last good state stays in force"


@dataclass(frozen=True, slots=True)
class Judged:
    """One object: as it came, its last good fact, and what was refused."""

    value: Json
    fact: Fact | None
    rejections: tuple[Rejection, ...]
    password: SecretKey | None = None
    """Where a BGPPeer says that its password is."""


@dataclass(frozen=True, slots=True)
class Known:
    """What was judged before, by kind and name."""

    judged: Mapping[tuple[str, str], Judged] = field(default_factory=dict)


def judge(objects: Objects, before: Known) -> tuple[Known, Declared]:
    """What holds now. An object that has not changed is not read again."""
    judged = {
        (kind, name): _judged(value, before.judged.get((kind, name)))
        for kind, found in objects.items()
        for name, value in found.items()
    }
    facts = [each.fact for each in judged.values() if each.fact is not None]
    refused = [rejection for each in judged.values() for rejection in each.rejections]
    return Known(judged), declare(facts, refused)


def passwords(known: Known) -> dict[str, SecretKey]:
    """Where BGPPeers say that their passwords are, by the BGPPeers' names."""
    return {name: each.password for (_, name), each in known.judged.items() if each.password is not None}


def unread(watches: Iterable[Watch], *, saved: bool = False) -> tuple[Rejection, ...]:
    """Why collections cannot be read just now; `saved`: there is a state of an earlier life of the agent."""
    return tuple(
        _unreadable(watch.collection.path, watch.error, known=saved or watch.synced)
        for watch in watches
        if watch.error is not None
    )


def refusal(part: str, error: ApiError) -> Rejection:
    """That the API server refuses a part of what an agent does there."""
    remedy = "everything else goes on, and it is tried again"
    if error.status == HTTPStatus.FORBIDDEN:
        remedy = f"give the agent its rights (config/rbac); {remedy}"
    return Rejection(ObjectRef("API", part), "", str(error), Reason.API_REFUSED, remedy)


def _judged(value: Json, before: Judged | None) -> Judged:
    if before is not None and before.value is value:
        return before
    reading = read(value)
    if reading.rejections and before is not None and before.fact is not None:
        return Judged(value, before.fact, reading.rejections, before.password)
    fact = None if reading.object is None else reading.object.fact(reading.ref)
    return Judged(value, fact, reading.rejections, _password(reading.object))


def _password(read: Manifest | None) -> SecretKey | None:
    secret = read.spec.password_secret if isinstance(read, BGPPeer) else None
    return None if secret is None else SecretKey(secret.name, secret.key)


def _unreadable(path: str, error: ApiError, *, known: bool) -> Rejection:
    force = "the last state stays in force" if known else "nothing is touched until it is read"
    match error.status:
        case HTTPStatus.NOT_FOUND:
            remedy = "install the CustomResourceDefinitions of this version"
        case HTTPStatus.FORBIDDEN:
            remedy = "give the agent's service account list and watch on it"
        case HTTPStatus.UNAUTHORIZED:
            remedy = "the token is not taken: is its service account there, and the node's clock right?"
        case _:
            remedy = "is the API server up, and does the node reach it, by kube-proxy or at apiServer.host?"
    return Rejection(ObjectRef("API", path), "", str(error), Reason.SOURCE_GONE, f"{force}; {remedy}")
