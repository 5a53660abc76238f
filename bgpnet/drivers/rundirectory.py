"""Makes the run directory, and says early and plainly when it cannot be used."""

import os
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
        probe.unlink()
    except OSError as error:
        raise UsageError(
            f"--run-dir is {str(root)!r}; it cannot be written ({error.strerror}); give a directory on tmpfs "
            "that this process may write"
        ) from error
