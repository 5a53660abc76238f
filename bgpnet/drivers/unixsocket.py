"""Unix sockets that only their owner may use."""

import contextlib
import errno
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


class Doorkeeper:
    """Accepts who waits at a listener that does not block, for the life of this process.

    Without a descriptor left nobody can be let in, and who waits would have us look again without a pause: a
    descriptor is kept for it, with which whoever waits is let in and sent away. A client tries again.
    """

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._spare: int | None = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)

    def let_in(self) -> socket.socket | None:
        """Who waits first; None when there is nobody, or whoever it was had to be sent away."""
        try:
            return self._listener.accept()[0]
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self._send_away()
        return None

    def _send_away(self) -> None:
        if self._spare is not None:
            os.close(self._spare)
            self._spare = None
        with contextlib.suppress(OSError):
            self._listener.accept()[0].close()
        with contextlib.suppress(OSError):
            self._spare = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
