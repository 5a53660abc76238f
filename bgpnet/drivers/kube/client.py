"""Requests to the API server: raw JSON in and out, and lines of a watch."""

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import suppress
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Self
from weakref import WeakSet

import aiohttp

from bgpnet.drivers.kube.access import Access
from bgpnet.model.errors import ApiError

_KEEPALIVE: Final = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)

Json = dict[str, Any]
Query = Mapping[str, str]

CONNECT_TIME: Final = 5.0
"""Seconds until an address that does not answer is given up."""

CALL_TIME: Final = 30.0
"""Seconds for a whole request."""

SILENCE: Final = 150.0
"""Seconds without a byte after which a watch is taken for dead: bookmarks come about every minute
(apiserver/pkg/storage/cacher, defaultBookmarkFrequency)."""

KEEPALIVE: Final = (10, 5, 3)
"""Seconds of silence until the kernel asks whether the other side is there, between questions, how many
of them (tcp(7)). On a way with translation (the Service of kube-proxy, masqueraded) the kernel forgets a
connection when its route goes to another link (nf_nat_masquerade.c), as when BGP brings a better one:
what the server sends is refused from then on, and nobody tells us."""

FAREWELL: Final = 1.0
"""Seconds at most for the connections to be closed at the end."""

LONGEST_PAUSE: Final = 60.0
"""Seconds that a server may ask to be left alone: an agent must not be told to be quiet for a day."""

LONGEST_LINE: Final = 4 * 1024 * 1024
"""Bytes of one watch event: etcd takes objects of 1.5 MiB."""

PAGE: Final = 500
"""Items of a list that are asked for at a time."""

JSON: Final = "application/json"
APPLY: Final = "application/apply-patch+yaml"
METADATA: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""Of a list: metadata alone."""

STRATEGIC: Final = "application/strategic-merge-patch+json"
MERGE: Final = "application/merge-patch+json"


class Client:
    """One API server."""

    def __init__(self, access: Access, agent: str) -> None:
        """`agent` is the User-Agent."""
        self._access = access
        self._sockets: WeakSet[socket.socket] = WeakSet()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                ssl=access.tls, limit=0, keepalive_timeout=60, socket_factory=self._socket
            ),
            headers={"User-Agent": agent},
            auto_decompress=True,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session.connector is not None:
            # Without abort, each TLS connection would live on for a while after the loop that serves it.
            await self._session.connector.close(abort_ssl=True)
        await self._session.close()
        await self._closed()

    def _socket(self, info: aiohttp.AddrInfoType) -> socket.socket:
        made = kept_alive(info)
        self._sockets.add(made)
        return made

    async def _closed(self) -> None:
        """Wait until every socket is: an abort leaves that to a later turn of the loop, which may be none."""
        with suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL):
                while any(each.fileno() >= 0 for each in self._sockets):  # noqa: ASYNC110 - sockets tell nobody
                    await asyncio.sleep(0)

    async def call(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        *,
        body: object = None,
        kind: str = JSON,
        accept: str = JSON,
    ) -> Json:
        """One request, and its decoded answer.

        Raises:
            ApiError: the server refuses, or cannot be reached.
        """
        timeout = aiohttp.ClientTimeout(total=CALL_TIME, sock_connect=CONNECT_TIME)
        payload = None if body is None else json.dumps(body, separators=(",", ":")).encode()
        try:
            async with self._session.request(
                method,
                self._access.server + path,
                params=query,
                data=payload,
                headers=self._headers(kind if payload else None, accept),
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                content = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unreachable(error) from error
        return answer(response.status, content, retry_after(response.headers))

    async def pages(
        self, path: str, query: Query | None = None, *, page: int = PAGE, accept: str = JSON
    ) -> AsyncGenerator[Json, None]:
        """A list, `page` items at a time: an answer of thousands is never whole in memory.

        Raises:
            ApiError: the server refuses, cannot be reached, or (410) no longer knows the list that was begun.
        """
        asked = {**(query or {}), "limit": str(page)}
        while True:
            found = await self.call("GET", path, asked, accept=accept)
            yield found
            more = found["metadata"].get("continue")
            if not more:
                return
            asked["continue"] = str(more)

    async def lines(self, path: str, query: Query, accept: str = JSON) -> AsyncGenerator[bytes, None]:
        """The lines of an answer as they come, until the server ends it.

        An empty one comes first, when the server has agreed: the next may be a minute away.

        Raises:
            ApiError: the server refuses, cannot be reached, or has gone silent.
        """
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIME, sock_read=SILENCE)
        try:
            async with self._session.get(
                self._access.server + path,
                params=query,
                headers=self._headers(None, accept),
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                if response.status != HTTPStatus.OK:
                    answer(response.status, await response.read(), retry_after(response.headers))
                try:
                    yield b""
                    async for line in _split(response.content):
                        yield line
                finally:
                    connection = response.connection
                    if connection is not None and connection.transport is not None:
                        connection.transport.abort()  # TLS would wait for a farewell
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unreachable(error) from error

    def _headers(self, kind: str | None, accept: str) -> dict[str, str]:
        headers = {"Accept": accept} | ({"Content-Type": kind} if kind else {})
        bearer = self._access.bearer()
        return headers | ({"Authorization": f"Bearer {bearer}"} if bearer else {})


def kept_alive(info: aiohttp.AddrInfoType) -> socket.socket:
    """A socket for a connection there, whose end is noticed also where nobody tells of it."""
    made = socket.socket(*info[:3])
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in zip(_KEEPALIVE, KEEPALIVE, strict=True):
        made.setsockopt(socket.IPPROTO_TCP, option, value)
    return made


async def _split(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    rest = bytearray()
    async for chunk in content.iter_any():
        rest += chunk
        if b"\n" in chunk:
            *whole, last = rest.split(b"\n")
            rest = bytearray(last)
            for line in whole:
                yield bytes(line)
        if len(rest) > LONGEST_LINE:
            raise ApiError(0, "TooLarge", f"a watch event is longer than {LONGEST_LINE} bytes")


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds for which the server asks to be left alone. Dates, which no API server sends, are none."""
    asked = headers.get("Retry-After", "")
    return min(float(asked), LONGEST_PAUSE) if asked.isascii() and asked.isdigit() else 0.0


def answer(status: int, content: bytes, pause: float = 0.0) -> Json:
    """What the server answered, decoded. `pause`: what it asks for with a refusal, seconds.

    Raises:
        ApiError: it refuses, or this is no API server's answer.
    """
    try:
        decoded = json.loads(content)
    except ValueError:
        decoded = None
    if not isinstance(decoded, dict):
        raise ApiError(
            status,
            "NotJson",
            f"answered with HTTP {status} and {len(content)} bytes of no JSON object",
            pause,
        )
    if status >= HTTPStatus.BAD_REQUEST:
        raise ApiError(status, str(decoded.get("reason", "")), str(decoded.get("message", "")), pause)
    return decoded


def _unreachable(error: Exception) -> ApiError:
    if isinstance(error, TimeoutError):
        return ApiError(0, "Timeout", "no answer in time")
    if isinstance(error, aiohttp.ClientPayloadError):
        return ApiError(0, "Broken", "the connection broke")
    return ApiError(0, "Unreachable", str(error) or type(error).__name__)
