"""What the kernel tells of a connection whose packets are lost, on the way or by this host itself."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import pytest

from bgpnet.speaker.exabgp_keepalives import LOOK, Progress, sent
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

    def verdict(self) -> Callable[[], bool]:
        """Sends a byte at each look, and asks what became of them."""
        progress = Progress(PATIENCE)

        def looks_lost() -> bool:
            time.sleep(LOOK)
            with suppress(BlockingIOError):
                self.ours.send(b"x")
            return progress.is_lost(sent(self.ours), time.monotonic())

        return looks_lost


@pytest.fixture
def connected() -> Iterator[Connected]:
    with wires() as (here, there):
        with there.entered():
            server = socket.create_server((THERE, 0))
        with server:
            with here.entered():
                ours = socket.create_connection(server.getsockname())
            theirs, _ = server.accept()
            with ours, theirs:
                ours.setblocking(False)  # noqa: FBT003 - its only argument
                yield Connected(here, there, ours, theirs)


@pytest.mark.parametrize(("side", "hook"), [("there", "ingress"), ("here", "egress")])
def test_a_peer_is_lost_where_nothing_arrives_and_where_nothing_leaves(
    connected: Connected, side: str, hook: str
) -> None:
    lost = connected.verdict()
    assert not any(lost() for _ in range(3))
    namespace, link = (connected.there, "b0") if side == "there" else (connected.here, "a0")
    chain = f"{{ type filter hook {hook} device {link} priority 0; policy drop; }}"
    namespace.run("nft", f"add table netdev t; add chain netdev t c {chain}")
    deadline = time.monotonic() + DEADLINE
    while not lost():
        assert time.monotonic() < deadline, sent(connected.ours)


def test_a_peer_that_does_not_read_is_not_lost(connected: Connected) -> None:
    with suppress(BlockingIOError):
        while True:
            connected.ours.send(bytes(1 << 16))
    lost = connected.verdict()
    looks = int(3 * PATIENCE / LOOK)
    assert not any(lost() for _ in range(looks))
