"""What the agent knows of ExaBGP, and what it tells it next: every session with its two tables.

Pure: fed with what the relay brings, asked for one command at a time. `now` is monotonic seconds, as are
the times of the events.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from bgpnet.drivers.exabgp import reasons
from bgpnet.drivers.exabgp.commands import (
    Announce,
    Command,
    Path,
    Refresh,
    ShowAdjRibOut,
    ShowNeighbors,
    Teardown,
    Withdraw,
    adj_rib_out_of,
    neighbors_of,
)
from bgpnet.drivers.exabgp.events import (
    Down,
    Event,
    Learned,
    Notified,
    Opened,
    Trying,
    Up,
    Written,
)
from bgpnet.drivers.exabgp.peer import Peer
from bgpnet.drivers.exabgp.relaylines import Hello
from bgpnet.drivers.exabgp.stops import Stops
from bgpnet.model.bgp import Speaker, Stopped
from bgpnet.model.declared import MaxPrefix
from bgpnet.model.net import Address, Prefix, address_order
from bgpnet.model.plan import Session as PlannedSession

_log = logging.getLogger(__name__)

BFD_DOWN: Final = 10
"""Subcode of Cease (RFC 9384)."""

MAXIMUM_PREFIXES: Final = 1
"""Subcode of a Cease (RFC 4486 §3)."""

Wanted = Mapping[Address, Mapping[Prefix, Path] | None]
"""Peer -> prefix -> what it is told about it. None for a peer: not known, nothing of it is touched."""


class Core:
    """All sessions, over all lives of ExaBGP."""

    def __init__(self) -> None:
        self.restart_time = 120.0
        """Seconds for which routes are kept while ExaBGP restarts (RFC 4724)."""
        self._peers: dict[Address, Peer] = {}
        self._wanted: Wanted | None = None
        self._life = ""
        self._young_until = 0.0
        self._told = False
        self._todo: list[Command] = []
        self._failed: frozenset[Address] = frozenset()
        self._reloading = False
        self._limits: dict[Address, MaxPrefix] = {}
        self._stops = Stops()
        self.news = True
        """Whether something happened since the last observation, but for changes on their way to a peer."""

    # --- what happens -----------------------------------------------------------------------------------

    def want(
        self, wanted: Wanted | None, sessions: Iterable[PlannedSession] | None = None, *, now: float
    ) -> None:
        """What each peer ought to have; one that is not named ought to have nothing. None: not known.

        `sessions`: those that there ought to be, with what each peer may announce at most; None: not known.
        """
        self._wanted = wanted
        if sessions is not None:
            self._limits = {each.peer: each.max_prefix for each in sessions if each.max_prefix is not None}
            self._stops.allow(self._limits)
        for address, peer in self._peers.items():
            peer.out.want(self._wanted_of(address))
            peer.into.allow(self._limit_of(address))
            self._stop_if_exceeded(peer, now)

    def failed(self, peers: frozenset[Address]) -> None:
        """The paths to these peers have failed: a session that is up with one that was not named before ends.

        Once: where BGP comes back alone, as on a router that has no BFD any more, it is left alone.
        """
        for address in sorted(peers - self._failed, key=address_order):
            peer = self._peers.get(address)
            if peer is not None and peer.established:
                self._todo.insert(0, Teardown(address, BFD_DOWN))
        self._failed = peers

    def connected(self, hello: Hello, now: float) -> None:
        """The relay greets. What was believed before is read anew: events may have been lost."""
        self._life, self.news = hello.life, True
        self._young_until = now - hello.age + self.restart_time
        self._todo = [ShowNeighbors(), ShowAdjRibOut()]
        for peer in self._peers.values():
            peer.connected()

    def lost(self, now: float) -> None:
        """The connection to the relay is gone, and with it perhaps ExaBGP and its sessions."""
        self._todo, self.news = [], True
        for peer in self._peers.values():
            peer.lost(now + self.restart_time, now)

    def reloading(self) -> None:
        """The configuration is being changed: a reload drops End-of-RIBs and refreshes that are queued."""
        self._reloading = True
        for peer in self._peers.values():
            peer.reloading()

    def reloaded(self) -> None:
        """The configuration was changed, or was not: look which sessions there are."""
        self._reloading, self.news = False, True
        self._look()
        for peer in self._peers.values():
            peer.reloaded()

    def happened(self, event: Event, now: float) -> None:
        """An event of ExaBGP's."""
        peer = self._peer(event.peer, event.time)
        self.news |= not isinstance(event, Written)
        match event:
            case Trying():
                peer.session.trying(event)
            case Opened():
                peer.session.opened(event)
            case Up():
                peer.up(event, now, self._life)
            case Notified():
                peer.session.notified(event)
            case Down() if reasons.own_end(event.reason):
                peer.ends(event, now + self.restart_time)
            case Down():
                if peer.down(event, now, reloading=self._reloading):
                    self._look()
            case Learned():
                peer.into.learned(event.paths, event.withdrawn, now)
                self._stop_if_exceeded(peer, now)
            case _:
                peer.exchanged(event, now)

    def answered(self, command: Command, lines: Sequence[object], now: float, *, done: bool) -> None:
        """ExaBGP has carried out a command, or refused it.

        Raises:
            ValueError: the answer is not what the command promises.
        """
        self.news |= not isinstance(command, Announce | Withdraw)
        match command:
            case ShowNeighbors() | ShowAdjRibOut() if not done:
                raise ValueError(f"{command}: refused")
            case ShowNeighbors():
                self._neighbors(lines, now)
            case ShowAdjRibOut():
                tables = adj_rib_out_of(lines)
                for address, peer in self._peers.items():
                    if not peer.out.audit_done:
                        peer.out.audited(tables.get(address, {}))
            case Teardown():
                pass  # its end is an event
            case Refresh():
                if command.peer in self._peers:
                    self._peers[command.peer].into.answered(command, now, done=done)
            case _:
                if command.peer in self._peers:
                    self._peers[command.peer].out.answered(command, now, done=done)

    def tick(self, now: float) -> None:
        """Time has passed."""
        self.news = True
        for peer in self._peers.values():
            peer.into.tick(now)
        self._stops.tick(now)

    # --- what is asked ----------------------------------------------------------------------------------

    def next(self, now: float) -> Command | None:
        """The next command; to be asked for only while no answer is outstanding."""
        if self._todo:
            return self._todo.pop(0)
        for address, peer in list(self._peers.items()):
            command: Command | None = peer.out.next(now, marks=not self._reloading)
            if command is None and not self._reloading:
                command = peer.into.next()
            if command is not None:
                self._peers[address] = self._peers.pop(address)  # behind the others, for the next turn
                return command
        return None

    def due(self, now: float, *, answering: bool = False) -> float:
        """When `tick`, `next` or `observed` may have something new though nothing happened.

        `answering`: an answer is outstanding, so that `next` is not asked for before it came.
        """
        moments = [self._stops.due]
        for peer in self._peers.values():
            moments += (peer.into.due(), now + peer.session.news_in(now))
            if not answering:
                moments.append(peer.out.due())
        return min(moments)

    @property
    def announcing(self) -> bool:
        """Whether it is but a matter of time that more of what is wanted is written to a peer."""
        return any(peer.out.busy for peer in self._peers.values())

    @property
    def peers(self) -> frozenset[Address]:
        """The peers that ExaBGP has."""
        return frozenset(self._peers)

    def drained(self, peers: Iterable[Address]) -> bool:
        """Whether these peers have nothing of ours any more, as far as they can be told."""
        return all(self._peers[peer].out.drained for peer in peers if peer in self._peers)

    def observed(self, now: float, wall: float) -> Speaker | None:
        """What the agent may know; None before ExaBGP told the states of its sessions.

        `wall`: seconds since the epoch, in which it is shown.
        """
        self.news = False
        if not self._told:
            return None
        peers = [self._peers[address] for address in sorted(self._peers, key=address_order)]
        return Speaker(
            sessions=tuple(peer.observed(now, wall) for peer in peers),
            paths=tuple(path for peer in peers for path in peer.into.paths),
            unread=tuple(peer.session.peer for peer in peers if not peer.into.complete),
            stopped=self._stops.all,
        )

    # --- inside -----------------------------------------------------------------------------------------

    def _peer(self, address: Address, now: float) -> Peer:
        if address not in self._peers:
            self._peers[address] = Peer(address, now)
            self._peers[address].out.want(self._wanted_of(address))
            self._peers[address].into.allow(self._limit_of(address))
        return self._peers[address]

    def _wanted_of(self, address: Address) -> Mapping[Prefix, Path] | None:
        return None if self._wanted is None else self._wanted.get(address, {})

    def _limit_of(self, address: Address) -> int | None:
        return self._limits[address].limit if address in self._limits else None

    def _stop_if_exceeded(self, peer: Peer, now: float) -> None:
        address, family = peer.session.peer, peer.into.exceeded
        if family is None or address in self._stops:
            return
        self._stops.stop(Stopped(address, family, self._limits[address]), now)
        self._todo.append(Teardown(address, MAXIMUM_PREFIXES))
        _log.warning(
            "session stopped peer=%s family=%s limit=%d", address, family, self._limits[address].limit
        )

    def _look(self) -> None:
        """Ask which sessions there are, and then for what is not known of their tables."""
        if self._told and not self._reloading and ShowNeighbors() not in self._todo:
            self._todo.append(ShowNeighbors())

    def _neighbors(self, lines: Sequence[object], now: float) -> None:
        """Which sessions there are, and the state of those that no event told of on this connection."""
        neighbors = neighbors_of(lines)
        for address in self._peers.keys() - {neighbor.peer for neighbor in neighbors}:
            del self._peers[address]
        for neighbor in neighbors:
            self._peer(neighbor.peer, now).found(neighbor, now, self._life, self._young_until)
        audited = all(peer.out.audit_done for peer in self._peers.values())
        if not audited and ShowAdjRibOut() not in self._todo:
            self._todo.append(ShowAdjRibOut())
        self._told = True
