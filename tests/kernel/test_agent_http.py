"""The agent's socket: who may use it, and what hostile clients get."""

import asyncio
import socket
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path, PurePosixPath

import pytest

from bgpnet.agent import client, http
from bgpnet.agent.settings import TcpAddress
from bgpnet.model.errors import UnreachableError
from tests.netns import namespace


def ok(query: str) -> http.Answer:
    return HTTPStatus.OK, "text/plain", f"fine{query}\n"


@asynccontextmanager
async def server(path: Path) -> AsyncIterator[Callable[[str], "asyncio.Future[tuple[int, bytes]]"]]:
    task = asyncio.ensure_future(http.serve(PurePosixPath(path), {"/status": ok}, {"/drain": ok}))
    loop = asyncio.get_running_loop()
    while not path.exists():  # noqa: ASYNC110 - bounded by the test's own timeout
        await asyncio.sleep(0.005)
    try:
        yield lambda page: loop.run_in_executor(None, client.get, PurePosixPath(path), page)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def test_status_is_answered_and_only_its_owner_may_ask(tmp_path: Path) -> None:
    path = tmp_path / "run" / "agent.sock"

    async def story() -> None:
        async with server(path) as get:
            assert await get("/status") == (200, b"fine\n")
            assert await get("/status?10.0.0.0/8") == (200, b"fine10.0.0.0/8\n")
            assert (await get("/nothing"))[0] == HTTPStatus.NOT_FOUND
            assert stat.S_IMODE(path.stat().st_mode) == 0o600

    asyncio.run(story())
    assert not path.exists()


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        (b"\x16\x03\x01 garbage\r\n\r\n", b"404"),
        (b"POST /status HTTP/1.1\r\n\r\n", b"405"),
        (b"x" * 20_000, b"400"),
    ],
)
def test_a_request_that_makes_no_sense_gets_an_answer(
    tmp_path: Path, request_text: bytes, status: bytes
) -> None:
    path = tmp_path / "agent.sock"

    def ask() -> bytes:
        with socket.socket(socket.AF_UNIX) as raw:
            raw.settimeout(5)
            raw.connect(str(path))
            raw.sendall(request_text)
            return raw.recv(64)

    async def story() -> None:
        async with server(path) as get:
            assert status in await asyncio.get_running_loop().run_in_executor(None, ask)
            assert (await get("/status"))[0] == HTTPStatus.OK

    asyncio.run(story())


def test_a_stale_socket_of_a_killed_agent_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "agent.sock"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))

    async def story() -> None:
        task = asyncio.ensure_future(http.serve(PurePosixPath(path), {"/status": ok}, {"/drain": ok}))
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(5):
            while True:
                try:
                    assert (await loop.run_in_executor(None, client.get, PurePosixPath(path), "/status"))[
                        0
                    ] == 200
                    break
                except UnreachableError:
                    await asyncio.sleep(0.01)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    asyncio.run(story())


def test_tcp_waits_for_its_port_and_answers_its_pages_only(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(http, "RETRY", 0.01)

    def ask(port: int, page: str) -> bytes:
        with socket.create_connection(("127.0.0.1", port), 5) as raw:
            raw.sendall(f"GET {page} HTTP/1.1\r\n\r\n".encode())
            return raw.makefile("rb").read()

    async def story() -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            at = TcpAddress(ip_address("127.0.0.1"), other.getsockname()[1])
            task = asyncio.ensure_future(http.serve_tcp(at, {"/metrics": ok}))
            async with asyncio.timeout(5):
                while "cannot listen" not in caplog.text:  # noqa: ASYNC110 - bounded just above
                    await asyncio.sleep(0.005)
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(5):
            while True:
                with suppress(ConnectionError):
                    assert b"200 OK" in await loop.run_in_executor(None, ask, at.port, "/metrics")
                    break
                await asyncio.sleep(0.005)
        assert b"404" in await loop.run_in_executor(None, ask, at.port, "/status")
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    with namespace("http") as space, space.entered():
        space.ip("link", "set", "lo", "up")
        asyncio.run(story())
    assert caplog.text.count("cannot listen") == 1


def test_nobody_there_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match="cannot reach the agent"):
        client.get(PurePosixPath(tmp_path / "none.sock"), "/status")
