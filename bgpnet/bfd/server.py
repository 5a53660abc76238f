"""`bgpnet bfd`: keeps BFD sessions with the routers that the agent names, whatever becomes of the others.

One loop sleeps until a packet comes or is due. It neither allocates much nor waits for anybody, so that what
it measures is the path and not itself.
"""

import gc
import logging
import select
import signal
import socket
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random, SystemRandom
from typing import Final

from bgpnet.bfd import session as machine
from bgpnet.bfd import turn
from bgpnet.bfd.door import Door
from bgpnet.bfd.ears import Ears, Place
from bgpnet.bfd.endpoint import Endpoint, parameters
from bgpnet.bfd.memory import LASTING, Kept, Key, Memory
from bgpnet.bfd.packet import Refusal
from bgpnet.bfd.sockets import without_zone
from bgpnet.drivers import process, rundirectory
from bgpnet.drivers.unixsocket import listening
from bgpnet.model import bfd
from bgpnet.model.bfd import Bfd, BfdSession
from bgpnet.model.rundir import RunDir

BATCH: Final = 64
"""Datagrams of one socket that are handled in one turn: a flood delays the others, it does not stop them."""

REPORT: Final = 2.0
"""Seconds between two reports of the counters, while somebody listens."""

ABSENCE: Final = 60.0
"""Seconds for which the other sides are asked to wait when this process is told to end."""

FAREWELL: Final = 0.5
"""Seconds that they have to agree."""

_log = logging.getLogger(__name__)


def run(run_dir: RunDir, state_dir: Path) -> int:
    """Keep sessions until SIGTERM or SIGINT; exit code 0.

    `state_dir` has what outlives a boot, and need not be there.

    Raises:
        UsageError: another `bgpnet bfd` has this run directory.
    """
    turn.ask()
    with (
        rundirectory.held(run_dir, "bfd"),
        process.signals() as wakeup,
        listening(run_dir.bfd_socket) as listener,
        select.epoll() as poll,
    ):
        memory = Memory(Path(run_dir.bfd_state), state_dir / LASTING)
        server = Server(run_dir, memory, listener, poll, SystemRandom())
        gc.freeze()
        server.serve(wakeup)
    return 0


