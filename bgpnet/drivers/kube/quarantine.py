"""Lets go of freed blocks once the routers have forgotten them: done by one agent, the holder of a Lease."""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from bgpnet.drivers.kube.claims import BLOCKS, QUARANTINE, without_quarantine
from bgpnet.drivers.kube.client import MERGE, METADATA, Client, Json
from bgpnet.drivers.kube.patience import Patience
from bgpnet.drivers.kube.watch import Collection, Watch
from bgpnet.model.errors import ApiError

LEASE: Final = "bgpnet-quarantine"

HELD: Final = 180
"""Seconds that a Lease counts after it was renewed."""

RENEW: Final = 60.0
"""Seconds between two renewals, and between two looks at the blocks."""

ASK: Final = (300, 600)
"""Seconds until an agent that is not the holder looks whether there is one."""

log = logging.getLogger(__name__)


class Quarantine:
    """One agent's part. Time is measured from when this agent saw a block freed, so no clock is trusted."""

    def __init__(
        self,
        client: Client,
        node: str,
        namespace: str,
        patience: Patience,
        seconds: Callable[[], float | None],
        clock: Callable[[], float],
    ) -> None:
        """`seconds` gives the routers' restart time plus hold time; None while that is not known."""
        self._client = client
        self._node = node
        self._leases = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._patience = patience
        self._seconds = seconds
        self._clock = clock
        self._renewed: tuple[str, float] | None = None
        self._freed: dict[str, float] = {}

    async def run(self) -> None:
        """Hold the Lease when nobody does, and then let go of blocks, until cancelled."""
        await asyncio.sleep(self._patience.between(0, int(RENEW)))
        while True:
            try:
                holds = await self._take()
            except ApiError as error:
                log.debug("lease not taken error=%r", str(error))
                holds = False
            if holds:
                await self._hold()
            else:
                await asyncio.sleep(self._patience.between(*ASK))

    async def _hold(self) -> None:
        log.info("quarantine held lease=%s", LEASE)
        watch = Watch(
            self._client,
            Collection("IPBlock", "", BLOCKS, _freed, accept=METADATA),
            self._patience,
            lambda: None,
        )
        following = asyncio.create_task(watch.run())
        try:
            while await self._take():
                await self.let_go(watch)
                await asyncio.sleep(RENEW)
        except ApiError as error:
            log.warning("quarantine not held any more error=%r", str(error))
        finally:
            following.cancel()

    async def let_go(self, watch: Watch) -> None:
        """Take the finalizer from blocks whose time is over."""
        now, seconds = self._clock(), self._seconds()
        deleted = {
            name: block for name, block in watch.objects.items() if "deletionTimestamp" in block["metadata"]
        }
        self._freed = {name: self._freed.get(name, now) for name in deleted}
        for name, since in self._freed.items():
            if (
                seconds is None
                or now - since < seconds
                or QUARANTINE not in deleted[name]["metadata"]["finalizers"]
            ):
                continue
            try:
                await self._client.call(
                    "PATCH", f"{BLOCKS}/{name}", body=without_quarantine(deleted[name]), kind=MERGE
                )
            except ApiError as error:
                log.info("block not let go block=%s error=%r", name, str(error))
            else:
                log.info("block let go block=%s", name)

    async def _take(self) -> bool:
        """Whether the Lease is ours now.

        Raises:
            ApiError: it cannot be read or written.
        """
        try:
            found = await self._client.call("GET", f"{self._leases}/{LEASE}")
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            found = None
        if found is not None and not self._may_take(found):
            return False
        lease = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": LEASE}
            | ({"resourceVersion": found["metadata"]["resourceVersion"]} if found else {}),
            "spec": {
                "holderIdentity": self._node,
                "leaseDurationSeconds": HELD,
                "renewTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            },
        }
        try:
            if found is None:
                await self._client.call("POST", self._leases, body=lease)
            else:
                await self._client.call("PUT", f"{self._leases}/{LEASE}", body=lease)
        except ApiError as error:
            if error.status == HTTPStatus.CONFLICT:
                return False
            raise
        return True

    def _may_take(self, lease: Json) -> bool:
        """It is ours, or its holder has not renewed it since we first saw it so, for as long as it counts."""
        spec, now = lease.get("spec") or {}, self._clock()
        if spec.get("holderIdentity") in (self._node, "", None):
            return True
        version = str(lease["metadata"]["resourceVersion"])
        if self._renewed is None or self._renewed[0] != version:
            self._renewed = (version, now)
        return now - self._renewed[1] >= HELD


def _freed(item: Json) -> Json:
    kept = ("name", "deletionTimestamp", "finalizers", "resourceVersion")
    return {"metadata": {key: item["metadata"][key] for key in kept if key in item["metadata"]}}
