"""Passwords from Secrets of one namespace: each that a BGPPeer names is followed by its name alone."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Final

from bgpnet.drivers.files.contents import Content, SecretKey, Unreadable
from bgpnet.drivers.files.passwords import password
from bgpnet.drivers.kube.client import Client, Json
from bgpnet.drivers.kube.passwords import given, value_of
from bgpnet.drivers.kube.patience import Patience
from bgpnet.drivers.kube.saved import KeptPasswords
from bgpnet.drivers.kube.watch import Collection, Watch
from bgpnet.model.declared import Declared

MOST: Final = 128
"""Secrets that are followed: as many as a node has sessions."""


class Secrets:
    """The Secrets in use."""

    def __init__(
        self,
        client: Client,
        namespace: str,
        kept: KeptPasswords,
        patience: Callable[[], Patience],
        changed: Callable[[], None],
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._patience = patience
        self._changed = changed
        self._watches: dict[str, tuple[Watch, asyncio.Task[None]]] = {}
        self._kept = kept
        self._passwords = kept.load()
        self.patient = True
        """Whether what got no answer may still get one: an API server that was away comes back by and by."""

    @property
    def unfollowed(self) -> tuple[Watch, ...]:
        """Those that were read, and that the API server does not let be followed."""
        return tuple(watch for watch, _ in self._watches.values() if watch.synced and watch.refused)

    def follow(self, names: Iterable[str]) -> None:
        """Follow these, and no others."""
        wanted = sorted(set(names))[:MOST]
        for name in self._watches.keys() - set(wanted):
            self._watches.pop(name)[1].cancel()
        for name in wanted:
            if name not in self._watches:
                watch = Watch(self._client, self._collection(name), self._patience(), self._changed)
                self._watches[name] = (watch, asyncio.create_task(watch.run()))

    def stop(self) -> None:
        """Follow none."""
        self.follow(())

    def read(self, places: Iterable[SecretKey]) -> bool:
        """Whether it is known of each what is there, or why it cannot be read."""
        return all(self._known(place) for place in places)

    def given(self, declared: Declared, places: Mapping[str, SecretKey]) -> Declared:
        """The same with the passwords of the peers, by the peers' names."""
        self._passwords = {
            place: password(self._content(place), self._passwords.get(place)) for place in places.values()
        }
        self._kept.save(self._passwords)
        return given(declared, places, self._passwords)

    def _known(self, place: SecretKey) -> bool:
        found = self._watches.get(place.name)
        if found is None or place in self._passwords:
            return True
        watch = found[0]
        if watch.synced or watch.error is None:
            return watch.synced
        return not self.patient or watch.error.status == HTTPStatus.FORBIDDEN

    def _content(self, place: SecretKey) -> Content:
        found = self._watches.get(place.name)
        watch = found[0] if found else None
        if watch is None or not watch.synced:
            why = str(watch.error) if watch and watch.error else "it was not read yet"
            return Unreadable(why)
        return value_of(watch.objects.get(place.name), place, self._namespace)

    def _collection(self, name: str) -> Collection:
        path = f"/api/v1/namespaces/{self._namespace}/secrets"
        return Collection("Secret", "v1", path, _values, {"fieldSelector": f"metadata.name={name}"})


def _values(item: Json) -> Json:
    return {"metadata": {"name": item["metadata"]["name"]}, "data": item.get("data") or {}}
