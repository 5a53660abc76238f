"""One peer: its session and its two tables, told what happens between it and ExaBGP."""

import logging

from bgpnet.drivers.exabgp.adjribin import AdjRibIn
from bgpnet.drivers.exabgp.adjribout import AdjRibOut
from bgpnet.drivers.exabgp.commands import Neighbor
from bgpnet.drivers.exabgp.events import Down, EndOfRib, RefreshMark, Up, Written
from bgpnet.drivers.exabgp.moment import Moment
from bgpnet.drivers.exabgp.session import Session
from bgpnet.model.bgp import ObservedSession, SessionState
from bgpnet.model.net import Address

_log = logging.getLogger(__name__)


class Peer:
    """A session with its tables. Times, also of events, are monotonic; `wall` is seconds since the epoch."""

    def __init__(self, address: Address, now: float) -> None:
        self.session = Session(address, now)
        self.out = AdjRibOut(address)
        self.into = AdjRibIn(address)
        self._followed = False
        """Whether its state was read, or seen to come up, on the present connection to the relay."""
        self._told = False
        """Whether its state was read on it."""
        self._changed = False
        """Whether the configuration was changed since the session last ended, which may end because of it."""
        self._life_up = ""
        """The last life of ExaBGP in which it was up."""
        self._since, self._failed_at = Moment(), Moment()

    @property
    def established(self) -> bool:
        """Whether its session is up."""
        return self.session.state is SessionState.ESTABLISHED

    def connected(self) -> None:
        """Events may have been lost: its state has to be read anew."""
        self._followed = self._told = False

    def lost(self, until: float, now: float) -> None:
        """ExaBGP cannot be reached, and may be dead; the peer's paths stay until then at most."""
        self.session.lost(now)
        self.out.speaker_lost()
        self.into.speaker_lost(until)

    def reloading(self) -> None:
        """The configuration is being changed."""
        self._changed = True

    def reloaded(self) -> None:
        """The configuration was changed, or was not."""
        if not self.established:
            self.out.speaker_lost()
        self.out.reloaded()
        self.into.reloaded()

    def up(self, event: Up, now: float, life: str) -> None:
        """The session came up, in this life of ExaBGP."""
        session = self.session
        session.up(event.time)
        self._followed, self._life_up = True, life
        self._carries(now, replayed=True)
        self.into.session_up(
            session.families, now, marks=session.graceful_restart, preserved=session.preserved
        )
        _log.info("session up peer=%s families=%s", session.peer, ",".join(sorted(session.families)))

    def down(self, event: Down, now: float, *, reloading: bool) -> bool:
        """A connection ended; whether it has to be asked what ExaBGP holds for the peer now."""
        was_up = self.established
        kept, seconds = self.session.kept_after(event)
        self.session.down(event)
        self.out.session_down()
        unsure = self._changed or reloading
        if unsure:
            # ExaBGP gives a session of another identity, AS or router id, an empty table. Its end is heard of
            # by another way than the end of the reload, and perhaps after it.
            self.out.speaker_lost()
        self._changed = reloading
        if not was_up:
            self.into.attempt_failed()
        elif kept:
            self.into.session_restarts(kept, now + seconds)
        else:
            self.into.session_down()
        if was_up:
            _log.warning("session down peer=%s cause=%r", event.peer, self.session.last_error(event.time))
        return unsure

    def ends(self, event: Down, until: float) -> None:
        """ExaBGP was told to end, and tells so of each session: as a death of it, no word of the peer's."""
        self.session.lost(event.time)
        self.out.session_down()
        self.into.speaker_lost(until)

    def exchanged(self, event: Written | EndOfRib | RefreshMark, now: float) -> None:
        """Something was written to the peer, or it marks where it is in its table."""
        match event:
            case Written():
                self.out.wrote(event.routes, event.withdrawn)
            case EndOfRib() if event.written:
                self.out.wrote_end_of_rib(event.family)
            case EndOfRib():
                self.into.end_of_rib(event.family)
            case RefreshMark():
                self.into.refresh_mark(event.family, now, end=event.end)

    def found(self, neighbor: Neighbor, now: float, life: str, young_until: float) -> None:
        """What `show neighbor` tells. Until `young_until` a session that this life had not yet may come."""
        self.session.found(neighbor, now, first=not self._told)
        self._told = True
        if self.established:
            self._carries(now, replayed=False)
            if self._followed:
                self.into.carries(self.session.families)
            else:
                self.into.session_found_up(self.session.families)
                self._life_up = life
        elif not self._followed:
            may_come = now < young_until and self._life_up != life
            self.out.session_down()
            self.into.session_found_down(young_until if may_come else None)
        self._followed = True

    def observed(self, now: float, wall: float) -> ObservedSession:
        """What the agent may know of the session."""
        session = self.session
        failed_at = session.last_error_at(now)
        return ObservedSession(
            peer=session.peer,
            state=session.state,
            since=self._since.shown(session.since, now, wall),
            last_error=session.last_error(now),
            flaps=session.flaps,
            announced=self.out.announced,
            end_of_rib_sent=self.out.end_of_rib_sent,
            last_error_at=self._failed_at.shown(failed_at, now, wall) if failed_at else 0.0,
            silent=session.silent(now),
            capabilities=session.capabilities,
            peer_asn=session.peer_asn,
            received=self.into.counts,
        )

    def _carries(self, now: float, *, replayed: bool) -> None:
        session = self.session
        self.out.session_up(
            session.families, session.hold_time, now, replayed=replayed, extended=session.extended_next_hop
        )
        if replayed and session.restarts:
            self.out.hold_end_of_rib(now)
