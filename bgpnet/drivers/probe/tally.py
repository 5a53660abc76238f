"""What became of the probes to each target. Pure: told what was sent and what came."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from bgpnet.model.net import Address
from bgpnet.model.probe import ProbeResult, ProbeTarget

Pair = tuple[Address, ProbeTarget]
"""From where, to whom."""


@dataclass(frozen=True, slots=True)
class _Sent:
    pair: Pair
    nonce: bytes
    at: float


class Tally:
    """Results by source and target. Only the last probe to a target can be answered."""

    def __init__(self) -> None:
        self._results: dict[Pair, ProbeResult] = {}
        self._open: dict[int, _Sent] = {}

    def only(self, pairs: Iterable[Pair]) -> None:
        """Keep these pairs; what became of those that stay is remembered."""
        self._results = {
            pair: self._results.get(pair) or ProbeResult(*pair, answered_at=0, round_trip=0, missed=0)
            for pair in pairs
        }
        self._open = {number: sent for number, sent in self._open.items() if sent.pair in self._results}

    def sent(self, pair: Pair, sequence: int, nonce: bytes, now: float) -> None:
        """A probe is on its way. `now` is in monotonic seconds."""
        self._open = {number: sent for number, sent in self._open.items() if sent.pair != pair}
        self._open[sequence] = _Sent(pair, nonce, now)
        self._results[pair] = replace(self._results[pair], obstacle="")

    def failed(self, pair: Pair, obstacle: str) -> None:
        """A probe could not be sent."""
        self._open = {number: sent for number, sent in self._open.items() if sent.pair != pair}
        self._results[pair] = replace(
            self._results[pair], obstacle=obstacle, missed=self._results[pair].missed + 1
        )

    def heard(self, sender: Address, sequence: int, nonce: bytes, now: float, wall: float) -> bool:
        """A reply came; whether it is one to the last probe to its sender."""
        sent = self._open.get(sequence)
        if sent is None or sent.nonce != nonce or sent.pair[1].address != sender:
            return False
        del self._open[sequence]
        self._results[sent.pair] = replace(
            self._results[sent.pair], answered_at=wall, round_trip=now - sent.at, missed=0
        )
        return True

    def judge(self, source: Address) -> None:
        """The time for answers to the probes from this source is over: those without one are missed.

        A late answer still counts, until the next probe is sent.
        """
        for sent in self._open.values():
            if sent.pair[0] == source:
                found = self._results[sent.pair]
                self._results[sent.pair] = replace(found, missed=found.missed + 1)

    def waiting(self, source: Address) -> bool:
        """Whether an answer to a probe from this source may still come."""
        return any(sent.pair[0] == source for sent in self._open.values())

    def answered(self, source: Address) -> bool:
        """Whether one of the targets answered the last probe from this source."""
        return any(
            each.answered_at > 0 and each.missed == 0
            for each in self._results.values()
            if each.source == source
        )

    @property
    def results(self) -> tuple[ProbeResult, ...]:
        """Of all targets."""
        return tuple(self._results.values())
