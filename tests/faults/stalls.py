"""Whether the machine itself stood still during a run.

The nodes of a lab are one machine: while another program has the kernel's lock of links and routes, no router
of the lab gets further, as if all of them had stopped at once. That is no fault of the matrix.
"""

import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from tests import netlab
from tests.netlab.errors import LabRunError

PROGRAM: Final = Path(netlab.__file__).parent / "inside" / "stalls.py"
KEPT: Final = 4 * 600
"""Lines: of ten minutes."""
PATIENCE: Final = 60.0
"""Seconds for the machine to go on."""


class Wait(NamedTuple):
    """Seconds, at most, that the machine kept everybody waiting until `at` (monotonic seconds)."""

    at: float
    processor: float
    lock: float


class Stalls:
    """What the program tells."""

    def __init__(self) -> None:
        self._waits: deque[Wait] = deque(maxlen=KEPT)
        self._told = threading.Condition()

    def add(self, wait: Wait) -> None:
        """Take note of a line."""
        with self._told:
            self._waits.append(wait)
            self._told.notify()

    def longest(self, since: float) -> float:
        """Seconds that the machine kept everybody waiting at most from that moment until now.

        Raises:
            LabRunError: the program says nothing any more.

        """
        now = time.monotonic()
        with self._told:
            if not self._told.wait_for(lambda: bool(self._waits) and self._waits[-1].at >= now, PATIENCE):
                raise LabRunError(f"{PROGRAM.name} has said nothing for {PATIENCE:g} s")
            return max(max(wait.processor, wait.lock) for wait in self._waits if wait.at >= since)


@contextmanager
def watched() -> Iterator[Stalls]:
    """The machine is watched inside the block."""
    stalls = Stalls()
    command = ("unshare", "--net", "--", sys.executable, "-u", str(PROGRAM))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        reader = threading.Thread(target=_read, args=(program, stalls))
        reader.start()
        try:
            yield stalls
        finally:
            program.terminate()
            reader.join()


def _read(program: subprocess.Popen[str], stalls: Stalls) -> None:
    for line in program.stdout or ():
        stalls.add(Wait(*map(float, line.split())))
