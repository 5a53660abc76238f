"""What Kubernetes' programs change of the machine itself, which no namespace holds: put back afterwards."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.netlab import processes

CHANGED: Final = (
    "vm/overcommit_memory",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
    "fs/inotify/max_user_instances",
)
"""Sysctls without a namespace: the kubelet's (setupKernelTunables), and one that its watches run out of."""

INSTANCES: Final = 8192

HOME: Final = Path("/run/bgpnet-cluster")
"""The values found, and a file for each cluster, by its mark: the last to go puts them back."""


@contextmanager
def preserved(mark: str) -> Iterator[None]:
    """The machine's sysctls are as they were once the last cluster is gone, of runs at once, too."""
    own = HOME / mark
    with locked():
        if not _users():
            _put_back()
            found = {name: Path("/proc/sys", name).read_text() for name in CHANGED}
            (HOME / "before.json").write_text(json.dumps(found))
        own.touch()
    instances = Path("/proc/sys/fs/inotify/max_user_instances")
    instances.write_text(str(max(INSTANCES, int(instances.read_text()))))
    try:
        yield
    finally:
        with locked():
            own.unlink()
            if not _users():
                _put_back()


@contextmanager
def locked() -> Iterator[None]:
    """Alone among the test runs of this machine."""
    HOME.mkdir(exist_ok=True)
    with (HOME / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _users() -> list[Path]:
    """The files of living processes that have a cluster; those of dead ones go."""
    found = [path for path in HOME.iterdir() if path.name[0].isdigit()]
    for dead in (path for path in found if not _is_alive(path)):
        dead.unlink()
    return [path for path in found if path.exists()]


def _is_alive(file: Path) -> bool:
    return processes.alive(int(file.name.partition("-")[0]))


def _put_back() -> None:
    """The values that the first found, if nobody has put them back yet."""
    before = HOME / "before.json"
    if not before.exists():
        return
    for name, value in json.loads(before.read_text()).items():
        path = Path("/proc/sys", name)
        if path.read_text() != value:
            path.write_text(value)
    before.unlink()
