"""Takes away what agents made in a cluster, once none of them is left. What users made stays."""

import asyncio
from collections.abc import Awaitable, Iterable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from itertools import islice
from typing import Final

from bgpnet.drivers.kube.claims import BLOCKS, without_quarantine
from bgpnet.drivers.kube.client import JSON, MERGE, METADATA, STRATEGIC, Client, Json
from bgpnet.drivers.kube.collections import OURS, whole
from bgpnet.drivers.kube.lease import LEASE
from bgpnet.drivers.kube.reporter import CONDITION, REASON, TAINT
from bgpnet.drivers.kube.rollout import is_away
from bgpnet.model.errors import ApiError

AT_ONCE: Final = 20
"""Objects that are taken away at a time."""

_STATUSES: Final = f"{OURS}/bgpnodestatuses"

_NODES: Final = "/api/v1/nodes"


@dataclass(frozen=True, slots=True)
class Left:
    """What stays, and why it does."""

    away: tuple[str, ...]
    """Nodes that tell nothing: their pods may go on with the addresses of their blocks."""
    users: tuple[str, ...]
    """Objects that we never make, as `BGPPeer/tor1`."""


async def forget(client: Client, namespace: str) -> Left:
    """Take away reports, blocks, the Lease of the namespace, and our marks on Nodes.

    To be called when no agent is left, which would make it anew, and every node was drained: the routers
    have no route of ours, so that blocks need no quarantine.

    Raises:
        ApiError: the server refuses something; what was before it is gone, and a second call goes on.
    """
    nodes = await _listed(client, _NODES)
    away = {node["metadata"]["name"] for node in nodes if is_away(node)}
    await _all(_unmark(client, node) for node in nodes)
    blocks = await _listed(client, BLOCKS)
    await _all(_let_go(client, block) for block in blocks if block["spec"]["node"] not in away)
    reports = [told["metadata"]["name"] for told in await _listed(client, _STATUSES, METADATA)]
    await _all(_delete(client, f"{_STATUSES}/{name}") for name in reports if name not in away)
    await _delete(client, f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{LEASE}")
    users = [
        f"{collection.kind}/{item['metadata']['name']}"
        for collection in whole()
        if collection.kind not in {"Node", "IPBlock"}
        for item in await _listed(client, collection.path, METADATA)
    ]
    return Left(tuple(sorted(away)), tuple(users))


async def _unmark(client: Client, node: Json) -> None:
    """Without the taint that waits for an agent, and the condition that told of routes."""
    path = f"{_NODES}/{node['metadata']['name']}"
    conditions = node.get("status", {}).get("conditions") or ()
    with _may_be_gone():
        if any(taint["key"] == TAINT for taint in node.get("spec", {}).get("taints") or ()):
            body: Json = {"spec": {"taints": [{"$patch": "delete", "key": TAINT}]}}
            await client.call("PATCH", path, body=body, kind=STRATEGIC)
        if any((each["type"], each.get("reason")) == (CONDITION, REASON) for each in conditions):
            body = {"status": {"conditions": [{"$patch": "delete", "type": CONDITION}]}}
            await client.call("PATCH", f"{path}/status", body=body, kind=STRATEGIC)


async def _let_go(client: Client, block: Json) -> None:
    path = f"{BLOCKS}/{block['metadata']['name']}"
    with _may_be_gone():
        await client.call("PATCH", path, body=without_quarantine(block), kind=MERGE)
    await _delete(client, path)


async def _delete(client: Client, path: str) -> None:
    with _may_be_gone():
        await client.call("DELETE", path)


async def _listed(client: Client, path: str, accept: str = JSON) -> list[Json]:
    """Nothing where there is no such kind."""
    found: list[Json] = []
    with _may_be_gone():
        async with aclosing(client.pages(path, accept=accept)) as pages:
            async for page in pages:
                found += page.get("items") or ()
    return found


async def _all(works: Iterable[Awaitable[None]]) -> None:
    waiting = iter(works)
    while some := list(islice(waiting, AT_ONCE)):
        await asyncio.gather(*some)


@contextmanager
def _may_be_gone() -> Iterator[None]:
    try:
        yield
    except ApiError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
