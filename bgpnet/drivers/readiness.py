"""How the agent tells the CNI shim that the node can take pods: two small files in the run directory.

The shim answers STATUS from them (plugin/status.c), also while the CNI server restarts. `ready` is written
once and outlives the agent; it goes with a reboot, as the run directory is in memory. `heartbeat` holds the
milliseconds of CLOCK_MONOTONIC: a clock that is set forward must not take a Node out of service.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from bgpnet.drivers import atomic

BEAT_SECONDS: Final = 5.0
"""A sign of life is written no more often than this; the shim misses one after 60 s."""


class Readiness:
    """Writes both files."""

    def __init__(self, ready: Path, heartbeat: Path, clock: Callable[[], float]) -> None:
        """`clock` gives seconds of CLOCK_MONOTONIC."""
        self._ready = ready
        self._heartbeat = heartbeat
        self._clock = clock
        self._last: float | None = None

    def beat(self) -> None:
        """Give a sign of life.

        Raises:
            OSError: it cannot be written.
        """
        now = self._clock()
        if self._last is None or now - self._last >= BEAT_SECONDS:
            atomic.replace(self._heartbeat, b"%d\n" % int(now * 1000), 0o644)
            self._last = now

    def mark_ready(self) -> None:
        """The node is route-ready: it stays ready until it boots again.

        Raises:
            OSError: it cannot be written.
        """
        if not self._ready.exists():
            atomic.replace(self._ready, b"", 0o644)
