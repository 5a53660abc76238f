"""One peer's Adj-RIB-In: what it announced, and how much of that is still to be believed.

A path is *stale* when its withdrawal may have been missed: after lost events, and while ExaBGP restarts.
Stale paths stay in use until the peer's whole table was read again. Then those that were not repeated go:

* after a session came up, at the peer's End-of-RIB (RFC 4724 §2);
* after we asked an Established peer for its table (RFC 2918), at the end mark of its answer (RFC 7313);
* where no mark comes, when the peer was quiet for a while.

When ExaBGP itself is gone they stay, at most for the restart time. A session that goes down while ExaBGP
lives loses its paths at once, unless the peer restarts gracefully: TCP ended without a NOTIFICATION, and the
peer had said that it can forward meanwhile. Then they stay, marked, for the peer's restart time and, if it
says in its new OPEN that it did forward, until it has told its table again (RFC 4724 §4.2).

A peer that announces more prefixes of a family than its limit has none: nothing more is kept of it in this
session, however much it sends.

Pure: told what happens, asked for the next command. Times are monotonic seconds.
"""

from collections.abc import Iterable
from dataclasses import replace

from bgpnet.drivers.exabgp.commands import Refresh
from bgpnet.drivers.exabgp.reading import MARK_LATE, QUIET, Reading
from bgpnet.model.bgp import LearnedPath
from bgpnet.model.net import Address, Family, Prefix, family_of


