"""Hear from the kernel which links are gone, and which routes to pods.

A pod's link ends with its namespace, DEL or no DEL. Its routes are taken away by others, too.
"""

import array
import errno
import socket
import struct
import sys
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from bgpnet.drivers.podlink import requests
from bgpnet.drivers.podlink.packing import attributes, read_number, read_text, replies
from bgpnet.model.net import POD_PROTOCOL, Address

_GROUPS: Final = 0x1 | 0x40 | 0x400  # RTMGRP_LINK, RTMGRP_IPV4_ROUTE, RTMGRP_IPV6_ROUTE
_SO_ATTACH_FILTER: Final = 26
_RECEIVE: Final = 65536

# Classic BPF (linux/filter.h): nothing wakes this process but RTM_DELLINK, and RTM_DELROUTE of a pod's route.
# An ADD makes five link events, and a router that goes one for each route that was learned of it.
_LOAD_HALF: Final = 0x28
_LOAD_BYTE: Final = 0x30
_JUMP_IF_EQUAL: Final = 0x15
_RETURN: Final = 0x06
_TYPE_OFFSET: Final = 4  # nlmsg_type
_PROTOCOL_OFFSET: Final = 16 + 5  # rtm_protocol, behind struct nlmsghdr
_INSTRUCTION: Final = struct.Struct("=HBBI")
_PROGRAM: Final = struct.Struct("@HP")  # struct sock_fprog


@dataclass(frozen=True, slots=True)
class Gone:
    """What has gone: name and index of each link, link index and address of each route to a pod."""

    links: tuple[tuple[str, int], ...]
    routes: tuple[tuple[int, Address], ...]


class Vanished:
    """A socket that becomes readable when links of the host's namespace are gone, or routes to pods."""

    def __init__(self) -> None:
        """Listen from now on, in the namespace of this process."""
        self._sock = socket.socket(
            socket.AF_NETLINK,
            socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK,
            socket.NETLINK_ROUTE,
        )
        _filter(self._sock)
        self._sock.bind((0, _GROUPS))

    def fileno(self) -> int:
        """For a selector."""
        return self._sock.fileno()

    def close(self) -> None:
        """Listen no more."""
        self._sock.close()

    def read(self) -> Gone | None:
        """What has gone; None when some was missed: then look at all."""
        links: list[tuple[str, int]] = []
        routes: list[tuple[int, Address]] = []
        while True:
            try:
                datagram = self._sock.recv(_RECEIVE)
            except BlockingIOError:
                return Gone(tuple(links), tuple(routes))
            except OSError as error:
                if error.errno == errno.ENOBUFS:
                    return None
                raise
            for reply in replies(datagram):
                if reply.kind == requests.DEL_LINK:
                    fields = dict(attributes(reply.body, requests.LINK.size))
                    name = read_text(fields.get(requests.IFLA_IFNAME, b""))
                    links.append((name, requests.LINK.unpack_from(reply.body)[2]))
                elif (route := _route(reply.body)) is not None:
                    routes.append(route)


def _route(body: bytes) -> tuple[int, Address] | None:
    fields = dict(attributes(body, requests.ROUTE.size))
    if requests.RTA_DST not in fields or requests.RTA_OIF not in fields:
        return None
    return read_number(fields[requests.RTA_OIF]), ip_address(fields[requests.RTA_DST])


def _filter(sock: socket.socket) -> None:
    program = b"".join(
        _INSTRUCTION.pack(*each)
        for each in (
            (_LOAD_HALF, 0, 0, _TYPE_OFFSET),
            (_JUMP_IF_EQUAL, 3, 0, _as_seen(requests.DEL_LINK)),
            (_JUMP_IF_EQUAL, 0, 3, _as_seen(requests.DEL_ROUTE)),
            (_LOAD_BYTE, 0, 0, _PROTOCOL_OFFSET),
            (_JUMP_IF_EQUAL, 0, 1, POD_PROTOCOL),
            (_RETURN, 0, 0, 0xFFFFFFFF),
            (_RETURN, 0, 0, 0),
        )
    )
    code = array.array("B", program)
    address, length = code.buffer_info()
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, _PROGRAM.pack(length // _INSTRUCTION.size, address))


def _as_seen(kind: int) -> int:
    """A filter loads in network order what the message has in the machine's own."""
    return int.from_bytes(kind.to_bytes(2, sys.byteorder), "big")
