"""List, then watch: one collection of objects, kept current over everything that can break."""

import json
import logging
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from bgpnet.drivers.kube.client import JSON, PAGE, Client, Json
from bgpnet.drivers.kube.patience import Patience
from bgpnet.model.errors import ApiError

GONE: Final = 410
"""HTTP status: the version to go on from is no longer known."""

WATCH_SECONDS: Final = (300, 600)
"""How long a watch is asked for: some time in between, so that those of many nodes do not end together."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Collection:
    """Which objects, and what is kept of each."""

    kind: str
    api_version: str
    path: str
    trim: Callable[[Json], Json]
    query: Mapping[str, str] = field(default_factory=dict)
    """Selectors."""
    accept: str = JSON
    """The form that is asked for."""
    page: int = PAGE
    """Items of a list at a time: each page is trimmed as it arrives."""

    def kept(self, item: Json) -> Json:
        """What is kept of an object, with the kind, which the items of a list lack."""
        return {"apiVersion": self.api_version, "kind": self.kind} | self.trim(item)


class Watch:
    """The objects of one collection, by name."""

    def __init__(
        self, client: Client, collection: Collection, patience: Patience, changed: Callable[[], None]
    ) -> None:
        """`changed` is called when an object, what keeps the list from being read, or `synced` changed."""
        self.collection = collection
        self.objects: dict[str, Json] = {}
        self.synced = False
        """Whether the list was read whole once."""
        self.error: ApiError | None = None
        """Why it cannot be read just now."""
        self._client = client
        self._patience = patience
        self._changed = changed
        self._version = ""

    @property
    def refused(self) -> bool:
        """Whether the API server answers, and does not let it be read or followed."""
        return self.error is not None and self.error.status != 0

    async def run(self) -> None:
        """Keep the objects current until cancelled."""
        while True:
            try:
                if not self._version:
                    await self._list()
                await self._watch()
                await self._patience.wait()  # it ended as was agreed, or this server is about to
            except ApiError as error:
                if error.status in (GONE, HTTPStatus.FORBIDDEN):
                    self._version = ""  # who may list and not watch hears of changes that way
                self._failed(error)
                await self._patience.wait(error.retry_after)

    async def _list(self) -> None:
        found: dict[str, Json] = {}
        version = ""
        asked = self.collection
        async with aclosing(
            self._client.pages(asked.path, asked.query, page=asked.page, accept=asked.accept)
        ) as pages:
            async for page in pages:
                for item in page.get("items") or ():
                    trimmed = asked.kept(item)
                    found[trimmed["metadata"]["name"]] = trimmed
                version = str(page["metadata"]["resourceVersion"])
        self._version = version
        mended = self.error is not None and self.error.status != HTTPStatus.FORBIDDEN
        told = not self.synced or mended or not _same(found, self.objects)
        self.objects = found
        self.synced = True
        if mended:
            self.error = None
            self._patience.rest()
        if told:
            self._changed()

    async def _watch(self) -> None:
        query = {
            **self.collection.query,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version,
            "timeoutSeconds": str(self._patience.between(*WATCH_SECONDS)),
        }
        async with aclosing(
            self._client.lines(self.collection.path, query, self.collection.accept.replace("List;", ";"))
        ) as lines:
            async for line in lines:
                if self.error is not None:
                    self.error = None
                    self._changed()
                if line.strip():
                    self._patience.rest()  # not before: some servers agree, and end it at once
                    self._event(json.loads(line))

    def _event(self, event: Mapping[str, Any]) -> None:
        kind, told = event["type"], event["object"]
        if kind == "ERROR":
            raise ApiError(
                int(told.get("code", 0)), str(told.get("reason", "")), str(told.get("message", ""))
            )
        self._version = str(told["metadata"]["resourceVersion"])
        if kind == "BOOKMARK":
            return
        name = str(told["metadata"]["name"])
        if kind == "DELETED":
            if self.objects.pop(name, None) is not None:
                self._changed()
            return
        trimmed = self.collection.kept(told)
        if not _same({name: trimmed}, {name: self.objects.get(name, {})}):
            self.objects[name] = trimmed
            self._changed()

    def _failed(self, error: ApiError) -> None:
        told = self.error is None or (self.error.status, self.error.reason) != (error.status, error.reason)
        self.error = error
        if told:
            log.warning(
                "API not followed kind=%s error=%r; it is tried again", self.collection.kind, str(error)
            )
            self._changed()


def _same(one: Mapping[str, Json], other: Mapping[str, Json]) -> bool:
    """Whether nothing changed but versions."""
    return one.keys() == other.keys() and all(
        _without_version(one[name]) == _without_version(other[name]) for name in one
    )


def _without_version(item: Json) -> Json:
    metadata = {key: value for key, value in item.get("metadata", {}).items() if key != "resourceVersion"}
    return item | {"metadata": metadata}
