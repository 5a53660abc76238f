"""The sockets that hear: one a link and IP version, opened again when the link is another one."""

import logging
import select
import socket
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from bgpnet.bfd import sockets

LOOK: Final = 0.5
"""Seconds between two looks whether the links are still those that the sockets hear."""

Place = tuple[str, int]
"""A link, and an IP version."""

_log = logging.getLogger(__name__)


class Ears:
    """Listening sockets by place, registered with a poll object."""

    def __init__(self, poll: select.epoll) -> None:
        self.due = 0.0
        self._poll = poll
        self._open: dict[Place, tuple[int, socket.socket]] = {}
        self._by_descriptor: dict[int, Place] = {}
        self._errors: dict[Place, str] = {}

    def want(self, places: Iterable[Place]) -> None:
        """Hear these and no others."""
        wanted = set(places)
        for place in self._open.keys() - wanted:
            self._close(place)
        self._errors = {place: error for place, error in self._errors.items() if place in wanted}
        for place in sorted(wanted - self._open.keys()):
            self._listen(place)

    def look(self, places: Iterable[Place], now: float) -> None:
        """Open anew what hears a link that is gone; try again what could not be opened."""
        self.due = now + LOOK
        for place, (index, _) in list(self._open.items()):
            if _index(place[0]) != index:
                self._close(place)
        self.want(places)

    def place(self, descriptor: int) -> Place | None:
        """Which socket a descriptor is."""
        return self._by_descriptor.get(descriptor)

    def heard(self, place: Place) -> sockets.Datagram | None:
        """The next datagram there."""
        found = self._open.get(place)
        return sockets.received(found[1]) if found else None

    def error(self, place: Place) -> str:
        """Why nothing can be heard there; empty when it can."""
        return self._errors.get(place, "")

    def close(self) -> None:
        """Hear nothing."""
        for place in list(self._open):
            self._close(place)

    def _listen(self, place: Place) -> None:
        link, version = place
        try:
            sock = sockets.listening(link, version)
        except OSError as found:
            error = f"cannot listen on UDP port {sockets.PORT} of {link}: {found.strerror or found}"
            if error != self._errors.get(place):
                _log.warning("bfd cannot listen link=%s error=%r", link, error)
            self._errors[place] = error
            return
        self._errors.pop(place, None)
        self._open[place] = (_index(link), sock)
        self._by_descriptor[sock.fileno()] = place
        self._poll.register(sock.fileno(), select.EPOLLIN)

    def _close(self, place: Place) -> None:
        _, sock = self._open.pop(place)
        self._by_descriptor.pop(sock.fileno())
        with suppress(OSError):
            self._poll.unregister(sock.fileno())
        sock.close()


def _index(link: str) -> int:
    try:
        return socket.if_nametoindex(link)
    except OSError:
        return 0
