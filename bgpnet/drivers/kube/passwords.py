"""Passwords in Secrets of the API server: what an object says, and what peers are given. Pure."""

from collections.abc import Mapping
from dataclasses import replace

from bgpnet.drivers.files.contents import Content, Password, SecretKey, Unreadable
from bgpnet.drivers.files.passwords import with_password
from bgpnet.drivers.kube.client import Json
from bgpnet.model.crd.read import read
from bgpnet.model.crd.secret import Secret
from bgpnet.model.declared import Declared


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
            peer, rejection = with_password(peer, place, found[place])  # noqa: PLW2901 - the same peer
            refused += rejection
        peers.append(peer)
    return replace(declared, peers=tuple(peers), rejections=tuple(refused))
