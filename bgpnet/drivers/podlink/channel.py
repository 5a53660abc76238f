"""A NETLINK_ROUTE socket: requests in batches, answers, dumps.

Read and written as a descriptor: with a socket object and its copy of the descriptor an ADD takes longer.
"""

import os
import socket
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

from bgpnet.drivers.podlink.packing import (
    ACK,
    DONE,
    DUMP,
    DUMP_INTERRUPTED,
    ERROR,
    REQUEST,
    Message,
    Reply,
    error_of,
    frame,
    is_acknowledged,
    replies,
)
from bgpnet.model.errors import KernelError

_SOL_NETLINK: Final = 270
_EXT_ACK: Final = 11
_CAP_ACK: Final = 10
_STRICT_CHECK: Final = 12
_BATCH: Final = 200  # more error answers do not fit a socket's default receive buffer
_RECEIVE: Final = 65536
_DUMP_ATTEMPTS: Final = 10


class Channel:
    """Requests to one network namespace. Never blocks: the answers are queued when a send returns."""

    def __init__(self, descriptor: int) -> None:
        """Take over a NETLINK_ROUTE socket, whichever namespace it was opened in (plugin/netns.c, `open`)."""
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._sequence = 0

    @classmethod
    def open(cls) -> Self:
        """A channel to the namespace of this process."""
        with socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE
        ) as sock:
            for option in (_EXT_ACK, _CAP_ACK, _STRICT_CHECK):
                sock.setsockopt(_SOL_NETLINK, option, 1)
            return cls(sock.detach())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    def execute(self, *messages: Message) -> list[Reply]:
        """Carry out requests in their order, all of them also after a failure, and return what was asked for.

        Raises:
            KernelError: the first refusal, with what was being done.
        """
        found, refused = self.attempt(*messages)
        if refused:
            raise refused[0]
        return found

    def attempt(self, *messages: Message) -> tuple[list[Reply], list[KernelError]]:
        """Carry out requests in their order; return what was asked for, and every refusal.

        Raises:
            KernelError: netlink itself failed.
        """
        found: list[Reply] = []
        refused: list[KernelError] = []
        for start in range(0, len(messages), _BATCH):
            self._batch(messages[start : start + _BATCH], found, refused)
        return found, refused

    def dump(self, message: Message) -> list[Reply]:
        """Every object that a dump request yields, as of one moment.

        Raises:
            KernelError: the kernel refused, or changed faster than it could be read.
        """
        for _attempt in range(_DUMP_ATTEMPTS):
            found = self._dump(message)
            if found is not None:
                return found
        raise KernelError(f"{message.doing}: changed during {_DUMP_ATTEMPTS} dumps in a row")

    def _batch(self, messages: Sequence[Message], found: list[Reply], refused: list[KernelError]) -> None:
        first = self._sequence + 1
        last = self._sequence = self._sequence + len(messages)
        # Only the last request asks for an acknowledgement: refusals come without being asked for.
        flags = [REQUEST] * (len(messages) - 1) + [REQUEST | ACK]
        parts = [frame(*one) for one in zip(messages, flags, range(first, last + 1), strict=True)]
        self._send(b"".join(parts), messages[0])
        while True:
            datagram = self._receive(messages[0])
            if is_acknowledged(datagram, last):
                return
            for reply in replies(datagram):
                if not first <= reply.sequence <= last:
                    continue
                message = messages[reply.sequence - first]
                if reply.kind != ERROR:
                    found.append(reply)
                    continue
                errno, words = error_of(reply)
                if errno:
                    refused.append(_refusal(message, errno, words))
                if reply.sequence == last:
                    return

    def _dump(self, message: Message) -> list[Reply] | None:
        self._sequence += 1
        self._send(frame(message, REQUEST | DUMP, self._sequence), message)
        found: list[Reply] = []
        whole = True
        while True:
            for reply in replies(self._receive(message)):
                if reply.sequence != self._sequence:
                    continue
                whole = whole and not reply.flags & DUMP_INTERRUPTED
                if reply.kind == DONE:
                    return found if whole else None
                if reply.kind == ERROR:
                    raise _refusal(message, *error_of(reply))
                found.append(reply)

    def _send(self, packet: bytes, message: Message) -> None:
        try:
            os.write(self._descriptor, packet)
        except OSError as error:
            raise KernelError(f"{message.doing}: netlink: {error.strerror}", error.errno or 0) from error

    def _receive(self, message: Message) -> bytes:
        try:
            return os.read(self._descriptor, _RECEIVE)
        except OSError as error:
            raise KernelError(
                f"{message.doing}: netlink gave no answer: {error.strerror}", error.errno or 0
            ) from error


def _refusal(message: Message, errno: int, words: str) -> KernelError:
    more = f" ({words})" if words else ""
    return KernelError(f"{message.doing}: the kernel refused: {os.strerror(errno)}{more}", errno)
