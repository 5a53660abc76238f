"""The driver hears of every change, of a storm once, and of nothing that is not its business."""

import asyncio
from collections.abc import Callable, Coroutine

import pytest

from bgpnet.drivers.netlink import Netlink
from tests.kernel.wires import Calls, batch, opened, put, unicast, wires
from tests.netns import Namespace

pytestmark = pytest.mark.kernel


async def quiet(changed: Calls) -> int:
    """The number of calls, when what was under way has been heard."""
    before = -1
    while before != changed.count:
        before = changed.count
        await asyncio.sleep(0.05)
    return before


def during(story: Callable[[Netlink, Namespace, Namespace, Calls], Coroutine[None, None, None]]) -> None:
    """Run a story while the driver watches."""

    async def watched(netlink: Netlink, here: Namespace, there: Namespace, changed: Calls) -> None:
        task = asyncio.create_task(netlink.run())
        await quiet(changed)
        await story(netlink, here, there, changed)
        task.cancel()

    changed = Calls()
    with wires() as (here, there), opened(here, changed) as netlink:
        asyncio.run(watched(netlink, here, there, changed))


@pytest.mark.parametrize(
    "args",
    [
        ("link", "set", "a0", "down"),
        ("link", "set", "a0", "mtu", "1400"),
        ("link", "del", "a0"),
        ("link", "add", "x0", "type", "veth", "peer", "name", "x1"),
        ("address", "add", "203.0.113.1/24", "dev", "a0"),
        ("address", "add", "203.0.113.7/32", "dev", "lo"),
        ("address", "add", "2001:db8:7::7/128", "dev", "lo", "noprefixroute"),
        ("address", "del", "192.0.2.1/24", "dev", "a0"),
        ("address", "add", "2001:db8:7::1/64", "dev", "a0", "nodad"),
        ("route", "add", "10.0.0.0/24", "dev", "a0"),
        ("route", "add", "2001:db8:8::/64", "dev", "a0"),
    ],
)
def test_changes_of_the_host_are_heard(args: tuple[str, ...]) -> None:
    async def story(_netlink: Netlink, here: Namespace, _there: Namespace, changed: Calls) -> None:
        start = changed.count
        here.ip(*args)
        await changed.beyond(start)

    during(story)


def test_a_carrier_is_heard() -> None:
    async def story(_netlink: Netlink, _here: Namespace, there: Namespace, changed: Calls) -> None:
        for state in ("down", "up"):
            start = changed.count
            there.ip("link", "set", "b0", state)
            await changed.beyond(start)

    during(story)


def test_routes_of_other_tables_are_not_heard() -> None:
    async def story(_netlink: Netlink, here: Namespace, _there: Namespace, changed: Calls) -> None:
        start = changed.count
        here.ip("route", "add", "10.0.0.0/24", "dev", "a0", "table", "100")
        assert await quiet(changed) == start

    during(story)


def test_a_local_route_of_ours_that_is_taken_away_is_heard() -> None:
    async def story(_netlink: Netlink, here: Namespace, _there: Namespace, changed: Calls) -> None:
        for protocol in ("static", "179"):
            here.ip("route", "add", "local", "10.9.9.9", "dev", "lo", "table", "local", "proto", protocol)
            start = await quiet(changed)
            here.ip("route", "del", "local", "10.9.9.9", "dev", "lo", "table", "local")
            assert (await quiet(changed) > start) == (protocol == "179")

    during(story)


def test_our_own_changes_are_heard() -> None:
    """So that a step of the agent is followed by one that looks at what came of it."""

    async def story(netlink: Netlink, _here: Namespace, _there: Namespace, changed: Calls) -> None:
        await netlink.dump()
        start = changed.count
        await put(netlink, unicast(4, 0, 1))
        await changed.beyond(start)

    during(story)


def test_a_storm_that_overruns_the_queue_is_heard_and_survived() -> None:
    """The kernel drops what does not fit (ENOBUFS): the dump afterwards is whole, later events are heard."""

    async def story(netlink: Netlink, here: Namespace, _there: Namespace, changed: Calls) -> None:
        start = changed.count
        # Blocks the loop on purpose: nobody reads the queue meanwhile.
        batch(here, "\n".join(f"route add 10.{i >> 8}.{i & 255}.0/24 dev a0" for i in range(8000)))
        after = await quiet(changed)
        assert start < after < start + 100
        assert netlink.overruns >= 1
        assert len((await netlink.dump()).routes) >= 8000
        here.ip("link", "set", "a1", "down")
        await changed.beyond(after)

    during(story)


def test_the_start_is_heard() -> None:
    """What changed between a first dump and the subscription's first turn must not be missed."""

    async def story(netlink: Netlink, changed: Calls) -> None:
        task = asyncio.create_task(netlink.run())
        await asyncio.sleep(0)
        assert changed.count == 1
        task.cancel()

    changed = Calls()
    with wires() as (here, _), opened(here, changed) as netlink:
        asyncio.run(story(netlink, changed))
