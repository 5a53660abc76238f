"""Questions to ExaBGP through the relay, one at a time, without ever blocking."""

import contextlib
import json
import selectors
import socket
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Final

_LONGEST: Final = 8 << 20
"""Bytes of an unfinished line."""


class Inquiry:
    """Asks; `heard` is called at each part of an answer, whatever the question was."""

    def __init__(
        self, relay: PurePosixPath, selector: selectors.BaseSelector, heard: Callable[[], None]
    ) -> None:
        self._relay = relay
        self._selector = selector
        self._heard = heard
        self._link: socket.socket | None = None
        self._rest = b""
        self._lines: list[str] = []
        self._then: Callable[[list[str]], None] | None = None

    @property
    def waiting(self) -> bool:
        """Whether a question has no complete answer yet. ExaBGP takes seconds to tell of a hundred peers."""
        return self._link is not None

    def ask(self, command: str, then: Callable[[list[str]], None] | None = None) -> None:
        """Ask, and call `then` with the lines of the answer.

        A question without an answer yet is given up. Nothing happens when the relay cannot be reached; when
        we have no descriptor left to ask with, that is no silence of ExaBGP's.
        """
        self.forget()
        try:
            link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        except OSError:
            self._heard()
            return
        try:
            link.settimeout(0)
            link.connect(str(self._relay))
            link.send(f"ask\n1 {command}\n".encode())
        except OSError:
            link.close()
            return
        self._link, self._rest, self._lines, self._then = link, b"", [], then
        self._selector.register(link, selectors.EVENT_READ, self._read)

    def forget(self) -> None:
        """Give up the question."""
        if self._link is not None:
            self._selector.unregister(self._link)
            self._link.close()
            self._link = None

    def _read(self, _events: int) -> None:
        assert self._link is not None  # noqa: S101 - registered only while it is there
        piece = b""
        with contextlib.suppress(BlockingIOError, ConnectionError):
            piece = self._link.recv(1 << 16)
        if not piece or len(self._rest) > _LONGEST:
            self.forget()
            return
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            message = json.loads(line)
            if "line" in message:
                self._heard()
                self._lines.append(str(message["line"]))
            elif "answer" in message:
                then = self._then if message["answer"] == "done" else None
                self.forget()
                self._heard()
                if then is not None:
                    then(self._lines)
                return
