"""The supervisor's door for the agent: a unix socket, a line of JSON per request, a line per answer.

    {"request": "status"}
    {"request": "configure", "text": "..."}     answered when the text is in force, or refused

Every answer has `ok`; a refusal has `error`, in words.
"""

import json
import selectors
import socket
from collections.abc import Callable
from typing import Any, Final

from bgpnet.drivers.unixsocket import Doorkeeper

_LONGEST: Final = 4 << 20
"""Bytes of a request: far more than any configuration."""

Answer = dict[str, object]


class Connection:
    """One client. Requests are answered in order, one at a time."""

    def __init__(self, link: socket.socket, control: "Control") -> None:
        self._link = link
        self._control = control
        self._in = b""
        self._out = bytearray()
        self.closed = False

    def answer(self, answer: Answer) -> None:
        """Send an answer; a client that left does not mind."""
        if not self.closed:
            self._out += json.dumps(answer).encode() + b"\n"
            self.flush()

    def ready(self, events: int) -> None:
        """The socket can be read or written."""
        if events & selectors.EVENT_WRITE:
            self.flush()
        if events & selectors.EVENT_READ:
            self._read()

    def flush(self) -> None:
        """Write what can be written now."""
        try:
            if self._out:
                del self._out[: self._link.send(self._out)]
        except BlockingIOError:
            pass
        except OSError:
            self.close()
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._out else 0)
        self._control.selector.modify(self._link, wanted, self.ready)

    def close(self) -> None:
        """Hang up."""
        if not self.closed:
            self.closed = True
            self._control.selector.unregister(self._link)
            self._link.close()

    def _read(self) -> None:
        try:
            piece = self._link.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        if not piece or len(self._in) > _LONGEST:
            self.close()
            return
        *lines, self._in = (self._in + piece).split(b"\n")
        for line in lines:
            try:
                request = json.loads(line)
            except ValueError:
                request = None
            if isinstance(request, dict):
                self._control.requested(self, request)
            else:
                self.answer({"ok": False, "error": "the request is not a JSON object"})


class Control:
    """Accepts connections and hands their requests to `requested`."""

    def __init__(
        self,
        listener: socket.socket,
        selector: selectors.BaseSelector,
        requested: Callable[[Connection, dict[str, Any]], None],
    ) -> None:
        self.selector = selector
        self.requested = requested
        self._door = Doorkeeper(listener)
        listener.settimeout(0)
        selector.register(listener, selectors.EVENT_READ, self._accept)

    def _accept(self, _events: int) -> None:
        link = self._door.let_in()
        if link is None:
            return
        link.settimeout(0)
        self.selector.register(link, selectors.EVENT_READ, Connection(link, self).ready)
