"""The table of open calls: what comes late, what never asks, what hangs up."""

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Thread
from typing import cast

from bgpnet.cni.calls import Calls
from bgpnet.cni.commands import Commands
from bgpnet.cni.housekeeping import Housekeeping


class NothingToKeep:
    """Housekeeping that is due all the time and does nothing, so that the loop goes round."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def fileno(self) -> int:
        return self._sock.fileno()

    def due_in(self) -> float:
        return 0.001

    def work(self) -> None:
        pass


class Clock:
    """Shows what it is set to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def serving(path: Path, clock: Clock) -> Iterator[None]:
    """The table at work, with nobody who answers."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    quiet, _other = pair = socket.socketpair()
    stop, stopper = socket.socketpair()
    with closing(listener), pair[0], pair[1], stop, stopper:
        listener.bind(str(path))
        listener.listen(1024)
        calls = Calls(listener, cast("Commands", None), cast("Housekeeping", NothingToKeep(quiet)), clock)
        thread = Thread(target=calls.run, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stopper.send(b"x")
            thread.join(10)


def connected(path: Path) -> socket.socket:
    call = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    call.settimeout(10)
    call.connect(str(path))
    return call


def hung_up_on(call: socket.socket) -> bool:
    """Whether the server has hung up, once it has dealt with what came before."""
    call.settimeout(0)
    try:
        return call.recv(1) == b""
    except BlockingIOError:
        return False


def go_round(path: Path) -> None:
    """Wait until the server has gone round after now: it has hung up on somebody who came later."""
    for _ in range(2):
        with connected(path) as call:
            call.send(b"nonsense")
            assert call.recv(1) == b""


def test_a_call_that_never_asks_is_hung_up_on(tmp_path: Path) -> None:
    path, clock = tmp_path / "s", Clock()
    with serving(path, clock), connected(path) as old:
        go_round(path)
        clock.now = 29.0
        with connected(path) as new:
            go_round(path)
            assert not hung_up_on(old)
            clock.now = 30.0
            old.settimeout(10)
            assert old.recv(1) == b""
            go_round(path)
            assert not hung_up_on(new)
            clock.now = 59.0
            new.settimeout(10)
            assert new.recv(1) == b""


def test_nonsense_is_hung_up_on_whenever_it_comes(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with serving(path, Clock()):
        calls = [connected(path) for _ in range(300)]  # more than the table takes at once
        for call in calls:
            call.send(b"nonsense")
        for call in calls:
            assert call.recv(1) == b""
            call.close()
