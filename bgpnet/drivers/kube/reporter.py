"""Tells the API server how the node is: its BGPNodeStatus, Events, and whether pods may be sent to it."""

import asyncio
import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from bgpnet.drivers.kube.client import APPLY, MERGE, STRATEGIC, Client, Json
from bgpnet.drivers.kube.collections import OURS
from bgpnet.drivers.kube.patience import Patience
from bgpnet.drivers.kube.report import MOST_EVENTS, event, moment, report, since
from bgpnet.model.crd.meta import API_VERSION, GROUP
from bgpnet.model.errors import ApiError
from bgpnet.model.status import NodeStatus, RejectionStatus

EVERY: Final = 5.0
"""Seconds between two reports at least."""

TAINT: Final = f"{GROUP}/not-ready"
"""Keeps pods off the node until they can be reached. Whoever makes the Node sets it, as the kubelet does with
--register-with-taints; the agent takes it away, and never sets it."""

EVENTS_NAMESPACE: Final = "default"
"""Of Events about objects that are in no namespace (events.k8s.io)."""

APPLIER: Final = {"fieldManager": "bgpnet", "force": "true"}

log = logging.getLogger(__name__)


class Reporter:
    """One node's reports. `clock` gives seconds since the epoch."""

    def __init__(
        self,
        client: Client,
        patience: Patience,
        status: Callable[[], NodeStatus | None],
        node: Callable[[], Json | None],
        clock: Callable[[], float],
    ) -> None:
        """`status` gives how the node is, `node` the Node object as the API server last told it."""
        self._client = client
        self._patience = patience
        self._status = status
        self._node = node
        self._clock = clock
        self._due = asyncio.Event()
        self._written: Json | None = None
        self._since: dict[RejectionStatus, float] = {}
        self._told: set[RejectionStatus] = set()
        self._cleared = False

    def tell(self) -> None:
        """Something may have changed."""
        self._due.set()

    async def run(self) -> None:
        """Report until cancelled."""
        trouble = ""
        while True:
            await self._due.wait()
            self._due.clear()
            try:
                await self.report()
            except ApiError as error:
                if str(error) != trouble:
                    log.warning("status not written error=%r; it is tried again", str(error))
                trouble = str(error)
                self._due.set()
                await self._patience.wait()
            else:
                self._patience.rest()
                trouble = ""
            await asyncio.sleep(EVERY)

    async def report(self) -> None:
        """Write what has changed.

        Raises:
            ApiError: the API server refuses it, or cannot be reached.
        """
        status, node = self._status(), self._node()
        if status is None or node is None:
            return
        if status.ready:
            await self._clear(node)
        self._since = since(status.rejections, self._since, self._clock())
        new = report(status, self._since)
        if new != self._written:
            await self._write(node, new)
            self._written = new
        await self._tell_events(status.node)

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

    async def _clear(self, node: Json) -> None:
        """Let pods come. One lost router or a restart of the agent never takes that back."""
        name, status = node["metadata"]["name"], node.get("status") or {}
        unavailable = [
            each for each in status.get("conditions") or () if each["type"] == "NetworkUnavailable"
        ]
        if not self._cleared and [each["status"] for each in unavailable] != ["False"]:
            now = f"{moment(self._clock())[:19]}Z"
            condition = {
                "type": "NetworkUnavailable",
                "status": "False",
                "reason": "RouteReady",
                "message": "pods of this node can be reached through its routers",
                "lastHeartbeatTime": now,
                "lastTransitionTime": now,
            }
            body = {"status": {"conditions": [condition]}}
            await self._client.call("PATCH", f"/api/v1/nodes/{name}/status", body=body, kind=STRATEGIC)
        self._cleared = True
        if any(taint["key"] == TAINT for taint in (node.get("spec") or {}).get("taints") or ()):
            await self._untaint(name)

    async def _untaint(self, name: str) -> None:
        """With the version that was read: somebody else's taint must not be lost."""
        found = await self._client.call("GET", f"/api/v1/nodes/{name}")
        taints = [taint for taint in found["spec"].get("taints") or () if taint["key"] != TAINT]
        body = {
            "metadata": {"resourceVersion": found["metadata"]["resourceVersion"]},
            "spec": {"taints": taints},
        }
        await self._client.call("PATCH", f"/api/v1/nodes/{name}", body=body, kind=MERGE)
        log.info("taint taken away node=%s taint=%s", name, TAINT)

    async def _tell_events(self, node: str) -> None:
        new = [each for each in self._since if each not in self._told][:MOST_EVENTS]
        self._told &= self._since.keys()
        for each in new:
            body = event(node, EVENTS_NAMESPACE, each, self._clock())
            path = f"/apis/events.k8s.io/v1/namespaces/{EVENTS_NAMESPACE}/events"
            try:
                await self._client.call("POST", path, body=body)
            except ApiError as error:
                if error.status != HTTPStatus.CONFLICT:  # another node has said it
                    raise
            self._told.add(each)