class Server:
    """The sessions, the sockets and the agent's door."""

    def __init__(
        self, run_dir: RunDir, memory: Memory, listener: socket.socket, poll: select.epoll, chance: Random
    ) -> None:
        self._file = Path(run_dir.bfd_sessions)
        self._poll = poll
        self._chance = chance
        self._door = Door(listener, poll)
        self._ears = Ears(poll)
        self._memory = memory
        self._left: dict[Key, Kept] = {}
        self._left_until = 0.0
        self._endpoints: dict[Key, Endpoint] = {}
        self._by_source: dict[tuple[Place, str], Endpoint] = {}
        self._stray: Counter[str] = Counter()
        self._report_due = 0.0
        self._unreadable = ""

    def serve(self, wakeup: socket.socket) -> None:
        """Work until a signal asks for the end; then ask the routers to wait, and end."""
        self._poll.register(wakeup.fileno(), select.EPOLLIN)
        now = time.monotonic()
        self._left, self._left_until = self._memory.recalled(now, time.time()), now + ABSENCE
        self._load(now)
        _log.info("bfd started sessions=%d", len(self._endpoints))
        until = float("inf")
        while time.monotonic() < until and (until == float("inf") or self._polling()):
            if self._turn(wakeup) and until == float("inf"):
                until = self._take_leave()
        self._remember(time.monotonic())
        self._memory.outlast(time.time())
        self._ears.close()
        _log.info("bfd stops; routers wait up to %ds sessions=%d", ABSENCE, len(self._endpoints))

    def _turn(self, wakeup: socket.socket) -> bool:
        """Sleep, and do what there is to do; true when a signal asks for the end."""
        stop = False
        for descriptor, events in self._poll.poll(max(0.0, self._due() - time.monotonic())):
            place = self._ears.place(descriptor)
            if place is not None:
                self._hear(place, BATCH)
            elif descriptor == wakeup.fileno():
                stop = bool(process.received(wakeup) & {signal.SIGTERM, signal.SIGINT})
            elif self._door.ready(descriptor, events, self._line()):
                self._load(time.monotonic())
        self._tick()
        return stop

    def _due(self) -> float:
        dues = [endpoint.due() for endpoint in self._endpoints.values()]
        return min([*dues, self._ears.due, self._memory.due, self._report_due])

    def _hear(self, place: Place, most: int) -> None:
        """Take what has come."""
        now = time.monotonic()
        for _ in range(most):
            datagram = self._ears.heard(place)
            if datagram is None:
                return
            endpoint = self._by_source.get((place, datagram.source))
            if endpoint is None:
                self._stray[Refusal.UNKNOWN_PEER] += 1
            else:
                endpoint.took(datagram, now)

    def _tick(self) -> None:
        now = time.monotonic()
        for key, endpoint in list(self._endpoints.items()):
            if now >= endpoint.expires:
                # This process may be what was late: what lies in the socket was heard in time.
                self._hear(_place(endpoint.wanted), 1 << 16)
            endpoint.tick(now)
            if endpoint.gone_at is not None and now >= endpoint.gone_at:
                endpoint.close()
                del self._endpoints[key]
                self._index()
        if now >= self._ears.due:
            self._ears.look(self._places(), now)
            self._deafness()
        news = [endpoint for endpoint in self._endpoints.values() if endpoint.news]
        if news or now >= self._report_due:
            for endpoint in news:
                endpoint.news = False
            self._report_due = now + REPORT
            if self._door.attended:
                self._door.tell(self._line())
        if news or now >= self._memory.due:
            self._remember(now)

    def _line(self) -> bytes:
        now, wall = time.monotonic(), time.time()
        shown = [each for each in self._endpoints.values() if each.gone_at is None]
        sessions = tuple(endpoint.observed(now, wall) for endpoint in shown)
        return bfd.told(Bfd(sessions, tuple(sorted(self._stray.items()))))

    # --- which sessions ---------------------------------------------------------------------------------

    def _load(self, now: float) -> None:
        """Read the agent's file. One that cannot be read changes nothing."""
        try:
            wanted = bfd.read(self._file.read_bytes())
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            if str(error) != self._unreadable:
                _log.error("sessions stay as they are, their file is not understood error=%r", str(error))
            self._unreadable = str(error)
            return
        self._unreadable = ""
        by_key = {_key(session): session for session in wanted}
        for key, endpoint in self._endpoints.items():
            if key not in by_key and endpoint.gone_at is None:
                endpoint.leave(now)
        for key, session in by_key.items():
            if key not in self._endpoints:
                left = self._left.pop(key, None) if now < self._left_until else None
                self._endpoints[key] = self._begun(session, left, now)
            self._endpoints[key].configured(session, now)
        self._index()
        self._ears.want(self._places())
        self._deafness()

    def _begun(self, wanted: BfdSession, kept: Kept | None, now: float) -> Endpoint:
        if kept is not None:
            session = replace(kept.session, heard=now)
            return Endpoint(wanted, session, kept.source_port, self._chance, now)
        taken = {endpoint.session.discriminator for endpoint in self._endpoints.values()}
        number = self._chance.randint(1, 0xFFFF_FFFF)
        while number in taken:
            number = self._chance.randint(1, 0xFFFF_FFFF)
        return Endpoint(wanted, machine.new(number, parameters(wanted.timers)), 0, self._chance, now)

    def _index(self) -> None:
        """One session a router and link: the newer one, where an address of ours has changed."""
        self._by_source = {}
        for endpoint in sorted(self._endpoints.values(), key=lambda each: each.gone_at is None):
            self._by_source[_place(endpoint.wanted), without_zone(endpoint.wanted.peer)] = endpoint

    def _places(self) -> set[Place]:
        return {_place(endpoint.wanted) for endpoint in self._endpoints.values()}

    def _deafness(self) -> None:
        for endpoint in self._endpoints.values():
            endpoint.deaf(self._ears.error(_place(endpoint.wanted)))

    def _remember(self, now: float) -> None:
        self._memory.keep(
            Kept(*key, endpoint.source_port, endpoint.session)
            for key, endpoint in self._endpoints.items()
            if endpoint.gone_at is None
        )
        self._memory.beat(now)

    # --- the end ----------------------------------------------------------------------------------------

    def _take_leave(self) -> float:
        """Ask every router to expect packets so rarely that this process may be away; when to end anyway."""
        now = time.monotonic()
        for endpoint in self._endpoints.values():
            endpoint.slow_down(int(ABSENCE * 1e6) // endpoint.wanted.timers.multiplier, now)
        return now + FAREWELL

    def _polling(self) -> bool:
        return any(endpoint.slowing for endpoint in self._endpoints.values())


def _key(session: BfdSession) -> Key:
    return (str(session.peer), session.link, str(session.local_address))


def _place(session: BfdSession) -> Place:
    return (session.link, session.peer.version)
