"""One peer's Adj-RIB-Out: what it ought to have, what ExaBGP holds for it, what was written to it.

ExaBGP loses or reverses changes of one prefix that are queued together, and its `done` only means queued, so
behind a stalled peer a second change overtakes the first. The rules that make it right:

* A prefix whose change was not yet *written* gets no other change. ExaBGP reports each UPDATE as it hands it
  to TCP; what is queued after that comes after it on the wire.
* A peer that is not up gets nothing: ExaBGP would announce what was withdrawn meanwhile.
* After each up ExaBGP replays what it holds. Those prefixes wait for their UPDATE too.
* End-of-RIB goes out once everything wanted was written and everything else withdrawn, and never before it is
  known what is wanted: a peer that kept our routes over a restart removes the rest at that mark (RFC 4724).

Pure: told what happens, asked for the next command. Times are monotonic seconds.
"""

import logging
from collections.abc import Iterable, Mapping
from itertools import chain, islice
from typing import Final

from bgpnet.drivers.exabgp.commands import BATCH, Announce, Path, SendEndOfRib, Withdraw
from bgpnet.drivers.exabgp.endofribs import EndOfRibs
from bgpnet.drivers.exabgp.flights import Flights
from bgpnet.model.net import Address, Family, Prefix, family_of, prefix_order

_log = logging.getLogger(__name__)

AFTER_REFUSAL: Final = 5.0
"""Seconds until a command that ExaBGP refused is tried again."""


