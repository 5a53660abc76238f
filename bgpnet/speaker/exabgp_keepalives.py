"""When ExaBGP 5.0.15 sends a KEEPALIVE, in its own process, and what it concludes from no answer to it.

It sends one in each third of the hold time, and watches only what comes in. Both matter where a link is dead
one way. Who hears nothing gets no acknowledgements either: after one message TCP retransmits that one alone,
and what follows, also the NOTIFICATION, stays in the sender. So the side that still hears waits for its own
hold time since the last KEEPALIVE that came through, which may have been sent as long after the link died as
there is between two.
"""

import socket
import struct
import time
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
"""RFC 9687, which lets a sender wait longer: it means a peer that does not read, this one is not reached."""

_COUNTS: Final = struct.Struct("=3xB20xI92xQ")
"""Of `struct tcp_info` (linux/tcp.h): `tcpi_probes`, `tcpi_unacked` and `tcpi_bytes_acked`."""


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


class KeepaliveTimer(timer.SendTimer):  # type: ignore[misc]  # ExaBGP is not typed
    """When the next KEEPALIVE is due, to the fraction of a second."""

    def __init__(self, session: object, holdtime: int) -> None:
        super().__init__(session, holdtime)
        self._interval = max(1.0, holdtime / SHARE)
        self._sent = time.monotonic()

    def need_ka(self) -> bool:
        """Whether it is due; then it counts as sent."""
        now = time.monotonic()
        if not self.keepalive or now - self._sent < self._interval:
            return False
        self._sent = now
        return True


class Progress:
    """Whether what is sent arrives. Pure; times are monotonic seconds."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._acknowledged = -1
        self._since: float | None = None

    def is_lost(self, sent: Sent, now: float) -> bool:
        """Whether TCP waits for longer than there is patience, and nothing was acknowledged."""
        moved, self._acknowledged = sent.acknowledged != self._acknowledged, sent.acknowledged
        if sent.unanswered == 0:
            self._since = None
        elif moved or self._since is None:
            self._since = now
        return self._since is not None and now - self._since > self._patience


class Keepalives(keepalive.KA):  # type: ignore[misc]  # likewise
    """ExaBGP's own, at that pace, and with a look at what became of them."""

    def __init__(self, session: object, proto: Any) -> None:  # noqa: ANN401 - ExaBGP's
        super().__init__(session, proto)
        holdtime = proto.negotiated.holdtime
        self.send_timer = KeepaliveTimer(session, holdtime)
        self._proto, self._progress = proto, Progress(PATIENCE * holdtime)
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
                raise Notify(SEND_HOLD_TIMER_EXPIRED, 0, "nothing that was sent is acknowledged")
        return super().__call__()


def sent(connection: socket.socket) -> Sent:
    """Ask the kernel."""
    told = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _COUNTS.size)
    probes, segments, acknowledged = _COUNTS.unpack(told)
    return Sent(probes + segments, acknowledged)


def install() -> None:
    """Have ExaBGP use them in this process."""
    peer.KA = Keepalives
