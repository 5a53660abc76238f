"""A hint that something in a folder changed (inotify), so that the next look comes early.

Nothing rests on it: where there is no inotify, or the kernel tells nothing (network file systems), looks find
every change a moment later.
"""

import asyncio
import ctypes
import os
from pathlib import Path
from typing import Final

_CLOSE_WRITE, _MOVED_FROM, _MOVED_TO, _DELETE = 0x8, 0x40, 0x80, 0x200
_EVENTS: Final = _CLOSE_WRITE | _MOVED_FROM | _MOVED_TO | _DELETE
"""linux/inotify.h: what ends an edit, not each of its writes."""

_BUFFER: Final = 65536


class Hint:
    """Hears of one folder. Close it when done."""

    def __init__(self, folder: Path) -> None:
        self._folder = os.fsencode(folder)
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self._told = asyncio.Event()
        if self._descriptor >= 0:
            asyncio.get_running_loop().add_reader(self._descriptor, self._read)

    def close(self) -> None:
        """Hear no more."""
        if self._descriptor >= 0:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1

    def follow(self) -> None:
        """Hear of the folder that has this name now; what happened until now is not news any more."""
        if self._descriptor >= 0:
            self._libc.inotify_add_watch(self._descriptor, self._folder, _EVENTS)
            self._read()
        self._told.clear()

    async def wait(self, at_most: float) -> None:
        """Return when something changed, or after so many seconds."""
        try:
            async with asyncio.timeout(at_most):
                await self._told.wait()
        except TimeoutError:
            return

    def _read(self) -> None:
        try:
            while os.read(self._descriptor, _BUFFER):
                self._told.set()
        except BlockingIOError:
            return
