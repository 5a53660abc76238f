"""What travels between the CNI shim (plugin/wire.c) and this server, and how.

A connection is one call, over a unix socket of type SOCK_SEQPACKET (it keeps messages and descriptors
together). Numbers are in the machine's own byte order: both sides are on one machine.

Request, one message of at most 32,768 bytes, shim -> server::

    8 bytes     "bgpnet1" and a NUL: this framing; another one has another word
    the rest    the CNI_… variables of the environment, each as NAME=value and a NUL

    with descriptors (SCM_RIGHTS), one or three:
    0           memfd: what the runtime wrote to stdin, at most 1 MiB
    1           the pod's network namespace                             ) ADD and CHECK only
    2           a NETLINK_ROUTE socket that was opened in that namespace )

Answer, one message, server -> shim::

    8 bytes     "bgpnet1" and a NUL
    u32         0: print the output and end with status 0; 1: the same, and end with status 1 (a CNI error)
    u32         length of the output in bytes, which the server has written into the memfd, from its start

The output is in the memfd because it may be larger than a message (net.core.wmem_max).

The shim closes the connection when it has taken the answer. A connection that is closed with the answer
unread (the runtime killed the shim: ECONNRESET, or EPIPE before) tells the server that nobody knows of what
was done.
"""

import array
import fcntl
import os
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from bgpnet.model.cni import CniCode
from bgpnet.model.errors import CniError

MAGIC: Final = b"bgpnet1\0"
REQUEST_MAX: Final = 32768
CONFIG_MAX: Final = 1 << 20
_ANSWER: Final = struct.Struct("=8sII")
_DESCRIPTORS: Final = 3
_DESCRIPTOR_SIZE: Final = array.array("i").itemsize


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came: the CNI_… variables, and descriptors, -1 where none was sent.

    As a context it closes the descriptors.
    """

    environment: Mapping[str, str]
    config: int
    netns: int = -1
    route: int = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the descriptors."""
        for descriptor in (self.config, self.netns, self.route):
            if descriptor >= 0:
                os.close(descriptor)

    def read_config(self) -> bytes:
        """What the runtime wrote to stdin.

        Raises:
            CniError: code 7, it is too long.
        """
        size = os.fstat(self.config).st_size
        if size > CONFIG_MAX:
            raise CniError(
                CniCode.INVALID_CONFIG,
                f"stdin: the network configuration has {size} bytes, at most {CONFIG_MAX} are taken",
            )
        return os.pread(self.config, size, 0)


def receive(connection: socket.socket) -> Request | None:
    """Take the request that waits on a connection; None when it is closed or not in this framing."""
    room = socket.CMSG_SPACE(_DESCRIPTORS * _DESCRIPTOR_SIZE)
    message, control, flags, _peer = connection.recvmsg(REQUEST_MAX, room, socket.MSG_CMSG_CLOEXEC)
    received = array.array("i")
    for level, kind, payload in control:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            received.frombytes(payload[: len(payload) - len(payload) % _DESCRIPTOR_SIZE])
    descriptors = received.tolist()
    broken = flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC) or not message.startswith(MAGIC)
    if broken or len(descriptors) not in {1, _DESCRIPTORS} or not _is_memfd(descriptors[0]):
        for descriptor in descriptors:
            os.close(descriptor)
        return None
    return Request(_environment(message[len(MAGIC) :]), *descriptors)


def answer(connection: socket.socket, request: Request, output: bytes, status: int) -> None:
    """Send the answer to a request.

    Raises:
        OSError: it cannot be delivered.
    """
    os.pwrite(request.config, output, 0)
    os.ftruncate(request.config, len(output))  # behind: the page that is there is written to
    connection.send(_ANSWER.pack(MAGIC, status, len(output)))


def was_taken(connection: socket.socket) -> bool:
    """Whether the shim took its answer, once it has closed the connection."""
    try:
        return not connection.recv(1)
    except OSError:
        return False


def _is_memfd(descriptor: int) -> bool:
    """Whether a descriptor is memory: reading another kind of file could wait for ever."""
    try:
        fcntl.fcntl(descriptor, fcntl.F_GET_SEALS)
    except OSError:
        return False
    return True


def _environment(packed: bytes) -> dict[str, str]:
    entries = (entry.partition("=") for entry in os.fsdecode(packed).split("\0"))
    return {name: value for name, found, value in entries if found}
