"""Unix sockets that only their owner may use."""

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path, PurePosixPath


@contextlib.contextmanager
def listening(
    path: PurePosixPath, kind: socket.SocketKind = socket.SOCK_STREAM, queue: int = 64
) -> Iterator[socket.socket]:
    """A listening socket at `path`, mode 0600; a stale file is replaced, ours is removed after.

    It is bound under a name of its own and renamed: a client finds either nobody or a listener.
    `queue` is how many calls may wait to be accepted.
    """
    target = Path(path)
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    sock = socket.socket(socket.AF_UNIX, kind | socket.SOCK_CLOEXEC)
    try:
        sock.bind(str(fresh))
        fresh.chmod(0o600)
        sock.listen(queue)
        inode = fresh.stat().st_ino
        fresh.rename(target)
        yield sock
    finally:
        sock.close()
        with contextlib.suppress(OSError):
            if target.stat().st_ino == inode:
                target.unlink()
