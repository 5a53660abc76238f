"""Writes what the nodes say of users' objects into their status, and as Events: a duty of the holder."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final, Protocol

from bgpnet.drivers.kube.client import APPLY, Client, Json
from bgpnet.drivers.kube.collections import OURS
from bgpnet.drivers.kube.judge import refusal, unread
from bgpnet.drivers.kube.patience import Patience
from bgpnet.drivers.kube.report import EVENTS, event, second
from bgpnet.drivers.kube.verdicts import PLURALS, Key, Verdict, kept, status, verdicts
from bgpnet.drivers.kube.watch import Collection, Watch
from bgpnet.model.crd.meta import API_VERSION
from bgpnet.model.errors import ApiError
from bgpnet.model.rejection import Rejection
from bgpnet.model.status import RejectionStatus

SETTLE: Final = 15.0
"""Seconds after a change of an object in which the nodes' reports may still be about what it was."""

MOST: Final = 20
"""Objects, and Events, that are written at one look."""

PAGE: Final = 50
"""BGPNodeStatuses at a time: one has up to a hundred kilobytes."""

APPLIER: Final = {"fieldManager": "bgpnet-status", "force": "true"}

log = logging.getLogger(__name__)


class Cluster(Protocol):
    """What the API server last told."""

    def objects(self, kind: str) -> Mapping[str, Json]:
        """All of a kind, by name."""

    def settled(self) -> bool:
        """Whether all is read that can be."""


class Conditions:
    """One term of a holder.

    Args:
        client: to the API server.
        node: the holder's.
        patience: of the watch of the reports.
        cluster: the objects.
        clock: monotonic seconds.
        now: seconds since the epoch.
    """

    def __init__(
        self,
        client: Client,
        node: str,
        patience: Patience,
        cluster: Cluster,
        clock: Callable[[], float],
        now: Callable[[], float],
    ) -> None:
        self._client = client
        self._node = node
        self._cluster = cluster
        self._clock = clock
        self._now = now
        self._reports = Watch(
            client,
            Collection("BGPNodeStatus", API_VERSION, f"{OURS}/bgpnodestatuses", kept, page=PAGE),
            patience,
            lambda: None,
        )
        self._known = False
        """Whether what earlier holders wrote was read."""
        self._written: dict[str, Json] = {}
        """By UID."""
        self._turn: dict[str, float] = {}
        """When an object was last written, by UID: who waited longest comes first."""
        self._seen: dict[tuple[str, int], float] = {}
        """When a generation of an object was first seen, by UID and generation."""
        self._told: set[tuple[str, RejectionStatus]] = set()
        self._trouble: ApiError | None = None

    async def run(self) -> None:
        """Follow the nodes' reports until cancelled."""
        await self._reports.run()

    async def look(self) -> None:
        """Write what has changed."""
        if not self._reports.synced or not self._cluster.settled():
            return
        try:
            if not self._known:
                self._written = await self._found()
                self._known = True
            await self._write()
        except ApiError as error:
            if str(error) != str(self._trouble):
                log.warning("conditions of objects not written error=%r; it is tried again", str(error))
            self._trouble = error
        else:
            self._trouble = None

    def refused(self) -> tuple[Rejection, ...]:
        """What the API server refuses of it just now."""
        trouble = self._trouble
        told = (refusal("conditions of objects", trouble),) if trouble and trouble.status else ()
        return told + unread(each for each in (self._reports,) if each.refused)

    async def _found(self) -> dict[str, Json]:
        """What earlier holders wrote."""
        found: dict[str, Json] = {}
        for plural in PLURALS.values():
            async for page in self._client.pages(f"{OURS}/{plural}"):
                items = page.get("items") or ()
                found |= {item["metadata"]["uid"]: item["status"] for item in items if item.get("status")}
        return found

    async def _write(self) -> None:
        told = verdicts(self._reports.objects.values())
        objects = {
            (kind, name): item["metadata"]
            for kind in PLURALS
            for name, item in self._cluster.objects(kind).items()
        }
        self._forget({_version(metadata) for metadata in objects.values()})
        due = []
        for key, metadata in objects.items():
            uid, verdict = str(metadata["uid"]), told[key]
            if verdict.nodes == 0 or not self._settled(metadata):
                continue
            new = status(key, verdict, metadata, self._since(self._written.get(uid), verdict))
            if new != self._written.get(uid):
                due.append((self._turn.get(uid, 0.0), key, new, metadata))
        for _, key, new, metadata in sorted(due, key=lambda each: each[:2])[:MOST]:
            await self._apply(key, new, metadata)
            self._written[metadata["uid"]] = new
            self._turn[metadata["uid"]] = self._clock()
        await self._tell(objects, told)

    async def _apply(self, key: Key, new: Json, metadata: Mapping[str, Any]) -> None:
        """Write it, but where the object is gone, or another under the same name, or its kind has no status.

        The last is so with definitions of an older version; it is not tried again until there is news.
        """
        kind, name = key
        whole = {"apiVersion": API_VERSION, "kind": kind, "status": new}
        whole["metadata"] = {"name": name, "uid": metadata["uid"]}
        path = f"{OURS}/{PLURALS[kind]}/{name}/status"
        try:
            await self._client.call("PATCH", path, APPLIER, body=whole, kind=APPLY)
        except ApiError as error:
            if error.status not in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
                raise
            log.info("condition not written object=%s/%s error=%r", kind, name, str(error))

    async def _tell(self, objects: Mapping[Key, Mapping[str, Any]], told: Mapping[Key, Verdict]) -> None:
        """An Event for each refusal that is new."""
        new = {
            (str(metadata["uid"]), refused): key
            for key, metadata in objects.items()
            if self._settled(metadata)
            for refused, _ in told[key].refusals
        }
        self._told &= new.keys()
        for each in [each for each in new if each not in self._told][:MOST]:
            (uid, refused), (kind, name) = each, new[each]
            about = {"apiVersion": API_VERSION, "kind": kind, "name": name, "uid": uid}
            body = event(self._node, about, replace(refused, object=f"{kind}/{name}"), self._now())
            try:
                await self._client.call("POST", EVENTS, body=body)
            except ApiError as error:
                if error.status != HTTPStatus.CONFLICT:  # an earlier holder has said it
                    raise
            self._told.add(each)

    def _settled(self, metadata: Mapping[str, Any]) -> bool:
        return self._clock() - self._seen.setdefault(_version(metadata), self._clock()) >= SETTLE

    def _since(self, before: Json | None, verdict: Verdict) -> str:
        """When the condition turned: now, where the last one said otherwise."""
        state = "False" if verdict.refusals else "True"
        for condition in (before or {}).get("conditions") or ():
            if condition["status"] == state:
                return str(condition["lastTransitionTime"])
        return second(self._now())

    def _forget(self, present: set[tuple[str, int]]) -> None:
        living = {uid for uid, _ in present}
        self._turn = {uid: at for uid, at in self._turn.items() if uid in living}
        self._written = {uid: found for uid, found in self._written.items() if uid in living}
        self._seen = {version: at for version, at in self._seen.items() if version in present}


def _version(metadata: Mapping[str, Any]) -> tuple[str, int]:
    return str(metadata["uid"]), int(metadata.get("generation", 0))
