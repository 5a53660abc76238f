"""What a relay leaves beside its socket: which life of ExaBGP it serves, and its own process number."""

import contextlib
import logging
import os
import signal
from pathlib import Path, PurePosixPath

from bgpnet.speaker.relay import life_of

_log = logging.getLogger(__name__)


def relay_pid(relay: PurePosixPath, exabgp_pid: int | None) -> int | None:
    """The process number of the relay that serves this ExaBGP; None before it has started."""
    life, pid = _word(relay)
    return pid if exabgp_pid is not None and life.startswith(f"{exabgp_pid}-") else None


def end_orphan(relay: PurePosixPath) -> None:
    """End an ExaBGP that outlived its supervisor: one killed before the kernel knew of their bond."""
    life, _ = _word(relay)
    with contextlib.suppress(OSError, ValueError):
        pid = int(life.partition("-")[0])
        if life_of(pid) == life:
            _log.warning("ending an orphaned exabgp pid=%d", pid)
            os.kill(pid, signal.SIGKILL)


def _word(relay: PurePosixPath) -> tuple[str, int]:
    try:
        life, pid = Path(f"{relay}.life").read_text().split()
        return life, int(pid)
    except (OSError, ValueError):
        return "", 0
