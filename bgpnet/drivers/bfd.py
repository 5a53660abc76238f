"""`bgpnet bfd` as the agent has it: a file says which sessions are wanted, a socket tells how they are."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Final

from bgpnet.drivers import atomic
from bgpnet.model import bfd
from bgpnet.model.bfd import Bfd, BfdSession
from bgpnet.model.rejection import ObjectRef, Reason, Rejection
from bgpnet.model.rundir import RunDir

RETRY: Final = 0.2
"""Seconds until the socket is tried again."""

AWAY: Final = 10.0
"""Seconds without `bgpnet bfd` after which it is not known any more how the sessions are."""

_LONGEST: Final = 1 << 20
"""Bytes of a line: 128 sessions take a tenth."""

_log = logging.getLogger(__name__)


class BfdDriver:
    """`changed` is called when `observed` says something else than before, but for counters."""

    def __init__(self, run_dir: RunDir, changed: Callable[[], None]) -> None:
        self.rejections: tuple[Rejection, ...] = ()
        self._file = Path(run_dir.bfd_sessions)
        self._socket = run_dir.bfd_socket
        self._changed = changed
        self._observed: Bfd | None = None
        self._written: bytes | None = None
        self._writer: asyncio.StreamWriter | None = None

    def want(self, sessions: tuple[BfdSession, ...] | None) -> None:
        """The sessions that ought to be. None: not known, those that there are stay."""
        if sessions is None:
            return
        content = bfd.written(sessions)
        if content == self._written:
            return
        try:
            if self._written is not None or content != self._found(sessions):
                atomic.replace(self._file, content, 0o644)
        except OSError as error:
            remedy = f"{error.strerror}; BFD stays as it is, it is tried again"
            self.rejections = (
                Rejection(ObjectRef("File", self._file.name), "", "", Reason.BFD_UNAVAILABLE, remedy),
            )
            return
        self._written, self.rejections = content, ()
        self._ask()

    def observed(self) -> Bfd | None:
        """What was told last: a `bgpnet bfd` that is back in a moment goes on. None: not known."""
        return self._observed

    async def run(self) -> None:
        """Listen, for ever."""
        misses = 0
        while True:
            misses = 0 if await self._follow(self._socket) else misses + 1
            if misses * RETRY >= AWAY and self._observed is not None:
                _log.warning("bfd unreachable, BGP alone decides path=%s", self._socket)
                self._observed = None
                self._changed()
            await asyncio.sleep(RETRY)

    def _found(self, sessions: tuple[BfdSession, ...]) -> bytes:
        """What a former agent has written; for no session no file is as good."""
        try:
            return self._file.read_bytes()
        except FileNotFoundError:
            return b"" if sessions else bfd.written(())

    def _ask(self) -> None:
        """Have the file read."""
        if self._writer is not None:
            self._writer.write(b"read\n")

    async def _follow(self, path: PurePosixPath) -> bool:
        """One connection, until it ends; whether there was one."""
        try:
            reader, self._writer = await asyncio.open_unix_connection(str(path), limit=_LONGEST)
        except OSError:
            return False
        self._ask()
        try:
            while line := await reader.readline():
                self._heard(bfd.heard(line))
        except (OSError, ValueError) as error:
            _log.warning("bfd not understood, connecting anew path=%s error=%r", path, str(error))
        finally:
            self._writer.close()
            self._writer = None
        return True

    def _heard(self, told: Bfd) -> None:
        before, self._observed = self._observed, told
        if before is None or before.states() != told.states():
            self._changed()
