"""When to send a router advertisement on a link, and what is in it: pure, time and chance are arguments."""

import struct
from collections.abc import Callable
from typing import Final

SOLICITATION: Final = 133
ADVERTISEMENT: Final = 134
"""ICMPv6 types; RFC 4861 §4.1 and §4.2."""

HOP_LIMIT: Final = 255
"""Of every such packet: one that was forwarded has less (§6.1)."""

LONGEST: Final = 10.0
SHORTEST: Final = 7.5
"""Seconds between two: MaxRtrAdvInterval, and three quarters of it (§6.2.1)."""

FIRST: Final = 3
"""Advertisements at the shortest distance, at the beginning (§10, MAX_INITIAL_RTR_ADVERTISEMENTS)."""

LEAST: Final = 3.0
"""Seconds between two at least (§10, MIN_DELAY_BETWEEN_RAS)."""

ANSWER: Final = 0.5
"""Seconds at most until an answer (§10, MAX_RA_DELAY_TIME)."""

AGAIN: Final = 1.0
"""Seconds after which a failed attempt is repeated: the link is down, or has no address yet."""

_HEAD: Final = struct.Struct("!BBHBBHII")
"""§4.2: type, code, checksum (the kernel's), hop limit, flags, router lifetime, reachable time, timer."""

_SOURCE: Final = struct.Struct("!BB6s")
"""§4.6.1: the sender's own address on the link, so that nobody has to ask for it."""


def packet(mac: bytes) -> bytes:
    """An advertisement with router lifetime 0: here is a router, and nobody's default router (§4.2)."""
    source = _SOURCE.pack(1, 1, mac) if len(mac) == 6 else b""  # noqa: PLR2004 - Ethernet
    return _HEAD.pack(ADVERTISEMENT, 0, 0, 0, 0, 0, 0, 0) + source


class Schedule:
    """The advertisements of one link. Times are monotonic seconds; `chance` gives 0 to 1."""

    def __init__(self, now: float, chance: Callable[[], float]) -> None:
        self.due = now
        self._chance = chance
        self._first = FIRST
        self._sent = float("-inf")

    def sent(self, now: float) -> None:
        """One went out."""
        self._sent = now
        self._first = max(0, self._first - 1)
        self.due = now + (LEAST if self._first else SHORTEST + (LONGEST - SHORTEST) * self._chance())

    def failed(self, now: float) -> None:
        """None could be sent: when the link comes up, begin anew."""
        self._first, self.due = FIRST, now + AGAIN

    def heard(self, now: float) -> None:
        """A router asks, or tells of itself: it may have just started and wants to know whom it has here."""
        self.due = min(self.due, max(now + ANSWER * self._chance(), self._sent + LEAST))
