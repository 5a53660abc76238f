"""Takes the run directory away when nothing of ours shall be left on a host."""

import shutil
from contextlib import suppress
from pathlib import Path

from bgpnet.drivers import atomic
from bgpnet.model.rundir import RunDir


def remove(run_dir: RunDir) -> None:
    """Remove what is ours in it, and the directory itself if nothing else is there.

    The record of sysctls stays as long as one of them could not be restored.

    Raises:
        OSError: something cannot be removed.
    """
    root = Path(run_dir.root)
    if not root.is_dir():
        return
    files = (
        *(run_dir.cni_socket, run_dir.agent_socket, run_dir.blocks, run_dir.last_good, run_dir.bfd_sessions),
        *(
            run_dir.passwords,
            run_dir.bfd_socket,
            run_dir.bfd_state,
            run_dir.ready,
            run_dir.drain,
            run_dir.heartbeat,
        ),
        *(root / "agent.lock", root / "bfd.lock"),
    )
    for path in map(Path, files):
        atomic.clean(path)
        path.unlink(missing_ok=True)
    for folder in map(Path, (run_dir.cni, run_dir.speaker)):
        if folder.is_dir():
            shutil.rmtree(folder)
    with suppress(OSError):
        root.rmdir()
