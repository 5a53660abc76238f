"""Puts the host back as it was: our routes go, sysctls return to the values found."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from bgpnet.drivers.netlink import Netlink, local
from bgpnet.drivers.sysctl import Sysctls
from bgpnet.model.rundir import RunDir
from bgpnet.planner.diff import is_ours


def run(run_dir: RunDir) -> Iterator[str]:
    """Undo what the agent did to the host; a line for each thing undone. The agent must be stopped."""
    yield from asyncio.run(_delete_routes())
    for sysctl in Sysctls(Path(run_dir.sysctls)).restore():
        yield f"restored {sysctl.path} = {sysctl.value}"


async def _delete_routes() -> list[str]:
    with closing(Netlink(lambda: None)) as netlink:
        ours = [route for route in (await netlink.dump()).routes if is_ours(route)]
        for route in ours:
            await netlink.delete(route.prefix, route.metric)
        local.keep(frozenset())
    return [f"deleted route {route.prefix}" for route in ours]
