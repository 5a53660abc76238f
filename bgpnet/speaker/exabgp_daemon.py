"""ExaBGP's own process: ExaBGP as it comes, with timers that are exact and do not follow the wall clock.

And it tells all of a peer's OPEN when it is asked for its sessions, for an agent that comes later, says
goodbye to a peer whose session BFD has ended, and tells none that it has restarted. What it calls a peer is
in `exabgp_peers`, when it sends a KEEPALIVE in `exabgp_keepalives`.

ExaBGP 5.0.15 keeps its timers in whole seconds of the wall clock (exabgp/bgp/timer.py, reactor/delay.py).
So its hold timer fires up to a second late, a clock that is set forward ends every session, and one that is
set back keeps it from sending keepalives and from connecting again. And it waits up to a minute between two
attempts to connect, for which a router that was away for some minutes would have to wait.
"""

import sys
import time
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any, Final

from exabgp.application.main import main
from exabgp.bgp import timer
from exabgp.bgp.message import _NOP, KeepAlive, Message, Notify
from exabgp.bgp.message.open.capability import Capabilities, Capability
from exabgp.bgp.neighbor import Neighbor
from exabgp.reactor import delay, peer, protocol
from exabgp.reactor.asynchronous import ASYNC

from bgpnet.drivers import process
from bgpnet.speaker import exabgp_faults, exabgp_keepalives, exabgp_peers, exabgp_room

Code: Final = Capability.CODE

_TOLD_OF: Final = peer.Peer.cli_data

_GRACEFUL: Final = Capabilities._graceful  # noqa: SLF001 - what it is told is the session's own secret

_CLOSE: Final = peer.Peer._close  # noqa: SLF001 - nothing public stands between the decision and the silence

_GOODBYE: Final = protocol.Protocol.new_notification

FAREWELL: Final = 1.0
"""Seconds for which it is tried to tell a peer why its session ends."""

TOLD: Final = frozenset((1, 10))
"""Subcodes of Cease that have to reach the peer: too many prefixes (RFC 4486), BFD down (RFC 9384)."""

CLOCK: Final = SimpleNamespace(time=time.monotonic)
"""Stands for the `time` module where ExaBGP takes only `time.time` from it."""


class HoldTimer(timer.ReceiveTimer):  # type: ignore[misc]  # ExaBGP is not typed
    """The hold timer of RFC 4271 §8, to the fraction of a second; also ExaBGP's patience with an OPEN."""

    def __init__(self, session: object, holdtime: int, code: int, subcode: int, message: str = "") -> None:
        super().__init__(session, holdtime, code, subcode, message)
        self._heard = time.monotonic()

    def check_ka_timer(self, message: Message = _NOP, ignore: int = _NOP.TYPE) -> bool:
        """Note a message; whether it may come at all: without a hold time a KEEPALIVE may not.

        Raises:
            Notify: nothing was heard for longer than the hold time.

        """
        if self.holdtime == 0:
            return bool(message.TYPE != KeepAlive.TYPE)
        now = time.monotonic()
        heard = message.TYPE
        if heard != ignore:
            self._heard = now
        if now - self._heard > self.holdtime:
            raise Notify(self.code, self.subcode, self.message)
        return True


class ConnectDelay(delay.Delay):  # type: ignore[misc]  # ExaBGP is not typed
    """The time between two attempts to connect: a second more each time, up to `MOST`.

    After a session there is none, unless the session before was short, too: a peer that takes each session up
    and ends it at once would flap several times a second.
    """

    MOST: Final = 5
    """Seconds."""

    LASTING: Final = 5.0
    """Seconds; a session that has ended before was short."""

    def __init__(self) -> None:
        super().__init__()
        self._up: float | None = None
        self._short = False

    def reset(self) -> None:
        """Note that a session is up, or is to be ended or filled anew."""
        self._time: float = CLOCK.time()
        if not self._short:
            self._next: int = 0
        if self._up is None:
            self._up = self._time

    def increase(self) -> None:
        """Note the end of an attempt, or of a session."""
        if self._up is not None:
            self._short = CLOCK.time() - self._up < self.LASTING
            self._up = None
            if not self._short:
                self._next = 0
        super().increase()
        self._next = min(self._next, self.MOST)


