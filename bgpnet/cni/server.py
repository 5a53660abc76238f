"""`bgpnet cni`: one process per node that answers the shim."""

import fcntl
import gc
import logging
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final

from bgpnet.cni.attachments import Attachments
from bgpnet.cni.blocks import CurrentBlocks
from bgpnet.cni.calls import Calls
from bgpnet.cni.commands import Commands
from bgpnet.cni.graves import Graves
from bgpnet.cni.housekeeping import Housekeeping
from bgpnet.drivers import unixsocket
from bgpnet.drivers.podjournal import PodJournal
from bgpnet.drivers.podlink.channel import Channel
from bgpnet.drivers.podlink.vanished import Vanished
from bgpnet.model.errors import UsageError
from bgpnet.model.rundir import RunDir

_QUEUE: Final = 1024  # calls that wait to be accepted

log = logging.getLogger(__name__)


def serve(run_dir: RunDir) -> int:
    """Serve until SIGTERM or SIGINT and return the exit code. The end changes nothing for the pods.

    Raises:
        UsageError: another server works on this run directory.
        KernelError: the kernel does not tell which links there are.
        OSError: the run directory cannot be used.
    """
    with ExitStack() as stack:
        stack.enter_context(_alone(Path(run_dir.cni)))
        stop = stack.enter_context(_ended_by(signal.SIGTERM, signal.SIGINT))
        host = stack.enter_context(Channel.open())
        vanished = stack.enter_context(closing(Vanished()))  # before the links are read: none is missed
        journal = stack.enter_context(closing(PodJournal(Path(run_dir.pods))))
        ipv6 = Path("/proc/net/if_inet6").exists()
        graves = Graves(host, stack.enter_context(Channel.open()))
        stack.callback(graves.finish)
        attachments = Attachments(host, graves, journal, time.monotonic, ipv6=ipv6)
        housekeeping = Housekeeping(attachments, vanished, time.monotonic)
        commands = Commands(host, attachments, CurrentBlocks(Path(run_dir.blocks)))
        listener = stack.enter_context(
            unixsocket.listening(run_dir.cni_socket, kind=socket.SOCK_SEQPACKET, queue=_QUEUE)
        )
        gc.freeze()  # what is there now stays: an ADD does not wait while it is looked through
        log.info("cni server ready socket=%s", run_dir.cni_socket)
        Calls(listener, commands, housekeeping, time.monotonic).run(stop)
    log.info("cni server ended")
    return 0


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Hold the run directory's lock: two servers would give one address twice. It ends with the process."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / "lock"
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                f"another bgpnet cni holds {path}: stop it, or give this one a --run-dir of its own"
            ) from None
        yield
    finally:
        os.close(lock)


@contextmanager
def _ended_by(*signals: signal.Signals) -> Iterator[socket.socket]:
    """A socket that is readable from the first of these signals on."""
    readable, writable = socket.socketpair(type=socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    with readable, writable:
        previous = signal.set_wakeup_fd(writable.fileno())
        handlers = {number: signal.signal(number, lambda *_: None) for number in signals}
        try:
            yield readable
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(previous)
