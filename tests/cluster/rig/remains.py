"""What a test run that was killed has left of its machines: taken away by the next one."""

import os
import re
import secrets
import signal
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from tests.cluster.rig import cgroups, host
from tests.netlab import processes

_NAMED: Final = re.compile(r"bgpnet-(\d+)-[0-9a-f]{4}-n\d+")
"""A machine's name, with the process that made it."""


def mark() -> str:
    """What a cluster's parts have in their names: one process may have several clusters."""
    return f"{os.getpid()}-{secrets.token_hex(2)}"


def name(cluster: str, machine: str) -> str:
    """What the namespace, cgroups and disk of a machine are called, by its cluster's mark."""
    return f"bgpnet-{cluster}-{machine}"


def sweep() -> None:
    """Take away what is called after processes that are no more; of clusters that begin at once, one does."""
    with host.locked():
        _sweep()


def _sweep() -> None:
    for space in _orphans(path.name for path in Path("/run/netns").glob("*")):
        for pid in processes.sharing("net", Path("/run/netns", space)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        subprocess.run(["ip", "netns", "del", space], check=True, timeout=10)
    mounts = [line.split()[:2] for line in Path("/proc/self/mounts").read_text().splitlines()]
    disks = {source: place for source, place in mounts if _NAMED.fullmatch(source)}
    for source in _orphans(disks):
        subprocess.run(["umount", "--lazy", disks[source]], check=True, timeout=10)
    found = cgroups.anywhere(_NAMED)
    for left in _orphans({path.name for path in found}):
        cgroups.remove([path for path in found if path.name == left])


def _orphans(names: Iterable[str]) -> Iterator[str]:
    for each in list(names):
        made = _NAMED.fullmatch(each)
        if made and not processes.alive(int(made[1])):
            yield each
