"""Puts the host back as it was: routes, next hops and table of ours go, sysctls get the values found."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from bgpnet.drivers import nft
from bgpnet.drivers.netlink import Netlink, local
from bgpnet.drivers.sysctl import Sysctls
from bgpnet.model.diff import DeleteNextHop, DeleteRoute
from bgpnet.model.nat import TABLE
from bgpnet.model.rundir import RunDir
from bgpnet.planner.diff import is_ours
from bgpnet.planner.nexthopobjects import Objects


def run(run_dir: RunDir) -> Iterator[str]:
    """Undo what the agent did to the host; a line for each thing undone. The agent must be stopped."""
    yield from asyncio.run(_delete_ours())
    if nft.remove():
        yield f"deleted table inet {TABLE}"
    for sysctl in Sysctls(Path(run_dir.sysctls)).restore():
        yield f"restored {sysctl.path} = {sysctl.value}"


async def _delete_ours() -> list[str]:
    with closing(Netlink(lambda: None)) as netlink:
        kernel = await netlink.dump()
        routes = [DeleteRoute(route.prefix, route.metric) for route in kernel.routes if is_ours(route)]
        used = {route.by for route in kernel.routes if not is_ours(route)}
        hops = [*Objects(kernel.next_hops).unused(each for each in used if each is not None)]
        refused = await netlink.apply([*routes, *map(DeleteNextHop, hops)])
        local.keep(frozenset())
    failed = dict(refused)
    told = [f"deleted route {each.prefix}" for each in routes if each not in failed]
    told += [f"deleted next hop object {each}" for each in hops if DeleteNextHop(each) not in failed]
    return [*told, *map(str, failed.values())]