class AdjRibOut:
    """Everything that is announced to one peer."""

    def __init__(self, peer: Address) -> None:
        self.peer = peer
        self._families: frozenset[Family] = frozenset()
        self._hold_time = 0
        self._up = False
        self._extended = False
        self._wanted: Mapping[Prefix, Path] | None = None
        self._held: dict[Prefix, Path] | None = None
        self._differing: dict[Prefix, None] | None = None
        """Prefixes of which ExaBGP holds something else than it ought to; None: to be found again."""
        self._flights = Flights(peer)
        self._written: dict[Prefix, Path] = {}
        self._contradicted: set[Prefix] = set()
        self._refused: dict[Prefix, float] = {}
        self._marks = EndOfRibs()
        self._look = 0.0

    # --- what happens -----------------------------------------------------------------------------------

    def want(self, routes: Mapping[Prefix, Path] | None) -> None:
        """What the peer ought to have; None: not known, nothing is sent."""
        self._wanted, self._look, self._differing = routes, 0.0, None

    def speaker_lost(self) -> None:
        """ExaBGP cannot be reached: what it holds, and what became of the last command, is not known."""
        self.session_down()
        self._held = self._differing = None
        self._flights.clear()

    def audited(self, table: Mapping[Prefix, Path]) -> None:
        """What ExaBGP holds, by its own word, while no command was outstanding.

        It counts as written: it was queued before anything that is sent from now on.
        """
        self._held, self._look, self._differing = dict(table), 0.0, None
        self._flights.clear()
        self._written = dict(table) if self._up else {}

    def session_up(
        self,
        families: frozenset[Family],
        hold_time: int,
        now: float,
        *,
        replayed: bool,
        extended: bool,
    ) -> None:
        """The session is Established in these families.

        Args:
            families: agreed.
            hold_time: agreed, seconds.
            now: the moment.
            replayed: it came up this very moment, so ExaBGP replays what it holds; else it was found so.
            extended: whether the peer takes a next hop of the other family (RFC 8950); one that does not
                would end the session over it.
        """
        self._up, self._look, self._extended = True, 0.0, extended
        self._families, self._hold_time = families, hold_time
        if replayed:
            self._flights.replay(self._held or {}, families, now, hold_time)

    def hold_end_of_rib(self, now: float) -> None:
        """The peer has just restarted."""
        self._marks.hold(now)

    def session_down(self) -> None:
        """The session is gone. What was queued for it will not be written; an answer may still come."""
        self._up = False
        self._flights.unanswered_only()
        self._written.clear()
        self._contradicted.clear()
        self._marks.clear()

    def wrote(self, routes: Iterable[tuple[Prefix, Path]], withdrawn: Iterable[Prefix]) -> None:
        """An UPDATE is being handed to TCP."""
        for prefix, path in routes:
            self._written[prefix] = path
            self._landed(prefix, path)
        for prefix in withdrawn:
            self._written.pop(prefix, None)
            self._landed(prefix, None)

    def wrote_end_of_rib(self, family: Family) -> None:
        """End-of-RIB is being handed to TCP."""
        self._marks.wrote(family)

    def reloaded(self) -> None:
        """ExaBGP's configuration was reloaded, which drops End-of-RIBs it had queued."""
        self._look = 0.0
        self._marks.dropped()

    def answered(self, command: Announce | Withdraw | SendEndOfRib, now: float, *, done: bool) -> None:
        """ExaBGP has queued what the command says, or refused it."""
        self._look = 0.0
        if isinstance(command, SendEndOfRib):
            return  # refused or not: it is told again until it is written
        for prefix in command.prefixes:
            if prefix not in self._flights:
                continue
            path = self._flights.answered(prefix, queued=done and self._up)
            if done and self._held is not None:
                self._refused.pop(prefix, None)
                self._holds(prefix, path, self._held)
            elif not done:
                _log.warning("announcement refused by exabgp peer=%s prefix=%s", self.peer, prefix)
                self._refused[prefix] = now + AFTER_REFUSAL

    # --- what is asked ----------------------------------------------------------------------------------

    def next(self, now: float, *, marks: bool) -> Announce | Withdraw | SendEndOfRib | None:
        """The next command; None when there is none before `due`, or before something happens.

        `marks`: whether End-of-RIB may be sent now.
        """
        if not self._up or self._wanted is None or self._held is None or now < self._look:
            return None
        self._refused = {prefix: until for prefix, until in self._refused.items() if now < until}
        differing = self._differences(self._wanted, self._held)
        command = (
            self._announcement(self._wanted, differing, now)
            or self._withdrawal(self._wanted, differing, now)
            or (self._end_of_rib(now) if marks else None)
        )
        if command is None and (assumed := self._flights.assumed(now)):
            self._written |= assumed
            return self.next(now, marks=marks)
        if command is None:
            self._look = min(self._flights.due(), self._marks.due(now), *self._refused.values())
        return command

    def due(self) -> float:
        """When `next` may have something though nothing happened."""
        return (
            self._look if self._up and self._wanted is not None and self._held is not None else float("inf")
        )

    @property
    def busy(self) -> bool:
        """Whether changes are on their way to the peer."""
        return self._up and bool(self._flights)

    @property
    def audit_done(self) -> bool:
        """Whether it is known what ExaBGP holds."""
        return self._held is not None

    @property
    def announced(self) -> tuple[Prefix, ...]:
        """The prefixes that were written to the peer in this session, in order."""
        return tuple(sorted(self._written, key=prefix_order))

    @property
    def end_of_rib_sent(self) -> bool:
        """Whether End-of-RIB was written in this session for every family."""
        return bool(self._families) and self._marks.written(self._families)

    @property
    def drained(self) -> bool:
        """Whether the peer has nothing of ours, or nothing can be done about it now."""
        return not self._up or self._wanted is None or not (self._held or self._flights or self._written)

    # --- inside -----------------------------------------------------------------------------------------

    def _differences(self, wanted: Mapping[Prefix, Path], held: Mapping[Prefix, Path]) -> dict[Prefix, None]:
        """Found once and kept up: ten thousand prefixes are not gone through for each command."""
        if self._differing is None:
            surplus = (p for p in held if p not in wanted)
            self._differing = dict.fromkeys((*(p for p in wanted if held.get(p) != wanted[p]), *surplus))
        return self._differing

    def _holds(self, prefix: Prefix, path: Path | None, held: dict[Prefix, Path]) -> None:
        """ExaBGP holds this for a prefix from now on."""
        if path is None:
            held.pop(prefix, None)
        else:
            held[prefix] = path
        if self._differing is None or self._wanted is None:
            return
        if self._wanted.get(prefix) == path:
            self._differing.pop(prefix, None)
        else:
            self._differing[prefix] = None

    def _announcement(
        self, wanted: Mapping[Prefix, Path], differing: Iterable[Prefix], now: float
    ) -> Announce | None:
        ready = (p for p in differing if p in wanted and self._free(p, now) and self._takes(p, wanted[p]))
        first = next(ready, None)
        if first is None:
            return None
        alike = (p for p in ready if wanted[p] == wanted[first] and p.version == first.version)
        prefixes = (first, *islice(alike, BATCH - 1))
        self._flights.announce(prefixes, wanted[first], now, self._hold_time)
        return Announce(self.peer, wanted[first], prefixes)

    def _withdrawal(
        self, wanted: Mapping[Prefix, Path], differing: Iterable[Prefix], now: float
    ) -> Withdraw | None:
        """Only when nothing is left to announce: add and replace first, delete last."""
        surplus = (p for p in differing if p not in wanted)
        unwritten = chain(surplus, self._flights.withdrawals(), self._contradicted)
        ready = (p for p in unwritten if self._free(p, now))
        first = next(ready, None)
        if first is None:
            return None
        alike = (p for p in ready if p.version == first.version)
        prefixes = tuple(dict.fromkeys((first, *islice(alike, BATCH - 1))))
        self._flights.withdraw(prefixes, now)
        self._contradicted.difference_update(prefixes)
        return Withdraw(self.peer, first.network_address, prefixes)

    def _end_of_rib(self, now: float) -> SendEndOfRib | None:
        if self._flights or self._contradicted:
            return None
        family = self._marks.next(self._families, now)
        return None if family is None else SendEndOfRib(self.peer, family)

    def _landed(self, prefix: Prefix, path: Path | None) -> None:
        self._look = 0.0
        known = self._flights.landed(prefix, path)
        if not known and self._held is not None and self._held.get(prefix) != path:
            # Does not happen while the rules hold. If it does: withdraw, then announce what is wanted.
            _log.error("written out of order peer=%s prefix=%s", self.peer, prefix)
            self._contradicted.add(prefix)

    def _takes(self, prefix: Prefix, path: Path) -> bool:
        """Whether the peer understands the path's next hop."""
        return self._extended or family_of(path.next_hop) is family_of(prefix)

    def _free(self, prefix: Prefix, now: float) -> bool:
        """Whether a command for this prefix may be sent."""
        if family_of(prefix) not in self._families or prefix in self._refused:
            return False
        return self._flights.free(prefix, now)
