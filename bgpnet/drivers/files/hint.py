"""Hints of the kernel (inotify): something in a folder changed, a file is not written to its end.

With the first the next look comes early. Nothing rests on them: where there is no inotify, or the kernel
tells nothing (network file systems), looks find every change a moment later.
"""

import asyncio
import ctypes
import os
import struct
from pathlib import Path
from typing import Final

_MODIFY, _CLOSE_WRITE, _MOVED_FROM, _MOVED_TO, _DELETE = 0x2, 0x8, 0x40, 0x80, 0x200
_ENDS: Final = _CLOSE_WRITE | _MOVED_FROM | _MOVED_TO | _DELETE
"""linux/inotify.h: what ends an edit. A write begins one, or goes on with it."""

_EVENT: Final = struct.Struct("=iIII")
"""struct inotify_event: watch, mask, cookie, length of the name that follows."""

PATIENCE: Final = 1.0
"""Seconds without a write after which a file counts as written, though it is not closed."""

_BUFFER: Final = 65536


class Hint:
    """Hears of one folder. Close it when done."""

    def __init__(self, folder: Path) -> None:
        self._folder = os.fsencode(folder)
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self._told = asyncio.Event()
        self._writes: dict[str, float] = {}
        self._watch = -1
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
            watch = self._libc.inotify_add_watch(self._descriptor, self._folder, _MODIFY | _ENDS)
            if watch != self._watch:  # another folder has the name
                self._watch = watch
                self._writes.clear()
            self._read()
        self._told.clear()

    def writing(self) -> frozenset[str]:
        """Names of the files that a program has begun to write and not closed."""
        limit = asyncio.get_running_loop().time() - PATIENCE
        self._writes = {name: moment for name, moment in self._writes.items() if moment > limit}
        return frozenset(self._writes)

    async def wait(self, at_most: float) -> None:
        """Return when something changed, or after so many seconds."""
        try:
            async with asyncio.timeout(at_most):
                await self._told.wait()
        except TimeoutError:
            return

    def _read(self) -> None:
        try:
            while told := os.read(self._descriptor, _BUFFER):
                self._hear(told)
        except BlockingIOError:
            return

    def _hear(self, told: bytes) -> None:
        start = 0
        while start < len(told):
            _, mask, _, length = _EVENT.unpack_from(told, start)
            start += _EVENT.size + length
            name = os.fsdecode(told[start - length : start].rstrip(b"\0"))
            if mask & _MODIFY:
                self._writes[name] = asyncio.get_running_loop().time()
            else:
                self._writes.pop(name, None)
                self._told.set()
