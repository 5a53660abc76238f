"""Keeps ExaBGP's configuration at the wanted sessions, through the supervisor."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Final

from bgpnet.drivers.exabgp import control
from bgpnet.drivers.exabgp.core import Core
from bgpnet.model.errors import SpeakerError, UnreachableError
from bgpnet.model.net import Address
from bgpnet.model.plan import Session
from bgpnet.model.rejection import ObjectRef, Reason, Rejection
from bgpnet.render.exabgp import exabgp_conf, inexpressible
from bgpnet.render.generation import generation_of

_log = logging.getLogger(__name__)

FAREWELL: Final = 2.0
"""Seconds that the withdrawals for a session to be removed may take: without them its peer would keep our
routes for the restart time, as after a crash."""

CHECK: Final = 10.0
"""Seconds between two looks whether the configuration in force is still ours."""

RETRY: Final = 0.5
"""Seconds until the supervisor is tried again."""

AFTER_REFUSAL: Final = 30.0
"""Seconds until a refused configuration is tried again."""


class Configurator:
    """Puts the wanted sessions in force. One that cannot be expressed is left out, and says so."""

    def __init__(self, path: PurePosixPath, core: Core, told: Callable[[], None]) -> None:
        self.rejections: tuple[Rejection, ...] = ()
        self._path = path
        self._core = core
        self._told = told
        self._wanted: tuple[Session, ...] | None = None
        self._advertise: tuple[str, ...] = ()
        self._accepted: tuple[Session, ...] = ()
        self._news = asyncio.Event()
        self._progress = asyncio.Event()
        self._unreachable = False

    def want(self, sessions: tuple[Session, ...] | None, advertise: tuple[str, ...]) -> None:
        """The sessions that ought to be (None: not known, nothing changes), and the links to advertise on."""
        if (sessions, advertise) != (self._wanted, self._advertise):
            self._wanted, self._advertise = sessions, advertise
            self._news.set()

    def progress(self) -> None:
        """The core may have changed."""
        self._progress.set()

    async def run(self) -> None:
        """Work for ever."""
        while True:
            self._news.clear()
            wait = await self._step(self._wanted) if self._wanted is not None else CHECK
            try:
                async with asyncio.timeout(wait):
                    await self._news.wait()
            except TimeoutError:
                pass

    async def _step(self, sessions: tuple[Session, ...]) -> float:
        """Bring the configuration in force; seconds until the next look."""
        refused = [refusal for session in sessions if (refusal := inexpressible(session)) is not None]
        fine = tuple(session for session in sessions if inexpressible(session) is None)
        try:
            status = await control.status(self._path)
            self._reachable()
            if self._advertise and status.advertising:
                refused.append(_unheard(self._advertise, status.advertising))
            text = exabgp_conf(fine, status.relay_argv, self._advertise)
            if generation_of(text) != status.generation or status.exabgp is None:
                await self._change(fine, text)
        except UnreachableError as error:
            if not self._unreachable:
                _log.warning("speaker unreachable error=%r", str(error))
            self._unreachable = True
            self._reject(refused)
            return RETRY
        except (SpeakerError, ValueError) as error:
            _log.error("configuration refused error=%r", str(error))
            remedy = f"{error}; the sessions in force stay, it is tried again"
            news = (session for session in fine if session not in self._accepted)
            refused += [Rejection(s.ref, "", "", Reason.SPEAKER_REFUSED, remedy) for s in news]
            self._reject(refused)
            return AFTER_REFUSAL
        self._accepted = fine
        self._reject(refused)
        return CHECK

    async def _change(self, sessions: tuple[Session, ...], text: str) -> None:
        await self._take_leave(self._core.peers - {session.peer for session in sessions})
        self._core.reloading()
        try:
            await control.configure(self._path, text)
            _log.info("configuration in force sessions=%d", len(sessions))
        finally:
            self._core.reloaded()
            self._told()

    async def _take_leave(self, peers: frozenset[Address]) -> None:
        """Wait until these peers, from which everything is being withdrawn, have nothing of ours."""
        try:
            async with asyncio.timeout(FAREWELL):
                while not self._core.drained(peers):
                    self._progress.clear()
                    await self._progress.wait()
        except TimeoutError:
            _log.warning(
                "a session is removed before everything was withdrawn peers=%s", sorted(map(str, peers))
            )

    def _reachable(self) -> None:
        if self._unreachable:
            _log.info("speaker reachable again path=%s", self._path)
        self._unreachable = False

    def _reject(self, refused: list[Rejection]) -> None:
        rejections = tuple(refused)
        if rejections != self.rejections:
            self.rejections = rejections
            self._told()


def _unheard(links: tuple[str, ...], error: str) -> Rejection:
    remedy = f"{error}; routers on {', '.join(links)} do not hear of this node"
    return Rejection(ObjectRef("Speaker", "advertiser"), "", "", Reason.SPEAKER_REFUSED, remedy)
