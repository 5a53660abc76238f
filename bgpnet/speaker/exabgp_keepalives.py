"""When ExaBGP 5.0.15 sends a KEEPALIVE, in its own process, and what it concludes from no answer.

It sends one in each third of the hold time, and watches only what comes in. Both matter where a link is dead
one way. Who hears nothing gets no acknowledgements either: after one message TCP retransmits that one alone,
and what follows, also the NOTIFICATION, stays in the sender. So the side that still hears waits for its own
hold time since the last KEEPALIVE that came through.

Therefore one is sent only to a peer that has just been heard. TCP asks in each pause (SO_KEEPALIVE): that is
no message, so the peer's hold timer does not begin anew. Where nothing answers no KEEPALIVE goes out, and
nothing is on its way that a NOTIFICATION would have to wait for.

And a peer that is there, says KEEPALIVE, and takes nothing is given up after minutes: what it has of us is
old and gets no newer (RFC 9687).
"""

import socket
import struct
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from exabgp.bgp import timer
from exabgp.bgp.message import Notify
from exabgp.reactor import keepalive, peer

SHARE: Final = 9
"""KEEPALIVEs in a hold time, but never more than one in a second (RFC 4271 §4.4)."""

PATIENCE: Final = 2 / 3
"""Of the hold time, for which TCP may wait for an acknowledgement."""

LOOK: Final = 0.25
"""Seconds between two looks at what was acknowledged."""

SEND_HOLD_TIMER_EXPIRED: Final = 8
"""RFC 9687: a peer that does not read. Here also one that is not reached, which shows sooner."""

STALLED: Final = 480.0
"""Seconds for which a peer may take nothing, or twice the hold time where that is longer (RFC 9687 §3.1)."""

FRESH: Final = 0.1
"""Seconds for which a peer counts as just heard."""

MOST_PROBES: Final = 127
"""Of TCP without an answer before the kernel ends the connection: its maximum. `Progress` is sooner."""

_COUNTS: Final = struct.Struct("=3xB20xI24xII60xQ16xI")
"""Of `struct tcp_info` (linux/tcp.h): `tcpi_probes`, `tcpi_unacked`, `tcpi_last_data_recv`,
`tcpi_last_ack_recv`, `tcpi_bytes_acked` and `tcpi_notsent_bytes`."""


class Sent(NamedTuple):
    """What the kernel tells of a connection's sending."""

    unanswered: int
    """Segments that are not acknowledged, and probes in a row that nothing answered.

    None while a peer only reads slowly: its kernel acknowledges, and answers when its window is closed. What
    this host itself drops on its way out TCP counts as not sent, and probes. Retransmissions tell less: the
    timer of a connection whose first packets were lost can stand at half a minute.
    """
    acknowledged: int
    """Bytes."""
    silence: float
    """Seconds since anything came from the peer."""
    waiting: int
    """Bytes for which the peer has had no room yet."""


class KeepaliveTimer(timer.SendTimer):  # type: ignore[misc]  # ExaBGP is not typed
    """When the next KEEPALIVE is to be sent, to the fraction of a second.

    Args:
        session: whose it is.
        holdtime: seconds.
        silence: tells the seconds since anything came from the peer.

    """

    def __init__(self, session: object, holdtime: int, silence: Callable[[], float]) -> None:
        super().__init__(session, holdtime)
        self._interval = interval(holdtime)
        self._silence = silence
        self._sent = self._looked = time.monotonic()

    def need_ka(self) -> bool:
        """Whether it is due, and the peer was just heard, or since the last look; then it counts as sent."""
        now = time.monotonic()
        looked, self._looked = self._looked, now
        if not self.keepalive or now - self._sent < self._interval:
            return False
        if self._silence() > max(FRESH, now - looked):
            return False
        self._sent = now
        return True


class Progress:
    """Whether what is sent arrives. Pure; times are monotonic seconds."""

    def __init__(self, patience: float, stalled: float = STALLED) -> None:
        self._patience, self._stalled = patience, stalled
        self._acknowledged = -1
        self._since: float | None = None
        self._taken: float = 0

    def is_lost(self, sent: Sent, now: float) -> bool:
        """Whether TCP waits for longer than there is patience, and nothing was acknowledged, or taken."""
        moved, self._acknowledged = sent.acknowledged != self._acknowledged, sent.acknowledged
        if moved or not sent.waiting:
            self._taken = now
        if sent.unanswered == 0:
            self._since = None
        elif moved or self._since is None:
            self._since = now
        unreached = self._since is not None and now - self._since > self._patience
        return unreached or now - self._taken > self._stalled


class Keepalives(keepalive.KA):  # type: ignore[misc]  # likewise
    """ExaBGP's own, at that pace, and with a look at what became of them."""

    def __init__(self, session: object, proto: Any) -> None:  # noqa: ANN401 - ExaBGP's
        super().__init__(session, proto)
        holdtime = proto.negotiated.holdtime
        connection = proto.connection.io
        if holdtime:
            have_asked(connection, round(interval(holdtime)))
        self.send_timer = KeepaliveTimer(session, holdtime, lambda: sent(connection).silence)
        self._proto, self._progress = proto, Progress(PATIENCE * holdtime, max(STALLED, 2 * holdtime))
        self._look = LOOK if holdtime else float("inf")
        self._looked = time.monotonic()

    def __call__(self) -> Any:  # noqa: ANN401 - as it is there
        """Send what is due.

        Raises:
            Notify: the peer has acknowledged nothing for too long.

        """
        now = time.monotonic()
        if now - self._looked >= self._look:
            self._looked = now
            if self._progress.is_lost(sent(self._proto.connection.io), now):
                raise Notify(SEND_HOLD_TIMER_EXPIRED, 0, "nothing that was sent is acknowledged, or taken")
        return super().__call__()


def sent(connection: socket.socket) -> Sent:
    """Ask the kernel."""
    told = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _COUNTS.size)
    probes, segments, data, acknowledgement, acknowledged, waiting = _COUNTS.unpack(told)
    return Sent(probes + segments, acknowledged, min(data, acknowledgement) / 1000, waiting)


def have_asked(connection: socket.socket, pause: int) -> None:
    """Have the kernel ask the peer's for an answer when nothing came for as many seconds."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, pause)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, pause)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, MOST_PROBES)


def interval(holdtime: int) -> float:
    """Seconds between two KEEPALIVEs."""
    return max(1.0, holdtime / SHARE)


def install() -> None:
    """Have ExaBGP use them in this process."""
    peer.KA = Keepalives
