"""How a new configuration comes into force in a running ExaBGP, and when to give up: pure.

ExaBGP drops a reload without a word while a peer has unsent changes, and after one failed reload it fails
every later one. So it is asked what it runs with; while that is something else it is told again to reload;
when that lasts too long it is restarted, which its peers bridge (RFC 4724).
"""

import re
from collections.abc import Sequence
from enum import Enum
from typing import Final

from bgpnet.render.generation import generation_of
from bgpnet.speaker.watchdog import START

AGAIN: Final = 0.5
"""Seconds between two signals to reload."""

ASK_AGAIN: Final = 0.1
"""Seconds between two questions."""

RELOAD_LIMIT: Final = 12.0
"""Seconds of reloading after which ExaBGP is restarted: a stalled peer is gone after its hold time (9 s)."""

RESTART_LIMIT: Final = START
"""Seconds after that restart in which the configuration must be in force: as long as a start may take."""

_DESCRIPTION: Final = re.compile(r'\s*description "bgpnet-([0-9a-f]{16})";')
_NEIGHBOR: Final = re.compile(r"neighbor \S+ \{")


class Step(Enum):
    """What to do next."""

    WAIT = "wait"
    ASK = "ask"
    RELOAD = "reload"
    RESTART = "restart"
    ACCEPTED = "accepted"
    FAILED = "failed"


class Confirmation:
    """One configuration, a text of `render.exabgp`, on its way into force. Times are monotonic seconds."""

    def __init__(self, text: str, now: float) -> None:
        self._generations = [generation_of(text)] * _neighbors(text.splitlines())
        self._since = now
        self._asked: float | None = None
        self._signalled = float("-inf")
        self._stale = False
        self._restarted = False
        self._accepted = False

    def asked(self, now: float) -> None:
        """`show neighbor configuration` is on its way, or could not be put."""
        self._asked = now

    def answered(self, lines: Sequence[str]) -> None:
        """The answer to it: every neighbour, each with the generation of the text it came from."""
        found = [match.group(1) for line in lines if (match := _DESCRIPTION.match(line))]
        self._accepted = found == self._generations and len(found) == _neighbors(lines)
        self._stale = not self._accepted

    def step(self, now: float) -> Step:
        """What to do now; RELOAD, RESTART are asked for once per occasion."""
        if self._accepted:
            return Step.ACCEPTED
        if now - self._since > (RESTART_LIMIT if self._restarted else RELOAD_LIMIT):
            if self._restarted:
                return Step.FAILED
            self._restarted, self._stale, self._since = True, False, now
            return Step.RESTART
        if self._stale and now - self._signalled >= AGAIN and not self._restarted:
            # Only ever after an answer: ExaBGP dies of this signal until its handlers are in place.
            self._signalled, self._stale, self._asked = now, False, now
            return Step.RELOAD
        if self._asked is None or now - self._asked >= ASK_AGAIN:
            return Step.ASK
        return Step.WAIT

    def due(self, now: float) -> float:
        """When to take the next step at the latest."""
        return now + ASK_AGAIN


def _neighbors(lines: Sequence[str]) -> int:
    return sum(1 for line in lines if _NEIGHBOR.match(line))
