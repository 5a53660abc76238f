"""One session as its peer's owner sees it: state, since when, and why it is not up."""

from typing import Final

from bgpnet.drivers.exabgp import reasons
from bgpnet.drivers.exabgp.commands import Neighbor
from bgpnet.drivers.exabgp.events import Down, Notified, Opened, Trying
from bgpnet.drivers.exabgp.offer import Offer
from bgpnet.model.bgp import Capabilities, SessionState
from bgpnet.model.net import Address, Family

ANSWER: Final = 5.0
"""Seconds without any event of a connection attempt after which the peer counts as silent."""

_ROUNDING: Final = 2.0
"""Seconds: ExaBGP tells durations in whole ones."""

_AT_ONCE: Final = 1.0
"""Seconds: a connection that ends sooner was refused; nobody on the link answers for about three."""


class Session:
    """State and causes. Times are monotonic seconds: a clock that is set silences nobody."""

    def __init__(self, peer: Address, now: float) -> None:
        self.peer = peer
        self.state = SessionState.UNKNOWN
        self.since = now
        self.flaps = 0
        self._hold_time = 0
        self._configured: frozenset[Family] | None = None
        self._offer: Offer | None = None
        self._loss = ""
        self._obstacle = ""
        self._error_at = 0.0
        self._attempt: float | None = None
        self._progress = False
        self._told = ""
        self._up_before: float | None = None

    @property
    def families(self) -> frozenset[Family]:
        """What both sides agreed on."""
        offered = self._offer.families if self._offer else frozenset[Family]()
        return offered if self._configured is None else offered & self._configured

    @property
    def hold_time(self) -> int:
        """Seconds; the smaller of both sides'."""
        return min(self._hold_time, self._offer.hold_time) if self._offer else self._hold_time

    @property
    def graceful_restart(self) -> bool:
        """Whether the peer has it (RFC 4724)."""
        return self._offer is not None and self._offer.graceful_restart

    @property
    def extended_next_hop(self) -> bool:
        """Whether the peer takes IPv4 routes with IPv6 next hops (RFC 8950)."""
        return self._offer is not None and self._offer.extended_next_hop

    @property
    def peer_asn(self) -> int:
        """The AS number in the peer's last OPEN; 0 before there was one."""
        return self._offer.asn if self._offer else 0

    @property
    def preserved(self) -> frozenset[Family]:
        """Families for which the peer went on forwarding while it restarted (RFC 4724 §4.2)."""
        return self._offer.preserved if self._offer else frozenset()

    @property
    def restarts(self) -> bool:
        """Whether the peer has just restarted gracefully, and holds its routes until End-of-RIB."""
        return self._offer is not None and self._offer.restarted and bool(self._offer.restartable)

    def kept_after(self, event: Down) -> tuple[frozenset[Family], int]:
        """Families whose paths are kept after this end of a session that is up, and for how many seconds.

        Only where TCP ended without a NOTIFICATION (RFC 4724 §4.2); after the hold timer, which is told by
        one, nothing of the peer is believed any more. The families are those that its OPEN named.
        """
        if self._offer is None or not event.reason.startswith("closing connection"):
            return frozenset(), 0
        return self._offer.restartable & self.families, self._offer.restart_time

    @property
    def capabilities(self) -> Capabilities | None:
        """What the session has; None while it is not Established."""
        offer = self._offer
        if offer is None or self.state is not SessionState.ESTABLISHED:
            return None
        return Capabilities(
            hold_time=self.hold_time,
            families=tuple(sorted(self.families)),
            router_id=offer.router_id,
            four_byte_asn=offer.four_byte_asn,
            route_refresh=offer.route_refresh,
            graceful_restart=offer.graceful_restart,
            restart_time=offer.restart_time,
            extended_next_hop=offer.extended_next_hop,
        )

    def found(self, neighbor: Neighbor, now: float, *, first: bool = True) -> None:
        """What `show neighbor` tells; a session that was up all the while keeps its history.

        `first`: nothing was told on this connection before. An event of a session that came up while nobody
        listened is heard late, so the first answer may know better since when it is up; a later one may be
        older than the event.
        """
        up = neighbor.state is SessionState.ESTABLISHED
        since = now - neighbor.seconds
        if self._up_before is not None:
            self._count_loss(now, again=since if up else None)
        if neighbor.state is not self.state or (first and up and since < self.since - _ROUNDING):
            self.since = since
        self.state = neighbor.state
        self._hold_time = neighbor.hold_time
        self._configured = neighbor.families
        if up:
            self._offer = neighbor.offer
        elif self._attempt is None:
            self._attempt = now

    def trying(self, event: Trying) -> None:
        """A step of the state machine on its way up, or its fall back to the start."""
        self._enter(event.state, event.time)
        if event.attempt:
            self._attempt, self._progress = event.time, False
        elif event.state in (SessionState.OPENSENT, SessionState.OPENCONFIRM):
            self._progress = True

    def opened(self, event: Opened) -> None:
        """The peer's OPEN."""
        self._offer = event.offer

    def up(self, now: float) -> None:
        """Established."""
        self._count_loss(now, again=None)
        self._enter(SessionState.ESTABLISHED, now)
        self._obstacle, self._attempt = "", None

    def notified(self, event: Notified) -> None:
        """The peer said why it ends the session: better than what ExaBGP will say."""
        self._told = reasons.received(event.code, event.subcode, event.message)

    def down(self, event: Down) -> None:
        """A connection ended."""
        cause = self._told if event.reason.startswith("notification received") else ""
        cause = cause or self._cause_of(event)
        if self.state is SessionState.ESTABLISHED:
            self.flaps += 1
            self._loss = cause
        else:
            self._obstacle = cause
        self._told, self._error_at = "", event.time
        self._enter(SessionState.CONNECT, event.time)
        self._attempt = None

    def lost(self, now: float) -> None:
        """ExaBGP cannot be reached."""
        if self.state is SessionState.ESTABLISHED:
            self._up_before = self.since
        if self.state is not SessionState.UNKNOWN:
            self.state, self.since = SessionState.UNKNOWN, now

    def last_error(self, now: float) -> str:
        """Why it went down last, and what keeps it from coming up again; empty when there is nothing."""
        obstacle = reasons.silent(self.peer) if self.silent(now) else self._obstacle
        return f"{self._loss}; now: {obstacle}" if self._loss and obstacle else self._loss or obstacle

    def last_error_at(self, now: float) -> float:
        """When that happened; 0 when there is nothing."""
        waiting = self._waiting(now)
        return self._error_at if waiting is None or waiting <= ANSWER else now - waiting

    def silent(self, now: float) -> bool:
        """Whether the present attempt to connect gets no answer at all."""
        waiting = self._waiting(now)
        return waiting is not None and waiting > ANSWER

    def news_in(self, now: float) -> float:
        """Seconds until `last_error` changes by itself; infinite when it does not."""
        waiting = self._waiting(now)
        return float("inf") if waiting is None or waiting > ANSWER else ANSWER - waiting + 0.01

    def _waiting(self, now: float) -> float | None:
        """Seconds since the present attempt to connect began; None when there is none."""
        if self.state is not SessionState.CONNECT or self._attempt is None:
            return None
        return now - self._attempt

    def _cause_of(self, event: Down) -> str:
        if event.reason.startswith("closing connection") and self.state is not SessionState.ESTABLISHED:
            if self._progress:
                return reasons.unwelcome(self.peer)
            quick = self._attempt is None or event.time - self._attempt < _AT_ONCE
            return reasons.refused(self.peer) if quick else reasons.unreachable(self.peer)
        return reasons.down(event.reason, hold_time=self.hold_time)

    def _count_loss(self, now: float, again: float | None) -> None:
        """ExaBGP can be reached again: the session that was up went down, unless it is up since then."""
        if self._up_before is not None and (again is None or again > self._up_before + _ROUNDING):
            self.flaps += 1
            self._loss = "ExaBGP on this node restarted, or could not be reached while the session went down"
            self._error_at = now
        self._up_before = None

    def _enter(self, state: SessionState, now: float) -> None:
        if state is not self.state:
            self.state, self.since = state, now
