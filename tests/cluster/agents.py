"""All that an agent does with the API server, in this process."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from bgpnet.drivers import kube
from bgpnet.model.status import NodeStatus


@asynccontextmanager
async def running(
    config: Path, folder: Path, namespace: str, status: Callable[[], NodeStatus]
) -> AsyncIterator[kube.KubeNode]:
    """One, of the node that the status is of, with its Lease and its Secrets in a namespace."""
    folder.mkdir(exist_ok=True)
    content = json.loads(config.read_text())
    content["contexts"][0]["context"]["namespace"] = namespace
    (folder / "config").write_text(json.dumps(content))
    places = kube.Places(folder / "state.json", folder / "passwords.json")
    access = kube.kubeconfig(folder / "config")
    due: list[kube.KubeNode] = []

    def changed() -> None:
        for each in due:
            each.reporter.tell()

    node = kube.KubeNode(access, status().node, "test", places, status=status, changed=changed)
    due.append(node)
    work = asyncio.create_task(node.run())
    try:
        yield node
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
