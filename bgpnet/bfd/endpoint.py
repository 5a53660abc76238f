"""One session at work: its state machine, its socket, its clock and its counters."""

import logging
import socket
from collections import Counter
from random import Random
from typing import Final

from bgpnet.bfd import session as machine
from bgpnet.bfd import sockets
from bgpnet.bfd.packet import Diagnostic, Packet, Refusal, State, decode, encode
from bgpnet.bfd.session import Parameters, Session
from bgpnet.model.bfd import BfdSession, BfdTimers, ObservedBfd

RETRY: Final = 0.5
"""Seconds until a socket that could not be had is tried again."""

_NAMES: Final = {
    State.ADMIN_DOWN: "AdminDown",
    State.DOWN: "Down",
    State.INIT: "Init",
    State.UP: "Up",
}

_BECAUSE: Final[dict[int, str]] = {
    Diagnostic.NONE: "it has begun anew",
    Diagnostic.DETECTION_TIME_EXPIRED: "it no longer hears this node",
    Diagnostic.NEIGHBOR_SIGNALED_DOWN: "it says that this node ended it, or sets the session up anew",
    Diagnostic.ECHO_FAILED: "its echoes are lost",
    Diagnostic.FORWARDING_PLANE_RESET: "its forwarding was reset",
    Diagnostic.PATH_DOWN: "the path is down",
    Diagnostic.ADMINISTRATIVELY_DOWN: "it was shut down by its operator",
}

_log = logging.getLogger(__name__)


