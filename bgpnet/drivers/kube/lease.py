"""The Lease that one agent of the cluster holds: it does what needs doing once, not on every node."""

from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from bgpnet.drivers.kube.client import Client, Json
from bgpnet.model.errors import ApiError

LEASE: Final = "bgpnet-quarantine"

HELD: Final = 60
"""Seconds that a Lease counts after it was renewed."""


class Lease:
    """One agent's way to it. `clock` gives monotonic seconds: no two nodes' clocks are compared."""

    def __init__(self, client: Client, node: str, namespace: str, clock: Callable[[], float]) -> None:
        self._client = client
        self._node = node
        self._path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._clock = clock
        self._seen: tuple[str, float] | None = None

    async def take(self) -> bool:
        """Whether it is ours now; renewed where it was ours before.

        Raises:
            ApiError: it cannot be read or written.
        """
        try:
            found = await self._client.call("GET", f"{self._path}/{LEASE}")
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
                await self._client.call("POST", self._path, body=lease)
            else:
                await self._client.call("PUT", f"{self._path}/{LEASE}", body=lease)
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
        if self._seen is None or self._seen[0] != version:
            self._seen = (version, now)
        return now - self._seen[1] >= HELD
