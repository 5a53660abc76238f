"""The source of objects that is the API server: follows it, and tells what is declared."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from bgpnet.drivers.kube.client import Client, Json
from bgpnet.drivers.kube.collections import followed
from bgpnet.drivers.kube.judge import Known, Objects, judge, passwords, unread
from bgpnet.drivers.kube.namespaces import Namespaces
from bgpnet.drivers.kube.patience import Patience
from bgpnet.drivers.kube.saved import KeptPasswords, Places, SavedState
from bgpnet.drivers.kube.secrets import Secrets
from bgpnet.drivers.kube.watch import Watch
from bgpnet.model.declared import Declared
from bgpnet.model.errors import SourceError
from bgpnet.model.rejection import Rejection

GIVE_UP: Final = 5.0
"""Seconds without a first answer after which the saved state is told, or a peer without its password."""

CONFIRM: Final = 300.0
"""Seconds after which a saved state is written anew though nothing changed: its age counts from there."""

log = logging.getLogger(__name__)


class KubeSource:
    """Objects from the API server, followed with list and watch.

    Args:
        client: to the API server.
        node: name of this node's Node object.
        places: where what outlives this process is kept, and what holds before the API was ever read.
        namespace: where the Secrets with passwords are.
        random: numbers from 0 to 1.
        changed: called in the event loop when `declared` or `unread` has something new to tell.
    """

    def __init__(
        self,
        client: Client,
        node: str,
        places: Places,
        namespace: str,
        random: Callable[[], float],
        changed: Callable[[], None],
    ) -> None:
        self._changed = changed
        self._saved = SavedState(places.state, node)
        self._bootstrap = places.bootstrap
        self._known = Known()
        self._declared: Declared | None = None
        self._before: Declared | None = None
        """What is told until the API was read: the saved state, or the bootstrap."""
        self._unread: tuple[Rejection, ...] = ()
        self._refused: dict[str, tuple[Rejection, ...]] = {}
        kept = KeptPasswords(places.passwords)
        self._secrets = Secrets(client, namespace, kept, lambda: Patience(random), self._publish)
        self._namespaces = Namespaces(client, lambda: Patience(random), self._publish)
        self._watches = {
            collection.kind: Watch(client, collection, Patience(random), self._publish)
            for collection in followed(node)
        }

    def declared(self) -> Declared | None:
        """What is declared; None before every list was read once, or the saved state was taken instead."""
        return self._declared

    def unread(self) -> tuple[Rejection, ...]:
        """What keeps the API from being read, while nothing is declared."""
        return self._unread

    def object(self, kind: str, name: str) -> Json | None:
        """An object as the API server last told it in this life of the agent."""
        return self._watches[kind].objects.get(name)

    def objects(self, kind: str) -> Mapping[str, Json]:
        """All of a kind, by name, as the API server last told them in this life of the agent."""
        return self._watches[kind].objects

    def settled(self) -> bool:
        """Whether all is read that the API server lets be read, and followed."""
        return all(
            watch.synced if watch.error is None else bool(watch.error.status)
            for watch in self._watches.values()
        )

    def refused(self, by: str, rejections: tuple[Rejection, ...]) -> None:
        """What the API server refuses to do, in place of what `by` told before."""
        if rejections != self._refused.get(by, ()):
            self._refused[by] = rejections
            self._publish()

    async def run(self) -> None:
        """Follow the API until cancelled."""
        self._saved.prepare()
        try:
            async with asyncio.TaskGroup() as tasks:
                for watch in self._watches.values():
                    tasks.create_task(watch.run())
                tasks.create_task(self._keep())
        finally:
            self._secrets.stop()
            self._namespaces.stop()

    async def _keep(self) -> None:
        await asyncio.sleep(GIVE_UP)
        self._secrets.patient = False
        self._before = self._before or self._fallen_back()
        self._publish()
        while True:
            await asyncio.sleep(CONFIRM)
            if self._current() and not any(watch.error for watch in self._watches.values()):
                self._save()

    def _current(self) -> bool:
        return all(watch.synced for watch in self._watches.values())

    def _publish(self) -> None:
        if not self._current():
            self._tell_before()
            return
        failed = unread(self._watches.values())
        objects = {kind: watch.objects for kind, watch in self._watches.items()}
        declared = self._judged(objects)
        if declared is None:
            return
        declared = self._namespaces.given(declared)
        failed += unread((*self._namespaces.watches, *self._secrets.unfollowed))
        refused = (rejection for told in self._refused.values() for rejection in told)
        new = replace(declared, rejections=(*declared.rejections, *failed, *refused))
        if not self._confirmed():
            log.info("API read %s", " ".join(f"{kind}={len(found)}" for kind, found in objects.items()))
        if new != self._declared:
            self._save()
        self._tell(new, ())

    def _judged(self, objects: Objects) -> Declared | None:
        """What holds; None while a password was not asked for to the end, of what is told for the first time.

        Without its key a session would be taken away, and an agent that restarts must not do that.
        """
        self._known, declared = judge(objects, self._known)
        places = passwords(self._known)
        self._secrets.follow(place.name for place in places.values())
        if not self._confirmed() and not self._secrets.read(places.values()):
            return None
        return self._secrets.given(declared, places)

    def _confirmed(self) -> bool:
        """Whether what is told is what the API server said in this life of the agent."""
        return self._declared is not None and self._declared.age is None

    def _tell_before(self) -> None:
        """What holds before the API was read in this life of the agent, and why it cannot be."""
        if any(watch.error is not None and watch.error.status == 0 for watch in self._watches.values()):
            self._before = self._before or self._fallen_back()
        failed = unread(self._watches.values(), saved=self._before is not None)
        before = self._before
        self._tell(before and replace(before, rejections=(*before.rejections, *failed)), failed)

    def _fallen_back(self) -> Declared | None:
        """The saved state, or the bootstrap where there is none."""
        if self._current():
            return None
        found = self._saved.load(time.time())
        if found is None:
            return self._begun()
        objects, age = found
        declared = self._judged(objects)
        if declared is None:
            return None
        log.warning("API not read; the state that was saved %.0f s ago is taken", age)
        return replace(declared, age=age)

    def _begun(self) -> Declared | None:
        """What the node was given for its first start: the way to the API server may lead over BGP."""
        if self._bootstrap is None:
            return None
        from bgpnet.drivers.files.once import read_once  # noqa: PLC0415 - with YAML 1 MiB that others spare

        try:
            declared = read_once([self._bootstrap])
        except SourceError as error:
            log.warning("bootstrap not read error=%r", str(error))
            self._bootstrap = None
            return None
        log.warning("API not read, and nothing saved; the bootstrap's objects are taken")
        return replace(declared, age=float("inf"))

    def _tell(self, declared: Declared | None, failed: tuple[Rejection, ...]) -> None:
        if (declared, failed) != (self._declared, self._unread):
            self._declared, self._unread = declared, failed
            self._changed()

    def _save(self) -> None:
        self._saved.save({kind: watch.objects for kind, watch in self._watches.items()}, time.time())