def close(session: peer.Peer, message: str = "", error: object = "") -> None:
    """Close the connection; first say so where the agent has ended the session for a cause.

    ExaBGP ends a session with graceful restart in silence. Its peer would keep our routes for the restart
    time, over a path that does not work, or not know why it is stopped. Of a peer of another AS than it
    should be the agent is told which.

    Raises:
        Notify: it has to be sent, and the connection closed then.

    """
    if session._teardown in TOLD and message.startswith("graceful restart"):  # noqa: SLF001 - likewise
        raise Notify(6, session._teardown)  # noqa: SLF001 - likewise
    if isinstance(error, Notify) and (error.code, error.subcode) == exabgp_peers.BAD_PEER_AS:
        message = f"{message}: {error.data.decode('ascii')}"
    _CLOSE(session, message, error)


def goodbye(proto: protocol.Protocol, notification: Notify) -> Iterator[object]:
    """Send a NOTIFICATION; not for ever to a peer that takes nothing.

    ExaBGP tries until it is out, and resets the session only then: a router that is frozen, with a backlog of
    ours, would count as up for as long, and all that it told would be used.
    """
    end = time.monotonic() + FAREWELL
    for step in _GOODBYE(proto, notification):
        yield step
        if time.monotonic() > end:
            return


def graceful(capabilities: Capabilities, neighbor: Neighbor, _restarted: object) -> None:
    """Offer graceful restart (RFC 4724), and never say that we have just restarted (the Restart State bit).

    The bit keeps two that restart at once from waiting for each other's End-of-RIB: ours waits for nobody's.
    But FRR 8.4 (bgpd/bgp_fsm.c, bgp_establish) takes it for the end of its own restart: whatever it keeps in
    its kernel and has not learned anew it deletes, of all its neighbours.
    """
    _GRACEFUL(capabilities, neighbor, False)  # noqa: FBT003 - its signature


def told_of(session: peer.Peer) -> dict[str, Any]:
    """What `show neighbor json` tells of a session: also what else the peer's OPEN says."""
    told: dict[str, Any] = _TOLD_OF(session)
    opened = session.proto and session.proto.negotiated.received_open
    if opened:
        told["capabilities"] |= more_of(session.neighbor["capability"], opened.capabilities)
    return told


def more_of(ours: Mapping[str, Any], theirs: Mapping[int, Any]) -> dict[str, tuple[Any, Any]]:
    """What both sides say of capabilities that ExaBGP leaves out: by name, ours and the peer's.

    Graceful restart of a router that is a helper only names no family: for ExaBGP that is an empty dict.
    """
    restart = theirs.get(Code.GRACEFUL_RESTART)
    return {
        "restart-time": (ours["graceful-restart"] or 0, 0 if restart is None else restart.restart_time),
        "restart-families": ([], sorted(f"{afi}/{safi}" for afi, safi in restart or ())),
        "enhanced-route-refresh": (bool(ours["route-refresh"]), Code.ENHANCED_ROUTE_REFRESH in theirs),
        "extended-next-hop": (bool(ours["nexthop"]), Code.NEXTHOP in theirs),
    }


def carry_out(scheduled: ASYNC) -> bool:
    """Carry out what API commands have scheduled; whether something is left.

    ExaBGP makes an event loop for each, which nothing it schedules waits on, and ends itself where there is
    no descriptor left for one.
    """
    if scheduled.ready():
        return False
    step = scheduled._run_async()  # noqa: SLF001 - the part of it that does the work
    try:
        step.send(None)
    except StopIteration as ended:
        return bool(ended.value)
    raise AssertionError("a scheduled command waits for an event loop")


def exact_timers() -> None:
    """Have ExaBGP use them in this process."""
    timer.time = CLOCK
    delay.time = CLOCK
    peer.time = SimpleNamespace(time=time.monotonic, strftime=time.strftime, gmtime=time.gmtime)
    peer.ReceiveTimer = HoldTimer
    peer.Delay = ConnectDelay


def run() -> None:
    """Be ExaBGP, as the command line says."""
    if process.orphaned():
        sys.exit("its supervisor died as this process started, and the next one starts its own")
    exact_timers()
    peer.Peer.cli_data = told_of
    exabgp_peers.install()
    peer.Peer._close = close  # noqa: SLF001 - as above
    protocol.Protocol.new_notification = goodbye
    Capabilities._graceful = graceful  # noqa: SLF001 - likewise
    ASYNC.run = carry_out
    exabgp_faults.install()
    exabgp_keepalives.install()
    exabgp_room.install()
    sys.exit(main())
