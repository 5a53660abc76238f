"""All that an agent does with the API server, on one client."""

import asyncio
import random
import time
from collections.abc import Callable

from bgpnet.drivers.kube.access import Access
from bgpnet.drivers.kube.claims import Claims
from bgpnet.drivers.kube.client import Client
from bgpnet.drivers.kube.conditions import Conditions
from bgpnet.drivers.kube.holder import Duty, Holder
from bgpnet.drivers.kube.lease import Lease
from bgpnet.drivers.kube.patience import Patience
from bgpnet.drivers.kube.quarantine import Quarantine
from bgpnet.drivers.kube.reporter import Reporter
from bgpnet.drivers.kube.saved import Places
from bgpnet.drivers.kube.source import KubeSource
from bgpnet.model.status import NodeStatus


class KubeNode:
    """One node's side of the API: to be made where an event loop runs."""

    def __init__(
        self,
        access: Access,
        node: str,
        version: str,
        places: Places,
        *,
        status: Callable[[], NodeStatus | None],
        changed: Callable[[], None],
    ) -> None:
        def patience() -> Patience:
            return Patience(random.random)

        self._client = Client(access, f"bgpnet/{version} {node}")
        self.source = KubeSource(self._client, node, places, access.namespace, random.random, changed)
        self.claims = Claims(self._client, patience(), time.monotonic, changed)
        self.reporter = Reporter(self._client, patience(), status, self.source, time.time)

        def duties() -> tuple[Duty, ...]:
            return (
                Quarantine(self._client, patience(), self._forgotten, time.monotonic),
                Conditions(self._client, node, patience(), self.source, time.monotonic, time.time),
            )

        lease = Lease(self._client, node, access.namespace, time.monotonic)
        self._holder = Holder(
            lease, patience(), duties, lambda told: self.source.refused("holder", told), time.monotonic
        )

    async def run(self) -> None:
        """Follow and carry out until cancelled."""
        async with self._client, asyncio.TaskGroup() as tasks:
            tasks.create_task(self.source.run())
            tasks.create_task(self.claims.run())
            tasks.create_task(self.reporter.run())
            tasks.create_task(self._holder.run())

    def _forgotten(self) -> float | None:
        """Seconds after which every router has forgotten a route of ours: restart time and hold time."""
        declared = self.source.declared()
        if declared is None or declared.age is not None or declared.configuration is None:
            return None
        configuration = declared.configuration
        holds = [peer.hold_time for peer in declared.peers if peer.hold_time is not None]
        return configuration.restart_time + max([configuration.hold_time, *holds])
