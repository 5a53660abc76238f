"""A process that gets no more memory: the kernel kills it, as it does with a container at its limit.

By a memory cgroup (v1) of the process alone. Its memory so far stays where it was accounted for, so the very
next page that it touches is one too many.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from tests.netlab import processes
from tests.netlab.errors import LabRunError

MEMORY: Final = Path("/sys/fs/cgroup/memory")
EMPTY: Final = 5.0
"""Seconds for the cgroup to become empty."""


def available() -> bool:
    """Whether this machine has memory cgroups of version 1."""
    return (MEMORY / "memory.limit_in_bytes").exists()


@contextmanager
def starved(pid: int) -> Iterator[Callable[[], int]]:
    """Inside the block the process has all the memory that it gets. Given: how many the kernel has killed.

    Whom it starts meanwhile is in the same case; who outlives the block has no limit any more.

    Raises:
        LabRunError: the cgroup does not become empty.
    """
    group, home = MEMORY / f"bgpnet-lab-{os.getpid()}-{pid}", _group(pid)
    group.mkdir()
    try:
        _write(group / "cgroup.procs", pid)
        _write(group / "memory.limit_in_bytes", 0)
        yield lambda: _killed(group)
    finally:
        deadline = time.monotonic() + EMPTY
        while not _gone(group, home):
            if time.monotonic() > deadline:
                raise LabRunError(f"{group} has processes: {(group / 'cgroup.procs').read_text()}")
            time.sleep(0.01)


def _gone(group: Path, home: Path) -> bool:
    for pid in (group / "cgroup.procs").read_text(encoding="ascii").split():
        if processes.alive(int(pid)):
            with suppress(OSError):  # it ended meanwhile
                _write(home / "cgroup.procs", int(pid))
    with suppress(OSError):
        group.rmdir()
    return not group.exists()


def _group(pid: int) -> Path:
    for line in Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8").splitlines():
        _, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            return MEMORY / path.lstrip("/")
    return MEMORY


def _killed(group: Path) -> int:
    told = dict(
        line.split() for line in (group / "memory.oom_control").read_text(encoding="ascii").splitlines()
    )
    return int(told["oom_kill"])


def _write(file: Path, number: int) -> None:
    file.write_text(f"{number}\n", encoding="ascii")
