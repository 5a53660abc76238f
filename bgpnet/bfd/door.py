"""Where the agent hears of the sessions: a unix socket, at each connection and each change a line of JSON.

What a client sends is one thing only, a line of any kind: read the file of sessions again.
"""

import select
import socket
from contextlib import suppress
from typing import Final

from bgpnet.drivers.unixsocket import Doorkeeper

_MOST: Final = 1 << 20
"""Bytes that may wait for a client; one that is further behind has to connect anew."""

_CLIENTS: Final = 8


class Door:
    """Clients, registered with a poll object."""

    def __init__(self, listener: socket.socket, poll: select.epoll) -> None:
        self._listener = listener
        self._keeper = Doorkeeper(listener)
        self._poll = poll
        self._clients: dict[int, tuple[socket.socket, bytearray]] = {}
        listener.settimeout(0)
        poll.register(listener.fileno(), select.EPOLLIN)

    @property
    def attended(self) -> bool:
        """Whether anybody listens."""
        return bool(self._clients)

    def ready(self, descriptor: int, events: int, line: bytes) -> bool:
        """One of its descriptors is ready; true when the file shall be read. A new client is sent `line`."""
        if descriptor == self._listener.fileno():
            self._accept(line)
            return False
        client = self._clients.get(descriptor)
        if client is None:
            return False
        if events & select.EPOLLOUT:
            self._flush(descriptor)
        if not events & ~select.EPOLLOUT:
            return False
        try:
            piece = client[0].recv(4096)
        except BlockingIOError:
            return False
        except OSError:
            piece = b""
        if not piece:
            self._drop(descriptor)
        return b"\n" in piece

    def tell(self, line: bytes) -> None:
        """Send it to everybody."""
        for descriptor, (_, waiting) in list(self._clients.items()):
            waiting.extend(line)
            if len(waiting) > _MOST:
                self._drop(descriptor)
            else:
                self._flush(descriptor)

    def _accept(self, line: bytes) -> None:
        client = self._keeper.let_in()
        if client is None:
            return
        if len(self._clients) >= _CLIENTS:
            client.close()
            return
        client.settimeout(0)
        self._clients[client.fileno()] = (client, bytearray(line))
        self._poll.register(client.fileno(), select.EPOLLIN)
        self._flush(client.fileno())

    def _flush(self, descriptor: int) -> None:
        client, waiting = self._clients[descriptor]
        try:
            if waiting:
                del waiting[: client.send(waiting)]
        except BlockingIOError:
            pass
        except OSError:
            self._drop(descriptor)
            return
        self._poll.modify(descriptor, select.EPOLLIN | (select.EPOLLOUT if waiting else 0))

    def _drop(self, descriptor: int) -> None:
        client, _ = self._clients.pop(descriptor)
        with suppress(OSError):
            self._poll.unregister(descriptor)
        client.close()
