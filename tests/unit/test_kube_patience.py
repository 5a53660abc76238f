"""What an API server that has too much to do asks for is done."""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from bgpnet.drivers.kube.access import Access
from bgpnet.drivers.kube.client import LONGEST_PAUSE, Client, Json, retry_after
from bgpnet.drivers.kube.patience import JITTER, Patience
from bgpnet.drivers.kube.watch import Collection, Watch

BUSY = {"kind": "Status", "reason": "TooManyRequests", "message": "too many requests", "code": 429}

LIST = {"metadata": {"resourceVersion": "1"}, "items": []}

NODES = Collection("Node", "v1", "/api/v1/nodes", lambda item: item)


async def served(
    answer: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
    story: Callable[[Client], Awaitable[None]],
) -> None:
    """Run a story with a client of a server that answers so."""
    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0]
    try:
        async with Client(
            Access(f"http://{host}:{port}", ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)), "test"
        ) as client:
            await story(client)
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("busy", ["list", "watch"])
def test_a_server_that_asks_to_be_left_alone_is(status: int, busy: str) -> None:
    asked: list[tuple[str, float]] = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        what = "watch" if "watch" in request.query else "list"
        asked.append((what, time.monotonic()))
        if what == busy and [each for each, _ in asked].count(busy) == 1:
            return web.json_response(BUSY, status=status, headers={"Retry-After": "1"})
        return web.json_response(LIST)

    async def story(client: Client) -> None:
        work = asyncio.create_task(Watch(client, NODES, Patience(lambda: 0.0), lambda: None).run())
        async with asyncio.timeout(20):
            while [what for what, _ in asked].count(busy) < 2:  # noqa: ASYNC110 - the server is a callback
                await asyncio.sleep(0.01)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    asyncio.run(served(answer, story))
    first, second, *_ = [at for what, at in asked if what == busy]
    assert second - first >= 1.0


def test_a_server_that_ends_every_watch_at_once_is_asked_ever_more_seldom() -> None:
    """A proxy before an API server that goes away agrees to a watch, and ends it."""
    asked: list[float] = []
    waited: list[float] = []

    class Counted(Patience):
        async def wait(self, least: float = 0.0) -> None:
            waited.append(self._next)
            self._next *= 2
            await asyncio.sleep(least)

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if "watch" not in request.query:
            return web.json_response(LIST)
        asked.append(0.0)
        return web.Response()

    async def story(client: Client) -> None:
        work = asyncio.create_task(Watch(client, NODES, Counted(lambda: 0.0), lambda: None).run())
        async with asyncio.timeout(20):
            while len(waited) < 5:  # noqa: ASYNC110 - the server is a callback
                await asyncio.sleep(0.01)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    asyncio.run(served(answer, story))
    assert waited[:5] == [0.2, 0.4, 0.8, 1.6, 3.2]


def test_agents_that_are_asked_to_wait_do_not_come_back_together() -> None:
    waits: list[float] = []

    async def told(random: float) -> None:
        began = time.monotonic()
        await Patience(lambda: random).wait(0.2)
        waits.append(time.monotonic() - began)

    async def story() -> None:
        await asyncio.gather(told(0.0), told(1.0))

    asyncio.run(story())
    assert min(waits) >= 0.2
    assert max(waits) >= 0.2 * (1 + JITTER)


@pytest.mark.parametrize(
    ("told", "seconds"),
    [("7", 7.0), ("86400", LONGEST_PAUSE), ("", 0.0), ("Wed, 21 Oct 2026 07:28:00 GMT", 0.0), ("-1", 0.0)],
)
def test_what_a_server_asks_for_is_bounded(told: str, seconds: float) -> None:
    headers: Json = {"Retry-After": told} if told else {}
    assert retry_after(headers) == seconds