class AdjRibIn:
    """Everything that one peer announced."""

    def __init__(self, peer: Address) -> None:
        self.peer = peer
        self._paths: dict[Prefix, LearnedPath] = {}
        self._shown: tuple[LearnedPath, ...] | None = ()
        self._stale: set[Prefix] = set()
        self._stale_until = float("inf")
        self._readings: dict[Family, Reading] = {}
        self._awaited = False
        self._known = False
        self._limit: int | None = None
        self._counts = dict.fromkeys(Family, 0)
        self._exceeded: Family | None = None
        self._restarting = False
        self._restarted = False

    # --- what happens -----------------------------------------------------------------------------------

    def allow(self, limit: int | None) -> None:
        """Prefixes of one family that the peer may announce from now on; None: any number."""
        self._limit = limit
        if self._exceeded is None:
            self._exceeds()

    def speaker_lost(self, until: float) -> None:
        """ExaBGP cannot be reached: its sessions may be gone, or just our view of them."""
        self._awaited = True
        self._stale = set(self._paths)
        self._stale_until = min(until, self._stale_until)
        self._readings.clear()

    def session_up(
        self,
        families: frozenset[Family],
        now: float,
        *,
        marks: bool,
        preserved: frozenset[Family] = frozenset(),
    ) -> None:
        """The session came up.

        Args:
            families: what it carries.
            now: the time.
            marks: the peer will send End-of-RIB (it has graceful restart).
            preserved: families that the peer, if it restarted, went on forwarding.
        """
        self._awaited, self._exceeded = False, None
        if self._restarting:
            self._restarting, self._stale_until = False, float("inf")
            self._forget_other_than(preserved)
        self._readings = {family: Reading(refresh=False) for family in families}
        for reading in self._readings.values():
            reading.begin(MARK_LATE if marks else QUIET, now)
        self._forget_other_than(families)

    def session_found_up(self, families: frozenset[Family]) -> None:
        """The session is up, and what it told before was missed, or some of it."""
        self._awaited, self._exceeded = False, None
        self._restarting = self._restarted = False
        self._shown = None
        self._stale, self._stale_until = set(self._paths), float("inf")
        self._readings = {family: Reading(refresh=True) for family in families}
        self._forget_other_than(families)

    def carries(self, families: frozenset[Family]) -> None:
        """The session turns out to carry these families alone: of others there is nothing to be read."""
        for family in self._readings.keys() - families:
            self._sweep(family)

    def session_found_down(self, until: float | None) -> None:
        """The session is not up. It may yet come until then, ExaBGP being young; None: it is just down."""
        if until is None:
            self._awaited = False
            self.session_down()
        else:
            self._awaited = True
            self._stale_until = min(until, self._stale_until)

    def session_down(self) -> None:
        """The session ended. Paths that ExaBGP's own absence left stale may wait on."""
        self._restarting = False
        if not self._awaited:
            self._exceeded = None
            self._forget_all()

    def session_restarts(self, families: frozenset[Family], until: float) -> None:
        """The session ended; the peer goes on forwarding these families while it comes back, until then."""
        self._readings.clear()
        self._exceeded = None
        self._forget_other_than(families)
        self._restarting = self._restarted = True
        self._shown = None
        self._stale, self._stale_until = set(self._paths), until

    def attempt_failed(self) -> None:
        """The session did not come up."""
        if not self._restarting:
            self.session_down()

    def learned(self, paths: Iterable[LearnedPath], withdrawn: Iterable[Prefix], now: float) -> None:
        """An UPDATE came."""
        if self._exceeded is not None:
            return
        self._shown = None
        self._remove(prefix for prefix in withdrawn if prefix in self._paths)
        for path in paths:
            if path.prefix not in self._paths:
                self._counts[family_of(path.prefix)] += 1
                if self._exceeds():
                    return
            self._paths[path.prefix] = path
            self._stale.discard(path.prefix)
        for reading in self._readings.values():
            reading.heard = max(reading.heard, now)

    def end_of_rib(self, family: Family) -> None:
        """The peer told everything after the session came up."""
        if family in self._readings and not self._readings[family].refresh:
            self._sweep(family)

    def refresh_mark(self, family: Family, now: float, *, end: bool) -> None:
        """The answer to a refresh begins or ends."""
        reading = self._readings.get(family)
        if reading is None or not reading.refresh:
            return
        if end:
            self._sweep(family)
        else:
            reading.begin(MARK_LATE, now)

    def answered(self, command: Refresh, now: float, *, done: bool) -> None:
        """ExaBGP has queued the request, or refused it because the session is gone: that will show."""
        reading = self._readings.get(command.family)
        if reading is not None and reading.refresh and done:
            reading.begin(reading.quiet_limit or QUIET, now)

    def reloaded(self) -> None:
        """ExaBGP's configuration was reloaded, which drops requests it had queued: ask again."""
        for reading in self._readings.values():
            if reading.refresh:
                reading.asked, reading.quiet_limit = False, None

    # --- what is asked ----------------------------------------------------------------------------------

    def next(self) -> Refresh | None:
        """The next command."""
        for family, reading in self._readings.items():
            if reading.refresh and not reading.asked:
                reading.asked = True
                return Refresh(self.peer, family)
        return None

    def tick(self, now: float) -> None:
        """Time has passed."""
        if now >= self._stale_until:
            self._awaited = self._restarting = False
            self._stale_until = float("inf")
            self._remove(set(self._stale))
        for family, reading in list(self._readings.items()):
            if now >= reading.end:
                self._sweep(family)

    def due(self) -> float:
        """When `tick` has something to do."""
        return min([self._stale_until, *(reading.end for reading in self._readings.values())])

    @property
    def complete(self) -> bool:
        """Whether every path that was learned from the peer, also by a former agent, is known or gone.

        Once that is so, a session that comes and goes does not change it: what came of its paths was known.
        """
        return not self._awaited and (self._known or not self._readings)

    @property
    def exceeded(self) -> Family | None:
        """The family of which the peer announced too much in this session."""
        return self._exceeded

    @property
    def counts(self) -> tuple[tuple[Family, int], ...]:
        """How many prefixes of each family it announces."""
        return tuple((family, count) for family, count in self._counts.items() if count)

    @property
    def paths(self) -> tuple[LearnedPath, ...]:
        """What the peer announces, as far as known, in no order; the same object while it is the same.

        Marked is what is kept over its restart.
        """
        if self._shown is None:
            marked = self._stale if self._restarted else frozenset[Prefix]()
            self._shown = tuple(
                replace(path, stale=True) if prefix in marked else path
                for prefix, path in self._paths.items()
            )
        return self._shown

    # --- inside -----------------------------------------------------------------------------------------

    def _exceeds(self) -> bool:
        """Whether the peer has announced too much; nothing is kept of it then."""
        over = (
            each for each, count in self._counts.items() if self._limit is not None and count > self._limit
        )
        self._exceeded = next(over, None)
        if self._exceeded is not None:
            self._forget_all()
        return self._exceeded is not None

    def _forget_other_than(self, families: frozenset[Family]) -> None:
        """The session carries these families; paths of others are gone."""
        self._remove({prefix for prefix in self._paths if family_of(prefix) not in families})

    def _sweep(self, family: Family) -> None:
        """The table was read whole: what was not repeated is gone."""
        del self._readings[family]
        self._remove({prefix for prefix in self._stale if family_of(prefix) is family})
        if not self._readings:
            self._stale_until, self._known, self._restarted = float("inf"), True, False
            self._shown = None

    def _forget_all(self) -> None:
        """The peer has nothing."""
        self._paths.clear()
        self._shown = ()
        self._stale.clear()
        self._readings.clear()
        self._counts = dict.fromkeys(Family, 0)
        self._stale_until, self._known, self._restarted = float("inf"), True, False

    def _remove(self, prefixes: Iterable[Prefix]) -> None:
        self._shown = None
        for prefix in tuple(prefixes):
            del self._paths[prefix]
            self._stale.discard(prefix)
            self._counts[family_of(prefix)] -= 1
