"""Hear from the kernel which links are gone: a pod's link ends with its namespace, DEL or no DEL."""

import array
import errno
import socket
import struct
import sys
from typing import Final

from bgpnet.drivers.podlink import requests
from bgpnet.drivers.podlink.packing import attributes, read_text, replies

_LINK_GROUP: Final = 1  # RTMGRP_LINK
_SO_ATTACH_FILTER: Final = 26
_RECEIVE: Final = 65536

# Classic BPF (linux/filter.h): let nothing but RTM_DELLINK wake this process. An ADD makes five link events.
_LOAD_HALF: Final = 0x28
_JUMP_IF_EQUAL: Final = 0x15
_RETURN: Final = 0x06
_TYPE_OFFSET: Final = 4  # nlmsg_type
_INSTRUCTION: Final = struct.Struct("=HBBI")
_PROGRAM: Final = struct.Struct("@HP")  # struct sock_fprog


class Vanished:
    """A socket that becomes readable when links of the host's namespace are gone."""

    def __init__(self) -> None:
        """Listen from now on, in the namespace of this process."""
        self._sock = socket.socket(
            socket.AF_NETLINK,
            socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK,
            socket.NETLINK_ROUTE,
        )
        _let_only(self._sock, requests.DEL_LINK)
        self._sock.bind((0, _LINK_GROUP))

    def fileno(self) -> int:
        """For a selector."""
        return self._sock.fileno()

    def close(self) -> None:
        """Listen no more."""
        self._sock.close()

    def read(self) -> list[tuple[str, int]] | None:
        """Name and index of each link that has gone; None when some were missed: then look at all."""
        gone: list[tuple[str, int]] = []
        while True:
            try:
                datagram = self._sock.recv(_RECEIVE)
            except BlockingIOError:
                return gone
            except OSError as error:
                if error.errno == errno.ENOBUFS:
                    return None
                raise
            for reply in replies(datagram):
                fields = dict(attributes(reply.body, requests.LINK.size))
                name = read_text(fields.get(requests.IFLA_IFNAME, b""))
                gone.append((name, requests.LINK.unpack_from(reply.body)[2]))


def _let_only(sock: socket.socket, kind: int) -> None:
    # A filter loads in network order what the message has in the machine's own.
    seen = int.from_bytes(kind.to_bytes(2, sys.byteorder), "big")
    program = b"".join(
        (
            _INSTRUCTION.pack(_LOAD_HALF, 0, 0, _TYPE_OFFSET),
            _INSTRUCTION.pack(_JUMP_IF_EQUAL, 0, 1, seen),
            _INSTRUCTION.pack(_RETURN, 0, 0, 0xFFFFFFFF),
            _INSTRUCTION.pack(_RETURN, 0, 0, 0),
        )
    )
    code = array.array("B", program)
    address, length = code.buffer_info()
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, _PROGRAM.pack(length // _INSTRUCTION.size, address))
