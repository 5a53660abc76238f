"""Processes as /proc shows them, from outside of all namespaces."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Process:
    """A living process. `pid` is the one seen from outside."""

    pid: int
    argv: tuple[str, ...]


def sharing(kind: str, namespace: Path) -> list[int]:
    """PIDs of the living processes whose namespace of this kind (`net`, `pid`) is the one at this path."""
    home = namespace.stat().st_ino
    found = []
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            try:
                if (entry / "ns" / kind).stat().st_ino == home and alive(int(entry.name)):
                    found.append(int(entry.name))
            except OSError:
                continue  # it ended meanwhile
    return found


def described(pids: Iterable[int]) -> list[Process]:
    """The processes with their command lines; those that ended meanwhile are left out."""
    found = []
    for pid in pids:
        try:
            text = (_PROC / str(pid) / "cmdline").read_bytes()
        except OSError:
            continue
        found.append(Process(pid, tuple(word.decode(errors="replace") for word in text.split(b"\0") if word)))
    return found


def _stat(pid: int) -> list[str]:
    """Fields of proc(5) stat from the third on; empty when there is no such process."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def alive(pid: int) -> bool:
    """Whether a process runs; one that is dead and not yet collected does not."""
    fields = _stat(pid)
    return bool(fields) and fields[0] not in {"Z", "X"}


def parent(pid: int) -> int:
    """The process that started it, or has inherited it; 0 when there is no such process."""
    fields = _stat(pid)
    return int(fields[1]) if fields else 0


def children(pid: int) -> list[int]:
    """The processes that its first thread has started; none when there is no such process."""
    try:
        text = (_PROC / str(pid) / "task" / str(pid) / "children").read_text(encoding="ascii")
    except OSError:
        return []
    return [int(child) for child in text.split()]


def start_time(pid: int) -> int:
    """When a process started, in clock ticks since boot; 0 when there is no such process."""
    fields = _stat(pid)
    return int(fields[19]) if fields else 0


def wait_until_gone(pids: Iterable[int], timeout: float) -> list[int]:
    """Wait until the processes are dead; returns those that are not when the time (seconds) is over."""
    deadline = time.monotonic() + timeout
    left = [pid for pid in pids if alive(pid)]
    while left and time.monotonic() < deadline:
        time.sleep(0.005)
        left = [pid for pid in left if alive(pid)]
    return left