class Endpoint:
    """A session with one router. Moments are monotonic seconds.

    Args:
        wanted: with whom, and how.
        session: its state.
        source_port: the UDP port to send from; 0: any of the range.
        chance: for the jitter and the port.
        now: the present moment.
    """

    def __init__(
        self, wanted: BfdSession, session: Session, source_port: int, chance: Random, now: float
    ) -> None:
        self.wanted = wanted
        self.session = session
        self.source_port = source_port
        self.news = True
        """Whether there is something to tell."""
        self.gone_at: float | None = None
        """When the endpoint may be closed: it takes leave until then."""
        self.latest = 0.0
        """Seconds that a packet was sent later than it was due, at most."""
        self._chance = chance
        self._socket: socket.socket | None = None
        self._error = self._deaf = ""
        self._sends: float | None = now
        self._since = now
        self._loss, self._lost_at = "", 0.0
        self._flaps = self._sent = self._received = 0
        self._dropped: Counter[str] = Counter()
        self._local = wanted.local_address.packed

    # --- what happens -----------------------------------------------------------------------------------

    def configured(self, wanted: BfdSession, now: float) -> None:
        """Something else is asked for, with the same router from the same address."""
        self.wanted, self.gone_at = wanted, None
        session = machine.configured(self.session, parameters(wanted.timers))
        self._become(machine.disabled(session) if wanted.admin_down else machine.enabled(session), now)

    def leave(self, now: float) -> None:
        """The session is not wanted any more: the other side is told for as long as it needs to hear it."""
        self._become(machine.disabled(self.session), now)
        known = self.session.remote.discriminator != 0
        self.gone_at = now + (machine.remote_detection_time(self.session) if known else 0.0)

    def slow_down(self, interval: int, now: float) -> None:
        """Ask for this many microseconds between packets, for as long as nobody is here."""
        if self.session.state is State.UP:
            self._become(
                machine.configured(self.session, Parameters(interval, self.session.wanted.multiplier)), now
            )

    def deaf(self, error: str) -> None:
        """Why nothing can be heard on the link; empty when it can."""
        if error != self._deaf:
            self._deaf, self.news = error, True

    def took(self, datagram: sockets.Datagram, now: float) -> None:
        """A datagram came from the session's router, on its link."""
        packet = _judged(datagram, self._local)
        refusal = packet if isinstance(packet, Refusal) else machine.refusal(self.session, packet)
        if refusal is not None or isinstance(packet, Refusal):
            self._dropped[str(refusal)] += 1
            return
        self._received += 1
        after, asked = machine.received(self.session, packet, now)
        self._become(after, now)
        if asked:
            self._send(now, final=True)

    def tick(self, now: float) -> None:
        """Time has passed."""
        deadline = machine.deadline(self.session)
        if deadline is not None and now >= deadline:
            self._become(machine.expired(self.session, now), now)
        if self._sends is not None and now >= self._sends:
            self.latest = max(self.latest, now - self._sends)
            self._send(now, final=False)

    def close(self) -> None:
        """No more packets."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    # --- what is asked ----------------------------------------------------------------------------------

    @property
    def slowing(self) -> bool:
        """Whether the other side has yet to agree to another pace."""
        return self.session.state is State.UP and self.session.polls > 0

    @property
    def expires(self) -> float:
        """When the session is down, or a failure forgotten, unless a packet comes before."""
        deadline = machine.deadline(self.session)
        return float("inf") if deadline is None else deadline

    def due(self) -> float:
        """When `tick` has something to do."""
        sends = float("inf") if self._sends is None else self._sends
        return min(sends, self.expires, float("inf") if self.gone_at is None else self.gone_at)

    def observed(self, now: float, wall: float) -> ObservedBfd:
        """What is told of it; `wall`: seconds since the epoch at `now`."""
        session = self.session
        return ObservedBfd(
            peer=self.wanted.peer,
            link=self.wanted.link,
            state=_NAMES[session.state],
            remote_state=_NAMES[session.remote.state],
            since=wall - (now - self._since),
            failed=session.failed,
            last_error=self._loss,
            last_error_at=wall - (now - self._lost_at) if self._loss else 0.0,
            error=self._deaf or self._error,
            flaps=self._flaps,
            interval=(machine.transmit_interval(session) or 0) / 1000,
            detection=machine.detection_time(session) * 1000,
            remote_independent=session.remote.independent,
            sent=self._sent,
            received=self._received,
            dropped=tuple(sorted(self._dropped.items())),
        )

    # --- inside -----------------------------------------------------------------------------------------

    def _become(self, after: Session, now: float) -> None:
        before, self.session = self.session, after
        self.news |= _shown(before) != _shown(after)
        if before.state is not after.state:
            self._since = now
            self._tell(before, after, now)
        if machine.urgent(before, after):
            self._send(now, final=False)

    def _tell(self, before: Session, after: Session, now: float) -> None:
        if after.state is State.UP:
            detection = machine.detection_time(after) * 1000
            _log.info(
                "bfd session up peer=%s link=%s detection=%dms", self.wanted.peer, self.wanted.link, detection
            )
        if before.state is State.UP:
            self._flaps += 1
            self._loss, self._lost_at = _cause(before, after), now
            level = logging.WARNING if after.failed else logging.INFO
            _log.log(
                level,
                "bfd session down peer=%s link=%s cause=%r",
                self.wanted.peer,
                self.wanted.link,
                self._loss,
            )

    def _send(self, now: float, *, final: bool) -> None:
        failing, error = bool(self._error), ""
        try:
            self._opened().send(encode(machine.packet_of(self.session, final=final)))
            self._sent += 1
        except ConnectionRefusedError:
            pass  # ICMP: nobody listens there; a send tells of the one before
        except OSError as found:
            self.close()
            where = f"{self.wanted.local_address} on {self.wanted.link}"
            error = f"cannot send from {where}: {found.strerror or found}"
        self._fault(error)
        if not final:
            pause = machine.pause(self.session, self._chance.random())
            if pause is not None and failing and error:
                pause = max(pause, RETRY)
            self._sends = None if pause is None else now + pause

    def _opened(self) -> socket.socket:
        if self._socket is None:
            self._socket = sockets.sending(self.wanted, self.source_port, self._chance)
            self.source_port = self._socket.getsockname()[1]
        return self._socket

    def _fault(self, error: str) -> None:
        if error != self._error:
            self._error, self.news = error, True
            if error:
                _log.warning("no bfd peer=%s error=%r", self.wanted.peer, error)


def parameters(timers: BfdTimers) -> Parameters:
    """The same in microseconds."""
    return Parameters(timers.interval * 1000, timers.multiplier)


def _shown(session: Session) -> tuple[object, ...]:
    """What is told of a session at once; counters have time."""
    remote = session.remote
    return (
        (session.state, session.failed, session.tx, session.rx, remote.state, remote.independent),
        (remote.min_tx, remote.min_rx, remote.multiplier),
    )


def _judged(datagram: sockets.Datagram, local: bytes) -> Packet | Refusal:
    """The packet in it, if it came straight from the link, to us (RFC 5881 §5)."""
    if datagram.destination != local:
        return Refusal.DESTINATION
    if datagram.ttl != sockets.TTL:
        return Refusal.TTL
    return decode(datagram.payload)


def _cause(before: Session, after: Session) -> str:
    """Why a session that was Up is not any more."""
    if after.state is State.ADMIN_DOWN:
        return "taken down on purpose on this node"
    if after.diagnostic is Diagnostic.DETECTION_TIME_EXPIRED:
        return f"nothing heard from the router for {machine.detection_time(before) * 1000:.0f} ms"
    if after.remote.state is State.ADMIN_DOWN:
        return "the router took it down on purpose"
    because = _BECAUSE.get(after.remote.diagnostic, f"diagnostic {after.remote.diagnostic}")
    return f"the router says Down: {because}"
