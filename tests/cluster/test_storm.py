"""Fifty agents whose API server was away come back one by one, and go on from where they were."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bgpnet.drivers import kube
from bgpnet.model.status import NodeStatus
from tests.cluster.agents import running
from tests.cluster.audit import DUTY
from tests.cluster.controlplane import ControlPlane, manifest, until
from tests.cluster.following import OURS
from tests.cluster.wire import Wire, wire

pytestmark = pytest.mark.cluster

AGENTS = 50

AWAY = 30.0
"""Seconds: longer than it takes until the time between two tries no longer grows."""

BACK = 10.0
"""Seconds in which requests are counted."""

KINDS = 6
"""Collections that an agent follows: its Node, its IPBlocks, and four kinds that hold for all."""


@pytest.fixture
def cluster(plane: ControlPlane) -> Iterator[ControlPlane]:
    """Nodes, and a configuration."""
    plane.kubectl("create", "namespace", "bgpnet-system", check=False)
    for number in range(AGENTS):
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"n{number}"}}
        assert plane.request("POST", "/api/v1/nodes", node)[0] == 201
    configuration = manifest("BGPConfiguration", "default", {"localASN": 64512})
    assert plane.request("POST", f"{OURS}/bgpconfigurations", configuration)[0] == 201
    try:
        yield plane
    finally:
        for path in (f"{OURS}/bgpconfigurations", f"{OURS}/bgpnodestatuses", "/api/v1/nodes"):
            plane.request("DELETE", path)


@pytest.fixture
def line(cluster: ControlPlane) -> Iterator[Wire]:
    with wire(cluster.port) as made:
        yield made


def status(name: str) -> NodeStatus:
    return NodeStatus(name, "0", True, (), (), (), (), (), ())  # noqa: FBT003


def asked(plane: ControlPlane, since: float) -> list[tuple[float, Any]]:
    """What agents asked after a moment: seconds after it, and the audited entry."""
    found = []
    for line in plane.audit_log.read_text().splitlines():
        if '"userAgent":"bgpnet/' in line:
            entry = json.loads(line)
            after = datetime.fromisoformat(entry["requestReceivedTimestamp"]).timestamp() - since
            begun = entry["stage"] == "ResponseStarted"  # of a watch: it is audited again as it ends
            if after > 0 and (entry["verb"] == "watch") is begun:
                found.append((after, entry))
    return found


def test_agents_whose_api_server_was_away_do_not_come_back_together(
    cluster: ControlPlane, line: Wire, tmp_path: Path, measured: Callable[[str], None]
) -> None:
    def followed(nodes: list[kube.KubeNode]) -> bool:
        declared = [node.source.declared() for node in nodes]
        return all(told is not None and not told.rejections for told in declared)

    config = cluster.kubeconfig(port=line.port)

    async def story() -> float:
        async with AsyncExitStack() as stack:
            nodes = []
            for number in range(AGENTS):
                told = partial(status, f"n{number}")
                agent = running(config, tmp_path / str(number), "bgpnet-system", told)
                nodes.append(await stack.enter_async_context(agent))
            await asyncio.to_thread(until, lambda: followed(nodes), "all follow the API server")
            line.cut()
            gone = time.monotonic()
            await asyncio.to_thread(until, lambda: time.monotonic() - gone > AWAY, "it was away for a while")
            back = time.time()
            line.mend()
            await asyncio.to_thread(until, lambda: followed(nodes), "all follow it again")
            await asyncio.to_thread(until, lambda: time.time() - back > BACK, "what follows is over")
            return back

    back = asyncio.run(story())
    found = asked(cluster, back)
    verbs = Counter(entry["verb"] for _, entry in found if entry["objectRef"]["resource"] != "leases")
    first = sum(after <= BACK for after, _ in found)
    most = max(Counter(int(after) for after, _ in found).values())
    measured(
        f"{AGENTS} agents, API server back after {AWAY:g} s: {first} requests in the first {BACK:g} s, "
        f"{most} in the worst second; {dict(verbs)} in all"
    )
    assert verbs["list"] <= DUTY, "they go on from where they were"
    assert verbs["watch"] <= AGENTS * KINDS * 1.1
    assert most <= AGENTS * KINDS / 4
