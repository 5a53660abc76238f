"""Requests to the kernel and its answers, over one socket.

rtnetlink works a request off inside the call that sends it, and its answer is there when the call returns.
So nothing here waits, and no thread is needed; only other holders of the kernel's RTNL lock can delay it.
"""

import errno
import os
import socket
import struct
from collections.abc import Generator, Iterator, Sequence
from typing import Final

from bgpnet.drivers.netlink import wire

_SOL_NETLINK: Final = 270
_OPTIONS: Final = (
    10,  # NETLINK_CAP_ACK: an error does not repeat the request
    11,  # NETLINK_EXT_ACK: an error says in words why
    12,  # NETLINK_GET_STRICT_CHK: the request for a dump may filter (kernel 4.20)
)
_BUFFER: Final = 65536
_PATIENCE: Final = 5
"""Seconds after which an answer that is due at once is given up."""

_QUEUE_BYTES: Final = 1 << 20
"""Of answers: that each of AT_ONCE requests fails, in words, must not overrun it."""

AT_ONCE: Final = 128
"""Requests in one send: the kernel's other users wait no longer than a millisecond for its RTNL lock."""

_SO_RCVBUFFORCE: Final = 33

_WORDS: Final = 1  # NLMSGERR_ATTR_MSG
_ERROR_HEAD: Final = 4 + wire.HEADER.size  # an errno, then the header of the request


Request = tuple[int, int, bytes]
"""Type, flags and body of a message."""


class Talk:
    """A request socket in the network namespace of the thread that opens it. One request at a time.

    Args:
        subsystem: linux/netlink.h, NETLINK_…; 0 is NETLINK_ROUTE.
    """

    def __init__(self, subsystem: int = 0) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, subsystem)
        for option in _OPTIONS:
            self._socket.setsockopt(_SOL_NETLINK, option, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("@ll", _PATIENCE, 0))
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _QUEUE_BYTES)
        except PermissionError:  # in a user namespace: the system's limit has to do
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _QUEUE_BYTES)
        self._socket.bind((0, 0))
        self._sequence = 0

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def change(self, kind: int, flags: int, body: bytes) -> None:
        """Carry out one change and have it acknowledged.

        Raises:
            OSError: with the kernel's errno, and its words if it had any.
        """
        for error in self.changes([(kind, flags, body)]).values():
            raise error

    def changes(self, requests: Sequence[Request]) -> dict[int, OSError]:
        """Carry out changes, at most AT_ONCE, in one send. What failed, by its place among them.

        Only the last is acknowledged: the kernel works them off in order, and tells of each that fails.
        """
        first = self._sequence + 1
        last = self._sequence = self._sequence + len(requests)
        self._socket.send(
            b"".join(
                wire.message(
                    kind, wire.REQUEST | flags | (wire.ACK if sequence == last else 0), sequence, body
                )
                for sequence, (kind, flags, body) in enumerate(requests, first)
            )
        )
        failed = {}
        acknowledged = False
        while not acknowledged:
            for told, _, answers, answer in wire.messages(memoryview(self._socket.recv(_BUFFER))):
                if told == wire.ERROR and first <= answers <= last:
                    acknowledged = acknowledged or answers == last
                    error = _error(answer, _ERROR_HEAD)
                    if error is not None:
                        failed[answers - first] = error
        return failed

    def get(self, kind: int, body: bytes) -> memoryview:
        """The body of the one answer to a question.

        Raises:
            OSError: with the kernel's errno; ENOENT: there is no such thing.
        """
        sequence = self._send(kind, 0, body)
        while True:
            for told, _, answer in self._receive(sequence):
                if told == wire.ERROR:
                    _check(answer, _ERROR_HEAD)
                else:
                    return answer

    def dump(self, kind: int, body: bytes) -> Generator[list[memoryview], None, None]:
        """The bodies of everything of a kind, in parts of some hundred. Nothing else may be asked meanwhile.

        Raises:
            OSError: with the kernel's errno; EINTR when things changed under the dump: start again.
        """
        sequence = self._send(kind, wire.DUMP, body)
        done = interrupted = False
        try:
            while not done:
                part = []
                for told, flags, answer in self._receive(sequence):
                    interrupted = interrupted or bool(flags & wire.DUMP_INTERRUPTED)
                    if told in {wire.DONE, wire.ERROR}:
                        done = True
                        _check(answer, _ERROR_HEAD if told == wire.ERROR else 4)
                    else:
                        part.append(answer)
                yield part
        finally:
            while not done:  # given up half-way: the kernel refuses another dump until this one is read
                done = any(told in {wire.DONE, wire.ERROR} for told, _, _ in self._receive(sequence))
        if interrupted:
            raise InterruptedError(errno.EINTR, "changed while it was read")

    def _send(self, kind: int, flags: int, body: bytes) -> int:
        self._sequence += 1
        self._socket.send(wire.message(kind, wire.REQUEST | flags, self._sequence, body))
        return self._sequence

    def _receive(self, sequence: int) -> Iterator[tuple[int, int, memoryview]]:
        """Type, flags and body of each answer that came together; not late ones to older requests."""
        for told, flags, answers, body in wire.messages(memoryview(self._socket.recv(_BUFFER))):
            if answers == sequence:
                yield told, flags, body


def _check(answer: memoryview, head: int) -> None:
    """Raise what an NLMSG_ERROR or NLMSG_DONE says, if an error."""
    error = _error(answer, head)
    if error is not None:
        raise error


def _error(answer: memoryview, head: int) -> OSError | None:
    """What an NLMSG_ERROR or NLMSG_DONE says, if an error; its attributes stand behind `head` bytes."""
    number = -struct.unpack_from("=i", answer)[0] if answer else 0
    if number == 0:
        return None
    found = wire.attributes(answer, head).get(_WORDS)
    words = bytes(found).rstrip(b"\0").decode(errors="replace") if found else os.strerror(number)
    return OSError(number, words)
