"""The End-of-RIB of each family towards one peer (RFC 4724 §2): told until it is seen being written."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from bgpnet.drivers.exabgp.flights import REPEAT
from bgpnet.model.net import Family

HELD: Final = 5.0
"""Seconds, towards a peer that has just restarted and goes on forwarding as before until it is told.

It ought to wait for the mark of each of its own peers (RFC 4724 §4.1). FRR 8.4 waits for those whose sessions
are up already, and then deletes from its kernel what the rest had yet to say.
"""


@dataclass(slots=True)
class _Mark:
    again: float
    patience: float = REPEAT
    written: bool = False


class EndOfRibs:
    """The marks of one session. Pure; times are monotonic seconds."""

    def __init__(self) -> None:
        self._marks: dict[Family, _Mark] = {}
        self._held_until = 0.0

    def hold(self, now: float) -> None:
        """None is to be told for `HELD` seconds."""
        self._held_until = now + HELD

    def next(self, families: Collection[Family], now: float) -> Family | None:
        """The family whose mark is to be told now; it counts as told."""
        if now < self._held_until:
            return None
        for family in sorted(families):
            mark = self._marks.get(family)
            if mark is None or (not mark.written and now >= mark.again):
                patience = mark.patience * 2 if mark else REPEAT
                self._marks[family] = _Mark(now + patience, patience)
                return family
        return None

    def wrote(self, family: Family) -> None:
        """It is being handed to TCP."""
        if family in self._marks:
            self._marks[family].written = True

    def written(self, families: Collection[Family]) -> bool:
        """Whether all of these were written."""
        return all(family in self._marks and self._marks[family].written for family in families)

    def dropped(self) -> None:
        """What ExaBGP had queued of them it has dropped."""
        self._marks = {family: mark for family, mark in self._marks.items() if mark.written}

    def clear(self) -> None:
        """The session is gone."""
        self._marks.clear()
        self._held_until = 0.0

    def due(self, now: float) -> float:
        """When one is to be told that was held, or is told again."""
        if now < self._held_until:
            return self._held_until
        return min((mark.again for mark in self._marks.values() if not mark.written), default=float("inf"))
