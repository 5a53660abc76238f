"""The relay's socket, on asyncio: carries a conversation, keeps its clock, connects again for ever."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Final

from bgpnet.drivers.exabgp.conversation import Conversation
from bgpnet.drivers.exabgp.core import Core

_log = logging.getLogger(__name__)

FIRST_WAIT: Final = 0.02
"""Seconds before connecting again; doubles up to `LONGEST_WAIT`. ExaBGP restarts in less than 0.2 s."""

LONGEST_WAIT: Final = 0.5
"""Seconds."""


class RelayClient:
    """Feeds the core, and sends what it asks for. `progress` is called whenever the core may have changed."""

    def __init__(
        self,
        path: PurePosixPath,
        core: Core,
        clock: Callable[[], float],
        wall: Callable[[], float],
        progress: Callable[[], None],
    ) -> None:
        self._path = path
        self._core = core
        self._clock = clock
        self._wall = wall
        self._progress = progress
        self._conversation = Conversation(core)
        self._transport: asyncio.WriteTransport | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def connected(self) -> bool:
        """Whether the relay has greeted on the present connection."""
        return self._transport is not None and self._conversation.greeted

    async def run(self) -> None:
        """Connect, follow, connect again, for ever. Sends nothing when it is cancelled."""
        wait = FIRST_WAIT
        while True:
            if await self._follow():
                wait = FIRST_WAIT
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)

    def pump(self) -> None:
        """Send what is due, and come back when more is. To be called after the core was told something."""
        if self._transport is None:
            return
        now = self._clock()
        if piece := self._conversation.to_send(now):
            self._transport.write(piece)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        delay = self._core.due(now, answering=self._conversation.answering) - now
        if delay != float("inf"):
            self._timer = asyncio.get_running_loop().call_later(max(0.0, delay), self._tick)

    async def _follow(self) -> bool:
        """One connection; whether the relay greeted."""
        loop = asyncio.get_running_loop()
        self._conversation = Conversation(self._core)
        link = _Link(self._received, loop.create_future())
        try:
            self._transport, _ = await loop.create_unix_connection(lambda: link, str(self._path))
        except OSError:
            return False
        try:
            self.pump()
            await link.ended
        finally:
            self._transport.abort()
            self._transport = None
            if self._timer is not None:
                self._timer.cancel()
        if self._conversation.greeted:
            _log.warning("connection to the relay lost path=%s", self._path)
            self._core.lost(self._clock())
            self._progress()
        return self._conversation.greeted

    def _received(self, piece: bytes) -> None:
        try:
            self._conversation.received(piece, self._clock(), self._wall())
        except ValueError as error:
            _log.error("the relay is not understood, connecting anew error=%r", str(error))
            if self._transport is not None:
                self._transport.abort()
            return
        self.pump()
        self._progress()

    def _tick(self) -> None:
        self._core.tick(self._clock())
        self.pump()
        self._progress()


class _Link(asyncio.Protocol):
    """The connection as asyncio drives it. `ended` is done when it is over."""

    def __init__(self, received: Callable[[bytes], None], ended: asyncio.Future[None]) -> None:
        self.ended = ended
        self._received = received

    def data_received(self, data: bytes) -> None:
        self._received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc  # the cause does not matter, only that it is over
        if not self.ended.done():
            self.ended.set_result(None)
