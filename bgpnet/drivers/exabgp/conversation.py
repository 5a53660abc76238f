"""One connection to the relay: bytes in, bytes out, one command outstanding. Touches no socket."""

import logging
from dataclasses import replace

from bgpnet.drivers.exabgp.commands import Command
from bgpnet.drivers.exabgp.core import Core
from bgpnet.drivers.exabgp.events import UnreadableEvent, event_of
from bgpnet.drivers.exabgp.relaylines import Answer, Event, Hello, Line, message_of

_log = logging.getLogger(__name__)


class Conversation:
    """Between the core and the relay, until the connection ends. `greeted` once the relay said who it is."""

    def __init__(self, core: Core) -> None:
        self.greeted = False
        self.unreadable = 0
        """Events that could not be read; the first one is in the log."""
        self._core = core
        self._rest = b""
        self._number = 0
        self._outstanding: Command | None = None
        self._answer: list[object] = []
        self._opening = b"agent\n"

    @property
    def answering(self) -> bool:
        """Whether the answer to a command is outstanding."""
        return self._outstanding is not None

    def received(self, piece: bytes, now: float, wall: float) -> None:
        """Bytes from the relay.

        Raises:
            ValueError: they make no sense; the connection has to be made anew.
        """
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            match message_of(line):
                case Hello() as hello:
                    self.greeted = True
                    self._core.connected(hello, now)
                case Event(message):
                    self._happened(message, now, wall)
                case Line(number, content) if number == self._number:
                    self._answer.append(content)
                case Answer(number, done) if number == self._number and self._outstanding is not None:
                    command, answer = self._outstanding, self._answer
                    self._outstanding, self._answer = None, []
                    if not done:
                        _log.warning("command refused by exabgp command=%r", str(command))
                    self._core.answered(command, answer, now, done=done)
                case stray:
                    raise ValueError(f"the relay answers what was not asked: {stray}")

    def to_send(self, now: float) -> bytes:
        """What is to be sent now: the role at first, then a command when none is outstanding."""
        opening, self._opening = self._opening, b""
        if opening or not self.greeted or self._outstanding is not None:
            return opening
        self._outstanding = self._core.next(now)
        if self._outstanding is None:
            return b""
        self._number += 1
        return f"{self._number} {self._outstanding}\n".encode()

    def _happened(self, message: object, now: float, wall: float) -> None:
        try:
            event = event_of(message)  # type: ignore[arg-type]
        except UnreadableEvent as error:
            self.unreadable += 1
            if self.unreadable == 1:
                _log.warning("events of exabgp cannot be read, the first is told error=%r", str(error))
            return
        if event is not None:
            # ExaBGP tells the time on the wall, which may be set at any moment: from here on it is ours.
            self._core.happened(replace(event, time=now - max(0.0, wall - event.time)), now)
