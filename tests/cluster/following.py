"""A source that follows the API server, as tests look at it, and the objects that they make there."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from bgpnet.drivers import kube
from bgpnet.drivers.kube.client import Client
from bgpnet.drivers.kube.source import KubeSource
from bgpnet.model.declared import Declared
from tests.cluster.controlplane import ControlPlane, manifest

PATIENCE = 30.0

OURS = "/apis/bgpnet.io/v1alpha1"


class Following:
    """A source, and when it last told of something new."""

    def __init__(self, access: kube.Access, saved: Path, bootstrap: Path | None = None) -> None:
        self._event = asyncio.Event()
        self.told = 0
        self.seen: list[Declared] = []
        self.client = Client(access, "bgpnet-test")
        places = kube.Places(saved, saved.with_name("passwords.json"), bootstrap)
        self.source = KubeSource(self.client, "n1", places, access.namespace, random.random, self._changed)

    def _changed(self) -> None:
        self.told += 1
        declared = self.source.declared()
        self.seen += [declared] if declared else []
        self._event.set()

    async def until(self, check: Callable[[Declared | None], Any]) -> Declared:
        """What is declared, as soon as the check holds for it."""
        async with asyncio.timeout(PATIENCE):
            while not check(self.source.declared()):
                await self._event.wait()
                self._event.clear()
        declared = self.source.declared()
        assert declared is not None
        return declared

    async def until_unread(self, words: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while not any(words in str(rejection) for rejection in self.source.unread()):
                await self._event.wait()
                self._event.clear()


@asynccontextmanager
async def following(config: Path, saved: Path, bootstrap: Path | None = None) -> AsyncIterator[Following]:
    made = Following(kube.kubeconfig(config), saved, bootstrap)
    async with made.client:
        work = asyncio.create_task(made.source.run())
        try:
            yield made
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)


def node(name: str, *cidrs: str) -> dict[str, Any]:
    spec = {"podCIDR": cidrs[0], "podCIDRs": list(cidrs)} if cidrs else {}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": spec}


@contextmanager
def cluster_of_two(plane: ControlPlane) -> Iterator[ControlPlane]:
    """A cluster of two nodes and a configuration, as it was found afterwards."""
    for each in (node("n1", "10.244.0.0/24"), node("n2", "10.244.1.0/24")):
        assert plane.request("POST", "/api/v1/nodes", each)[0] == 201
    configuration = manifest("BGPConfiguration", "default", {"localASN": 64512})
    assert plane.request("POST", f"{OURS}/bgpconfigurations", configuration)[0] == 201
    try:
        yield plane
    finally:
        for path in ("bgpconfigurations", "bgppeers", "bgpfilters", "ippools", "ipblocks"):
            assert plane.request("DELETE", f"{OURS}/{path}")[0] == 200
        assert plane.request("DELETE", "/api/v1/nodes")[0] == 200


def peer(number: int, **spec: object) -> dict[str, Any]:
    return manifest("BGPPeer", f"tor{number}", {"peerAddress": f"192.0.2.{number}", "peerASN": 65001} | spec)


async def create(plane: ControlPlane, path: str, body: dict[str, Any]) -> None:
    status, answer = await asyncio.to_thread(plane.request, "POST", path, body)
    assert status == 201, answer


def has_peers(*names: str) -> Callable[[Declared | None], bool]:
    return lambda told: told is not None and {found.ref.name for found in told.peers} == set(names)


def holds(seconds: int) -> Callable[[Declared | None], bool]:
    return lambda told: told is not None and [found.hold_time for found in told.peers] == [seconds]
