"""Health, readiness and status over HTTP on the agent's unix socket; metrics on TCP as well where asked.

A server of the standard library's streams: three GET answers do not earn a web framework's memory.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from pathlib import PurePosixPath

from bgpnet.agent.settings import TcpAddress
from bgpnet.drivers.unixsocket import listening

Answer = tuple[HTTPStatus, str, str]
"""Status, content type, body."""

Page = Callable[[str], Answer]
"""Makes the answer; gets what follows the question mark, empty when nothing does."""

REQUEST_LIMIT = 8192
"""Bytes of a request; more is refused."""

REQUEST_TIME = 5.0
"""Seconds a client may take for its request."""

RETRY = 5.0
"""Seconds until an address that cannot be listened on is tried again."""

log = logging.getLogger(__name__)


async def serve(path: PurePosixPath, pages: Mapping[str, Page], actions: Mapping[str, Page]) -> None:
    """Answer GET requests for these pages and POST requests for these actions, by path, until cancelled."""
    with listening(path) as sock:
        server = await asyncio.start_unix_server(_handler(pages, actions), sock=sock, limit=REQUEST_LIMIT)
        async with server:
            with contextlib.suppress(asyncio.CancelledError):
                await server.serve_forever()


async def serve_tcp(at: TcpAddress, pages: Mapping[str, Page]) -> None:
    """The same on TCP. A port in use, or an address that is not there yet, is tried again, for ever."""
    told = False
    while True:
        try:
            server = await asyncio.start_server(
                _handler(pages, {}), str(at.address), at.port, limit=REQUEST_LIMIT
            )
        except OSError as error:
            if not told:
                log.warning("cannot listen address=%s error=%r; it is tried again", at, error.strerror)
            told = True
            await asyncio.sleep(RETRY)
        else:
            log.info("listening address=%s pages=%s", at, ",".join(pages))
            async with server:
                await server.serve_forever()


def _handler(
    pages: Mapping[str, Page], actions: Mapping[str, Page]
) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            status, kind, body = await _answer(reader, {"GET": pages, "POST": actions})
            encoded = body.encode()
            head = f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {kind}\r\n"
            writer.write(
                f"{head}Content-Length: {len(encoded)}\r\nConnection: close\r\n\r\n".encode() + encoded
            )
            await writer.drain()
        except (OSError, TimeoutError):
            return
        finally:
            writer.close()

    return handle


async def _answer(reader: asyncio.StreamReader, by_method: Mapping[str, Mapping[str, Page]]) -> Answer:
    try:
        async with asyncio.timeout(REQUEST_TIME):
            head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.LimitOverrunError, asyncio.IncompleteReadError):
        return HTTPStatus.BAD_REQUEST, "text/plain", "not an HTTP request\n"
    method, _, rest = head.split(b"\r\n", 1)[0].decode("latin-1").partition(" ")
    path, _, query = rest.partition(" ")[0].partition("?")
    methods = [each for each, pages in by_method.items() if path in pages]
    if not methods:
        known = sorted({page for pages in by_method.values() for page in pages})
        return HTTPStatus.NOT_FOUND, "text/plain", f"no such page; there are: {', '.join(known)}\n"
    if method not in methods:
        return HTTPStatus.METHOD_NOT_ALLOWED, "text/plain", f"only {', '.join(methods)}\n"
    return by_method[method][path](query)
