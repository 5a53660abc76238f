"""Network namespaces by the thousand, without names: open descriptors, as paths below /proc."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

from tests.netns import setns

_CLONE_NEWNET = 0x40000000


@contextmanager
def podspaces(count: int) -> Iterator[list[str]]:
    """Paths of new network namespaces, gone afterwards."""
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    descriptors = []
    try:
        try:
            for _ in range(count):
                if libc.unshare(_CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "unshare")
                descriptors.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY))
        finally:
            setns(home)
        yield [f"/proc/{os.getpid()}/fd/{descriptor}" for descriptor in descriptors]
    finally:
        for descriptor in (home, *descriptors):
            os.close(descriptor)
