"""When a speaker that does not answer is ended: pure, with the time as an argument.

The times are chosen so that a frozen ExaBGP is replaced before its peers give up on it. With the default hold
time of 9 s it sent its last keepalive at most 3 s before it froze, so 6 s remain. A peer whose hold timer
expires removes our routes at once; a peer that sees TCP end keeps them (RFC 4724 §4.2).
"""

from enum import Enum
from typing import Final

INTERVAL: Final = 1.0
"""Seconds between two questions."""

PATIENCE: Final = 4.0
"""Seconds without an answer after which ExaBGP is ended."""

START: Final = 30.0
"""The same until the first answer of a life: where processors are short a start alone takes longer than that,
and who is ended then never comes up. Peers wait for the restart time meanwhile (RFC 4724; 120 s)."""

GRACE: Final = 1.0
"""Seconds from SIGTERM to SIGKILL: a frozen ExaBGP ignores the first."""


class Verdict(Enum):
    """What the watchdog asks for."""

    WAIT = "wait"
    ASK = "ask"
    TERMINATE = "terminate"
    KILL = "kill"


class Watchdog:
    """Judges one life of ExaBGP after the other by whether the relay brings answers from it."""

    def __init__(self) -> None:
        self._heard = 0.0
        self._asked = 0.0
        self._patience = START
        self._terminated: float | None = None

    def born(self, now: float) -> None:
        """ExaBGP was started: a new life with full patience."""
        self._heard, self._asked, self._terminated = now, now, None
        self._patience = START

    def asked(self, now: float) -> None:
        """A question is on its way, or could not be put; either way the next one has time."""
        self._asked = now

    def answered(self, now: float) -> None:
        """It lives."""
        self._heard = now
        self._patience = PATIENCE

    def late(self, now: float) -> None:
        """The judge himself was late: nobody was listening."""
        self._heard = now

    def judge(self, now: float) -> Verdict:
        """What to do now."""
        if self._terminated is not None:
            if now - self._terminated < GRACE:
                return Verdict.WAIT
            self._terminated = now
            return Verdict.KILL
        if now - self._heard >= self._patience:
            self._terminated = now
            return Verdict.TERMINATE
        return Verdict.ASK if now - self._asked >= INTERVAL else Verdict.WAIT

    def due(self) -> float:
        """The next moment at which `judge` says something else than WAIT."""
        if self._terminated is not None:
            return self._terminated + GRACE
        return min(self._asked + INTERVAL, self._heard + self._patience)
