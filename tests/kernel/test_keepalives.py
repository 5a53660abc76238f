"""What the kernel tells of a connection whose packets are lost, on the way or by this host itself."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import pytest
from exabgp.bgp.message.open.holdtime import HoldTime

from bgpnet.speaker.exabgp_keepalives import LOOK, KeepaliveTimer, Progress, have_asked, sent
from tests.kernel.wires import wires
from tests.netns import Namespace

DEADLINE = 20.0
PATIENCE = 1.0
HERE, THERE = "192.0.2.1", "192.0.2.2"


@dataclass(frozen=True)
class Connected:
    """Both namespaces and both ends of a connection between them."""

    here: Namespace
    there: Namespace
    ours: socket.socket
    theirs: socket.socket

    def verdict(self, stalled: float = 60.0) -> Callable[[], bool]:
        """Sends a byte at each look, and asks what became of them."""
        progress = Progress(PATIENCE, stalled)

        def looks_lost() -> bool:
            time.sleep(LOOK)
            with suppress(BlockingIOError):
                self.ours.send(b"x")
            return progress.is_lost(sent(self.ours), time.monotonic())

        return looks_lost


@contextmanager
def connected(*, retransmits: bool = True) -> Iterator[Connected]:
    """With `retransmits` off it does so after half a minute, as after a handshake that took seconds."""
    with wires() as (here, there):
        if not retransmits:
            here.ip("route", "change", "192.0.2.0/24", "dev", "a0", "src", HERE, "rto_min", "30s")
        with there.entered():
            server = socket.create_server((THERE, 0))
        with server:
            with here.entered():
                ours = socket.create_connection(server.getsockname())
            theirs, _ = server.accept()
            with ours, theirs:
                ours.setblocking(False)  # noqa: FBT003 - its only argument
                yield Connected(here, there, ours, theirs)


def drop(namespace: Namespace, link: str, hook: str) -> None:
    """Lose what comes in or goes out there from now on."""
    chain = f"{{ type filter hook {hook} device {link} priority 0; policy drop; }}"
    namespace.run("nft", f"add table netdev t; add chain netdev t c {chain}")


@pytest.mark.parametrize(
    ("side", "hook", "retransmits"),
    [
        ("there", "ingress", True),
        ("there", "ingress", False),
        ("here", "ingress", True),
        ("here", "ingress", False),
        ("here", "egress", True),  # not False: TCP probes no sooner than it would retransmit
    ],
)
def test_a_peer_is_lost_where_nothing_arrives_and_where_nothing_leaves(
    side: str, hook: str, *, retransmits: bool
) -> None:
    with connected(retransmits=retransmits) as pair:
        lost = pair.verdict()
        assert not any(lost() for _ in range(3))
        namespace, link = (pair.there, "b0") if side == "there" else (pair.here, "a0")
        drop(namespace, link, hook)
        deadline = time.monotonic() + DEADLINE
        while not lost():
            assert time.monotonic() < deadline, sent(pair.ours)


def test_a_peer_that_does_not_read_is_not_lost_until_it_has_not_for_long() -> None:
    with connected() as pair:
        with suppress(BlockingIOError):
            while True:
                pair.ours.send(bytes(1 << 16))
        lost = pair.verdict()
        looks = int(3 * PATIENCE / LOOK)
        assert not any(lost() for _ in range(looks))
        stalled, deadline = pair.verdict(PATIENCE), time.monotonic() + DEADLINE
        while not stalled():
            assert time.monotonic() < deadline, sent(pair.ours)


def test_who_hears_nothing_says_nothing_and_its_goodbye_arrives() -> None:
    with connected() as pair:
        have_asked(pair.ours, 1)
        pair.theirs.setblocking(False)  # noqa: FBT003 - its only argument
        timer = KeepaliveTimer(lambda: "session", HoldTime(9), lambda: sent(pair.ours).silence)

        def heard(most: int, seconds: float) -> bytes:
            """What the peer gets within that time, up to so many bytes."""
            got, end = b"", time.monotonic() + seconds
            while len(got) < most and time.monotonic() < end:
                time.sleep(0.01)
                if timer.need_ka():
                    pair.ours.send(b"k")
                with suppress(BlockingIOError):
                    got += pair.theirs.recv(10)
            return got

        assert heard(2, DEADLINE) == b"kk"
        drop(pair.here, "a0", "ingress")
        timer.need_ka()  # a look: what came until now is old
        assert heard(1, 3.0) == b""
        pair.ours.send(b"n")
        assert heard(1, DEADLINE) == b"n"
