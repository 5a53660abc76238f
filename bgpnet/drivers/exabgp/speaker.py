"""The speaker as the agent has it: what is wanted goes in, what is observed comes out."""

import asyncio
from collections.abc import Callable
from typing import Final

from bgpnet.drivers.exabgp.client import RelayClient
from bgpnet.drivers.exabgp.commands import Path
from bgpnet.drivers.exabgp.configurator import Configurator
from bgpnet.drivers.exabgp.core import Core, Wanted
from bgpnet.model.bgp import Speaker
from bgpnet.model.net import Address, Prefix
from bgpnet.model.plan import Announcement, Session
from bgpnet.model.rejection import Rejection
from bgpnet.model.rundir import RunDir

ANNOUNCING: Final = 1.0
"""Seconds between two tellings while changes are on their way to the peers and nothing else happens: what was
written so far is worth no step of the agent's, which would keep the next command waiting."""


class SpeakerDriver:
    """ExaBGP behind its supervisor and its relay.

    Args:
        run_dir: where their sockets are.
        clock: monotonic seconds.
        wall: seconds since the epoch.
        changed: called, once per burst, when `observed` or `rejections` may be something else.
    """

    def __init__(
        self,
        run_dir: RunDir,
        clock: Callable[[], float],
        wall: Callable[[], float],
        changed: Callable[[], None],
    ) -> None:
        self._clock, self._wall = clock, wall
        self._changed = changed
        self._timer: asyncio.TimerHandle | None = None
        self._at_once = False
        self._core = Core()
        self._relay = RelayClient(run_dir.relay_socket, self._core, clock, wall, self._progress)
        self._configurator = Configurator(run_dir.speaker_socket, self._core, self._told)
        self._wanted: tuple[object, object, object] = (None, None, ())

    @property
    def rejections(self) -> tuple[Rejection, ...]:
        """What cannot be expressed, or was refused."""
        return self._configurator.rejections

    def want(
        self,
        sessions: tuple[Session, ...] | None,
        announcements: tuple[Announcement, ...] | None,
        advertise: tuple[str, ...] = (),
    ) -> None:
        """What ought to be. None: not known, so nothing of it is touched, and no End-of-RIB goes out.

        `advertise` names the links on which routers have to hear of this node to peer with it.
        """
        if (sessions, announcements, advertise) == self._wanted:
            return
        self._wanted = (sessions, announcements, advertise)
        if sessions:
            self._core.restart_time = float(max(session.restart_time for session in sessions))
        self._core.want(by_peer(sessions, announcements), sessions, now=self._clock())
        self._configurator.want(sessions, advertise)
        self._relay.pump()

    def failed(self, peers: tuple[Address, ...]) -> None:
        """Peers to which the path has failed: the session with one that was not named before ends."""
        self._core.failed(frozenset(peers))
        self._relay.pump()

    def observed(self) -> Speaker | None:
        """What ExaBGP told; None before it told the states of the sessions."""
        return self._core.observed(self._clock(), self._wall())

    async def run(self) -> None:
        """Connect, reconnect, for ever. Cancel it to stop: that sends nothing, and withdraws nothing."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._relay.run())
            tasks.create_task(self._configurator.run())

    def _told(self) -> None:
        """The configurator told the core something, or has other rejections."""
        self._relay.pump()
        self._progress()

    def _progress(self) -> None:
        self._configurator.progress()
        at_once = self._core.news or not self._core.announcing
        if self._timer is not None and (self._at_once or not at_once):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._at_once = at_once
        wait = 0.0 if at_once else ANNOUNCING
        self._timer = asyncio.get_running_loop().call_later(wait, self._tell)

    def _tell(self) -> None:
        self._timer = None
        self._changed()


def by_peer(
    sessions: tuple[Session, ...] | None, announcements: tuple[Announcement, ...] | None
) -> Wanted | None:
    """What each peer ought to have. A peer whose session is not wanted any more ought to have nothing."""
    if announcements is None:
        return None
    peers = None if sessions is None else {session.peer for session in sessions}
    wanted: dict[Address, dict[Prefix, Path]] = {}
    for announcement in announcements:
        if peers is None or announcement.peer in peers:
            path = Path(announcement.next_hop, announcement.attributes)
            wanted.setdefault(announcement.peer, {})[announcement.prefix] = path
    return wanted | {session.peer: None for session in sessions or () if not session.exports_known}
