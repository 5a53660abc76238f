"""Tells the API server how the node is: its BGPNodeStatus, Events, and whether pods may be sent to it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final, Protocol

from bgpnet.drivers.kube.client import APPLY, MERGE, STRATEGIC, Client, Json
from bgpnet.drivers.kube.collections import OURS
from bgpnet.drivers.kube.judge import refusal
from bgpnet.drivers.kube.patience import Patience
from bgpnet.drivers.kube.report import EVENTS, MOST_EVENTS, event, of_node, report, second, since
from bgpnet.drivers.kube.verdicts import of_user
from bgpnet.model.crd.meta import API_VERSION, GROUP
from bgpnet.model.errors import ApiError
from bgpnet.model.rejection import Rejection
from bgpnet.model.status import NodeStatus, RejectionStatus

EVERY: Final = 5.0
"""Seconds between two reports at least."""

TAINT: Final = f"{GROUP}/not-ready"
"""Keeps pods off the node until they can be reached. Whoever makes the Node sets it, as the kubelet does with
--register-with-taints; the agent takes it away, and never sets it."""

CONDITION: Final = "NetworkUnavailable"

REASON: Final = "RouteReady"
"""Why that condition is False: no other program gives this reason."""

APPLIER: Final = {"fieldManager": "bgpnet", "force": "true"}

log = logging.getLogger(__name__)


class Cluster(Protocol):
    """What the API server last told."""

    def object(self, kind: str, name: str) -> Json | None:
        """An object, in this life of the agent."""

    def settled(self) -> bool:
        """Whether everything that can be read of it is, so that what is refused just now may be told."""

    def refused(self, by: str, rejections: tuple[Rejection, ...]) -> None:
        """What the API server refuses to do, in place of what `by` told before."""


class Reporter:
    """One node's reports. `clock` gives seconds since the epoch, `status` how the node is."""

    def __init__(
        self,
        client: Client,
        patience: Patience,
        status: Callable[[], NodeStatus | None],
        cluster: Cluster,
        clock: Callable[[], float],
    ) -> None:
        self._client = client
        self._patience = patience
        self._status = status
        self._cluster = cluster
        self._clock = clock
        self._due = asyncio.Event()
        self._written: Json | None = None
        self._owner = ""
        self._since: dict[RejectionStatus, float] = {}
        self._told: set[RejectionStatus] = set()
        self._cleared = ""

    def tell(self) -> None:
        """Something may have changed."""
        self._due.set()

    async def run(self) -> None:
        """Report until cancelled."""
        trouble: set[str] = set()
        while True:
            await self._due.wait()
            self._due.clear()
            errors = await self.report()
            refused = tuple(refusal(part, error) for part, error in errors if error.status)
            for part, error in errors:
                if str(error) not in trouble:
                    log.warning("%s not written error=%r; it is tried again", part, str(error))
            trouble = {str(error) for _, error in errors}
            self._cluster.refused("reporter", refused)
            if errors:
                self._due.set()
                await self._patience.wait(max(error.retry_after for _, error in errors))
            else:
                self._patience.rest()
            await asyncio.sleep(EVERY)

    async def report(self) -> list[tuple[str, ApiError]]:
        """Write what has changed. What the API server refuses of it, with what that was: the rest is written.

        Nothing is written while the API server is away for a part of what is followed: once it is back, most
        of what there was to tell is no longer so.
        """
        status = self._status()
        node = None if status is None else self._cluster.object("Node", status.node)
        if status is None or node is None or not self._cluster.settled():
            return []
        self._since = since(status.rejections, self._since, self._clock())
        new = report(status, self._since)
        works: list[tuple[str, Callable[[], Awaitable[None]]]] = []
        if status.ready:
            works += [
                ("condition of the Node", lambda: self._clear(node)),
                ("taint of the Node", lambda: self._untaint(node)),
            ]
        if node["metadata"]["uid"] != self._owner:
            self._written = None  # a Node that was made anew: with the old one the report was deleted
        if new != self._written:
            works.append(("BGPNodeStatus", lambda: self._write(node, new)))
        works.append(("Events", lambda: self._tell_events(status.node)))
        errors = []
        for part, work in works:
            try:
                await work()
            except ApiError as error:
                errors.append((part, error))
        return errors

    async def _write(self, node: Json, new: Json) -> None:
        name, uid = node["metadata"]["name"], node["metadata"]["uid"]
        path = f"{OURS}/bgpnodestatuses/{name}"
        whole = {"apiVersion": API_VERSION, "kind": "BGPNodeStatus", "metadata": {"name": name}}
        if self._written is None:
            owner = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": uid}
            owned = whole | {"metadata": {"name": name, "ownerReferences": [owner]}}
            await self._client.call("PATCH", path, APPLIER, body=owned, kind=APPLY)
        try:
            await self._client.call(
                "PATCH", f"{path}/status", APPLIER, body=whole | {"status": new}, kind=APPLY
            )
        except ApiError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                self._written = None  # somebody deleted it
            raise
        self._written, self._owner = new, uid

    async def _clear(self, node: Json) -> None:
        """Let pods come, once in a Node's life. No lost router or restart of the agent takes it back."""
        name, uid, status = node["metadata"]["name"], node["metadata"]["uid"], node.get("status") or {}
        unavailable = [each for each in status.get("conditions") or () if each["type"] == CONDITION]
        if self._cleared == uid or [each["status"] for each in unavailable] == ["False"]:
            self._cleared = uid
            return
        now = second(self._clock())
        condition = {
            "type": CONDITION,
            "status": "False",
            "reason": REASON,
            "message": "pods of this node can be reached through its routers",
            "lastHeartbeatTime": now,
            "lastTransitionTime": now,
        }
        body = {"status": {"conditions": [condition]}}
        await self._client.call("PATCH", f"/api/v1/nodes/{name}/status", body=body, kind=STRATEGIC)
        self._cleared = uid

    async def _untaint(self, node: Json) -> None:
        """With the version that was read: somebody else's taint must not be lost."""
        if all(taint["key"] != TAINT for taint in (node.get("spec") or {}).get("taints") or ()):
            return
        name = node["metadata"]["name"]
        found = await self._client.call("GET", f"/api/v1/nodes/{name}")
        taints = [taint for taint in found["spec"].get("taints") or () if taint["key"] != TAINT]
        body = {
            "metadata": {"resourceVersion": found["metadata"]["resourceVersion"]},
            "spec": {"taints": taints},
        }
        await self._client.call("PATCH", f"/api/v1/nodes/{name}", body=body, kind=MERGE)
        log.info("taint taken away node=%s taint=%s", name, TAINT)

    async def _tell_events(self, node: str) -> None:
        """Of this node; what users' objects are refused for, one agent tells for all (conditions.py)."""
        new = [each for each in self._since if each not in self._told and not of_user(each.object)]
        self._told &= self._since.keys()
        for each in new[:MOST_EVENTS]:
            body = event(node, of_node(node), each, self._clock())
            try:
                await self._client.call("POST", EVENTS, body=body)
            except ApiError as error:
                if error.status != HTTPStatus.CONFLICT:  # said before this agent's life
                    raise
            self._told.add(each)
