"""Changes on their way to one peer: told to ExaBGP, and not yet written to the peer.

A prefix in flight gets no other change: what ExaBGP has queued together for one prefix it loses or reverses.
Pure; times are monotonic seconds.
"""

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from bgpnet.drivers.exabgp.commands import Path
from bgpnet.model.net import Address, Family, Prefix, family_of

_log = logging.getLogger(__name__)

REPEAT: Final = 1.0
"""Seconds until what was queued but not written is told again: ExaBGP leaves withdrawals out of the first
UPDATEs of a session, and a reload drops End-of-RIB. Doubles each time: a stalled peer is the other cause."""

ASSUME: Final = 60.0
"""Seconds above the hold time after which an announcement counts as written though nobody saw it, so that it
holds up End-of-RIB no longer. A peer stalled so long is lost, unless its keepalives come from elsewhere."""


@dataclass(slots=True)
class _Flight:
    """A change of one prefix. `path` None: its withdrawal."""

    path: Path | None
    again: float
    patience: float = REPEAT
    answered: bool = False
    written: bool = False


class Flights:
    """All changes on their way to a peer, by prefix."""

    def __init__(self, peer: Address) -> None:
        self._peer = peer
        self._flights: dict[Prefix, _Flight] = {}

    def __contains__(self, prefix: Prefix) -> bool:
        return prefix in self._flights

    def __bool__(self) -> bool:
        return bool(self._flights)

    def announce(self, prefixes: Iterable[Prefix], path: Path, now: float, hold_time: int) -> None:
        """ExaBGP is told to announce these."""
        for prefix in prefixes:
            self._flights[prefix] = _Flight(path, now + hold_time + ASSUME)

    def withdraw(self, prefixes: Iterable[Prefix], now: float) -> None:
        """ExaBGP is told to withdraw these; again, if it was told before."""
        for prefix in prefixes:
            before = self._flights.get(prefix)
            patience = REPEAT if before is None else before.patience * 2
            self._flights[prefix] = _Flight(None, now + patience, patience)

    def replay(
        self, held: Mapping[Prefix, Path], families: Collection[Family], now: float, hold_time: int
    ) -> None:
        """A session came up, and ExaBGP writes what it holds once more."""
        for prefix, path in held.items():
            if family_of(prefix) in families:
                self._flights.setdefault(prefix, _Flight(path, now + hold_time + ASSUME, answered=True))

    def answered(self, prefix: Prefix, *, queued: bool) -> Path | None:
        """ExaBGP has queued the change of a prefix in flight, or refused it: which change it was."""
        flight = self._flights[prefix]
        flight.answered = True
        if flight.written or not queued:
            del self._flights[prefix]
        return flight.path

    def landed(self, prefix: Prefix, path: Path | None) -> bool:
        """An UPDATE for a prefix is being handed to TCP; whether a change of it was on its way."""
        flight = self._flights.get(prefix)
        if flight is None:
            return False
        flight.written |= flight.path == path
        if flight.written and flight.answered:
            del self._flights[prefix]
        return True

    def unanswered_only(self) -> None:
        """The session is gone: what was queued will not be written; an answer may still come."""
        self._flights = {prefix: flight for prefix, flight in self._flights.items() if not flight.answered}

    def clear(self) -> None:
        """What became of them is not known."""
        self._flights.clear()

    def free(self, prefix: Prefix, now: float) -> bool:
        """Whether a change of the prefix may be told: none is on its way, or a withdrawal takes too long."""
        flight = self._flights.get(prefix)
        return flight is None or (flight.path is None and flight.answered and now >= flight.again)

    def withdrawals(self) -> Iterator[Prefix]:
        """Prefixes whose withdrawal was not written yet."""
        return (prefix for prefix, flight in self._flights.items() if flight.path is None)

    def assumed(self, now: float) -> dict[Prefix, Path]:
        """Announcements that nobody saw written for long enough: they count as written, and land."""
        overdue = {
            prefix: flight.path
            for prefix, flight in self._flights.items()
            if flight.answered and flight.path is not None and now >= flight.again
        }
        for prefix in overdue:
            _log.warning("nobody saw an announcement being written peer=%s prefix=%s", self._peer, prefix)
            del self._flights[prefix]
        return overdue

    def due(self) -> float:
        """When something of it may be told again, or be assumed."""
        return min((each.again for each in self._flights.values() if each.answered), default=float("inf"))
