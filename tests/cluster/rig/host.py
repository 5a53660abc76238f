"""What Kubernetes' programs change of the machine itself, which no namespace holds: put back afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

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


@contextmanager
def preserved() -> Iterator[None]:
    """The machine's sysctls are after the block as they were before."""
    before = {name: Path("/proc/sys", name).read_text() for name in CHANGED}
    instances = Path("/proc/sys/fs/inotify/max_user_instances")
    instances.write_text(str(max(INSTANCES, int(instances.read_text()))))
    try:
        yield
    finally:
        for name, value in before.items():
            path = Path("/proc/sys", name)
            if path.read_text() != value:
                path.write_text(value)
