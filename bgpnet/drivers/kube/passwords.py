"""Passwords in Secrets of the API server: what an object says, and what peers are given. Pure."""

from collections.abc import Mapping
from dataclasses import replace

from bgpnet.drivers.files.contents import Content, Password, SecretKey, Unreadable
from bgpnet.drivers.kube.client import Json
from bgpnet.model.crd.read import read
from bgpnet.model.crd.secret import Secret
from bgpnet.model.declared import Declared, DeclaredPeer
from bgpnet.model.rejection import Reason, Rejection


def value_of(secret: Json | None, place: SecretKey, namespace: str) -> Content:
    """What a Secret says at the place; `secret` is None where the namespace has none of that name."""
    if secret is None:
        return Unreadable(f"there is no Secret {place.name} in namespace {namespace}: make it")
    reading = read(secret)
    values = dict(reading.object.fact(reading.ref).values) if isinstance(reading.object, Secret) else {}
    if place.key not in values:
        return Unreadable(f"it has no key {place.key}: there are {', '.join(sorted(values)) or 'none'}")
    text = values[place.key]
    return Unreadable("it is not in Base64") if text is None else text.reveal().encode("latin-1")


def given(
    declared: Declared, places: Mapping[str, SecretKey], found: Mapping[SecretKey, Password]
) -> Declared:
    """The same with the passwords of the peers. `places` is by the peers' names."""
    peers, refused = [], list(declared.rejections)
    for peer in declared.peers:
        place = places.get(peer.ref.name)
        if place is not None:
            peer, rejection = _with_password(peer, place, found[place])  # noqa: PLW2901 - the same peer
            refused += rejection
        peers.append(peer)
    return replace(declared, peers=tuple(peers), rejections=tuple(refused))


def _with_password(
    peer: DeclaredPeer, place: SecretKey, found: Password
) -> tuple[DeclaredPeer, tuple[Rejection, ...]]:
    if found.secret is None:
        return replace(peer, password_error=f"{place}: {found.error}"), ()
    told = replace(peer, password=found.secret, password_error="")
    if not found.error:
        return told, ()
    remedy = f"{found.error}; the last good password stays in force; put it back"
    return told, (Rejection(peer.ref, peer.password_field, str(place), Reason.PASSWORD_UNREADABLE, remedy),)
