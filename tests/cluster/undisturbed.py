"""Programs that come before all others of the machine while milliseconds are measured."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def undisturbed(pids: Iterable[int]) -> Iterator[None]:
    """These processes, this one and what they start run in real time (sched(7)), where the kernel lets us."""
    whole = {os.getpid(), *pids}
    _scheduled(whole, os.SCHED_RR, 1)
    try:
        yield
    finally:
        _scheduled(whole, os.SCHED_OTHER, 0)


def _scheduled(pids: Iterable[int], policy: int, priority: int) -> None:
    for pid in pids:
        with suppress(OSError):  # it ended meanwhile, or we lack the capability
            for thread in Path(f"/proc/{pid}/task").iterdir():
                with suppress(OSError):
                    os.sched_setscheduler(int(thread.name), policy, os.sched_param(priority))
