"""The cluster's namespaces with their labels, followed only while an IPPool has a namespaceSelector."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from bgpnet.drivers.kube.client import METADATA, Client, Json
from bgpnet.drivers.kube.patience import Patience
from bgpnet.drivers.kube.watch import Collection, Watch
from bgpnet.model.declared import Declared, DeclaredNamespace
from bgpnet.model.rejection import ObjectRef


def _labels(item: Json) -> Json:
    told = item["metadata"]
    return {"metadata": {"name": told["name"], "labels": told.get("labels") or {}}}


NAMESPACES: Final = Collection("Namespace", "v1", "/api/v1/namespaces", _labels, accept=METADATA)


class Namespaces:
    """What is known of them. `changed` is called when that is another."""

    def __init__(self, client: Client, patience: Callable[[], Patience], changed: Callable[[], None]) -> None:
        self._client = client
        self._patience = patience
        self._changed = changed
        self._following: tuple[Watch, asyncio.Task[None]] | None = None
        self._facts: dict[str, tuple[Json, DeclaredNamespace]] = {}

    @property
    def watches(self) -> tuple[Watch, ...]:
        """What is followed."""
        return () if self._following is None else (self._following[0],)

    def given(self, declared: Declared) -> Declared:
        """The same with the namespaces, as far as an IPPool asks for them; None while they are not known."""
        if not any(pool.namespace_selector.requirements for pool in declared.pools):
            self.stop()
            return declared
        if self._following is None:
            watch = Watch(self._client, NAMESPACES, self._patience(), self._changed)
            self._following = (watch, asyncio.create_task(watch.run()))
        watch, _ = self._following
        return replace(declared, namespaces=self._known(watch) if watch.synced else None)

    def stop(self) -> None:
        """Follow none."""
        if self._following is not None:
            self._following[1].cancel()
            self._following, self._facts = None, {}

    def _known(self, watch: Watch) -> tuple[DeclaredNamespace, ...]:
        """Of an object that has not changed the fact is the same."""
        before = self._facts
        self._facts = {
            name: known if (known := before.get(name)) and known[0] is item else (item, _fact(item))
            for name, item in watch.objects.items()
        }
        return tuple(fact for _, fact in self._facts.values())


def _fact(item: Json) -> DeclaredNamespace:
    name, labels = item["metadata"]["name"], item["metadata"]["labels"]
    return DeclaredNamespace(ObjectRef("Namespace", name), name, tuple(sorted(labels.items())))
