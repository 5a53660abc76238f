"""Child processes that are kept alive: spawned to die with their parent, reaped, started again.

Shared by the speaker's and the node's supervisor. Both may be process 1 of a container, so both reap
every child, also those they inherited.
"""

import contextlib
import logging
import os
import signal
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

_log = logging.getLogger(__name__)

STEADY: Final = 2.0
"""Seconds: a process that lived this long did not die "at once"."""

FIRST_DELAY: Final = 0.1
"""Seconds before the second start in a row of a process that dies at once; it doubles from there."""

LONGEST_DELAY: Final = 5.0
"""Seconds: the bound of that doubling."""

_PARENT: Final = "BGPNET_PARENT"
"""Variable by which a child hears the process number of its parent."""


@dataclass(frozen=True, slots=True)
class Child:
    """A program to keep running. `environment` None: the supervisor's own."""

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] | None = None


class Keeper:
    """When a child is to be started: pure, told of starts and ends, asked for the next moment.

    The first death is answered at once. Deaths within `STEADY` seconds of a start, one after the other,
    are answered after 0.1 s, 0.2 s, 0.4 s … up to `LONGEST_DELAY`.
    """

    def __init__(self, child: Child) -> None:
        self.child = child
        self.pid: int | None = None
        self.started = 0.0
        self.starts = 0
        self.due: float | None = 0.0
        self._hasty = 0

    def start(self, pid: int, now: float) -> None:
        """The child runs as `pid` since `now` (monotonic seconds)."""
        self.pid, self.started, self.due = pid, now, None
        self.starts += 1

    def end(self, now: float) -> None:
        """The child is dead; `due` is when to start it again."""
        self._hasty = self._hasty + 1 if now - self.started < STEADY else 0
        delay = 0.0 if self._hasty <= 1 else min(FIRST_DELAY * 2.0 ** min(self._hasty - 2, 16), LONGEST_DELAY)
        self.pid, self.due = None, now + delay

    @property
    def restarts(self) -> int:
        """How often it was started again."""
        return max(0, self.starts - 1)


def spawn(child: Child, output: int | None = None) -> int:
    """Start a child that the kernel kills when this process dies; its pid.

    `output` is a descriptor for its standard output and error, None leaves them ours. A program
    that cannot be executed shows as a death with status 127, so that its keeper's delays hold for it too.
    """
    environment = dict(os.environ if child.environment is None else child.environment)
    environment[_PARENT] = str(os.getpid())
    actions = (
        [(os.POSIX_SPAWN_DUP2, output, 1), (os.POSIX_SPAWN_DUP2, output, 2)] if output is not None else []
    )
    argv = ["setpriv", "--pdeathsig", "KILL", *child.argv]
    while True:
        try:
            return os.posix_spawnp(
                argv[0],
                argv,
                environment,
                file_actions=actions,
                setsigmask=(),
                setsigdef=(signal.SIGTERM, signal.SIGINT, signal.SIGPIPE, signal.SIGCHLD),
            )
        except FileNotFoundError:
            if argv[0] != "setpriv":
                raise
            _log.warning(
                "no setpriv (install util-linux): a child will outlive a killed supervisor child=%s",
                child.name,
            )
            argv = ["env", *child.argv]


def orphaned() -> bool:
    """Whether the process that spawned this one died before `setpriv` had made the bond between them.

    Asked once, at the start: from then on the kernel sees to it. A process that `spawn` did not start has
    nobody to follow.
    """
    parent = os.environ.pop(_PARENT, None)
    return parent is not None and parent != str(os.getppid())


def reap() -> list[tuple[int, int]]:
    """Every child that has ended since, with its exit code (negative: the signal that killed it)."""
    ended = []
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            ended.append((pid, os.waitstatus_to_exitcode(status)))
    return ended


def cause(code: int) -> str:
    """An exit code of `reap` in words."""
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def tell(pid: int | None, number: signal.Signals) -> None:
    """Send a signal to a child that has not been reaped yet; nothing when there is none."""
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


@contextlib.contextmanager
def signals() -> Iterator[socket.socket]:
    """A socket that becomes readable on SIGTERM, SIGINT and SIGCHLD: one byte each, the signal's number."""
    reader, writer = socket.socketpair()
    reader.setblocking(False)  # noqa: FBT003 - the standard library's signature
    writer.setblocking(False)  # noqa: FBT003 - likewise
    watched = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)
    before = {number: signal.signal(number, lambda _number, _frame: None) for number in watched}
    wakeup = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    try:
        yield reader
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in before.items():
            signal.signal(number, handler)
        reader.close()
        writer.close()


def received(reader: socket.socket) -> set[int]:
    """The signals that came since."""
    try:
        return set(reader.recv(4096))
    except BlockingIOError:
        return set()
