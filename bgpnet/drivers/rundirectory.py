"""The run directory: made, found usable, and held by one process of a kind."""

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bgpnet.model.errors import UsageError
from bgpnet.model.rundir import RunDir

LONGEST_ROOT: Final = 74
"""Bytes of its path: `speaker/.supervisor.sock.PID`, as which the longest socket below it is bound, has to
fit into the 108 bytes of `sun_path` (linux/un.h)."""


def prepare(run_dir: RunDir) -> None:
    """Make the run directory where it is missing.

    Raises:
        UsageError: it is no directory, may not be written, or its path is too long for a socket.
    """
    root = Path(run_dir.root)
    length = len(os.fsencode(root))
    if length > LONGEST_ROOT:
        raise UsageError(
            f"--run-dir is {str(root)!r}, {length} bytes long; sockets below it take at most {LONGEST_ROOT}: "
            "give a shorter path"
        )
    probe = root / f".probe.{os.getpid()}"
    try:
        root.mkdir(mode=0o755, parents=True, exist_ok=True)
        probe.touch(mode=0o600)
        probe.unlink(missing_ok=True)  # in their containers all processes are number 1
    except OSError as error:
        raise UsageError(
            f"--run-dir is {str(root)!r}; it cannot be written ({error.strerror}); give a directory on tmpfs "
            "that this process may write"
        ) from error


def holders(run_dir: RunDir) -> tuple[str, ...]:
    """Which of a node's processes work on this run directory now."""
    locks = {
        "agent": Path(run_dir.root) / "agent.lock",
        "bfd": Path(run_dir.root) / "bfd.lock",
        "cni": Path(run_dir.cni) / "lock",
        "speaker": Path(run_dir.speaker) / "lock",
    }
    return tuple(name for name, path in locks.items() if _is_held(path))


def require_stopped(run_dir: RunDir, *processes: str) -> None:
    """Make sure that these do not work on this run directory.

    Raises:
        UsageError: one does.
    """
    running = [each for each in holders(run_dir) if each in processes]
    if running:
        raise still_running(run_dir, running)


def still_running(run_dir: RunDir, running: Iterable[str]) -> UsageError:
    """What to say of processes that would undo what is asked for."""
    return UsageError(
        f"--run-dir is {str(run_dir.root)!r}; bgpnet {', '.join(running)} runs on it and would put "
        "everything back: stop it first"
    )


def _is_held(path: Path) -> bool:
    try:
        lock = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


@contextmanager
def held(run_dir: RunDir, process: str) -> Iterator[None]:
    """Hold the run directory for one process of this name; the kernel lets go when the process ends.

    Raises:
        UsageError: another one holds it.
    """
    path = Path(run_dir.root) / f"{process}.lock"
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise UsageError(
            f"--run-dir is {str(run_dir.root)!r}; another bgpnet {process} holds it: stop that one, or give "
            "this one a run directory of its own"
        ) from None
    try:
        yield
    finally:
        os.close(lock)
