"""Messages of netlink (linux/netlink.h) and rtnetlink (linux/rtnetlink.h), packed and unpacked. Pure."""

import struct
import sys
from collections.abc import Iterator
from typing import Final

HEADER: Final = struct.Struct("=IHHII")
"""struct nlmsghdr: length, type, flags, sequence, port."""

_ATTRIBUTE: Final = struct.Struct("=HH")
"""struct nlattr: length, type."""

_NATIVE: Final = sys.byteorder

_TYPE_MASK: Final = 0x3FFF  # without NLA_F_NESTED and NLA_F_NET_BYTEORDER

# nlmsg_type
ERROR: Final = 2
DONE: Final = 3
NEWLINK, DELLINK, GETLINK = 16, 17, 18
NEWADDR, DELADDR, GETADDR = 20, 21, 22
NEWROUTE, DELROUTE, GETROUTE = 24, 25, 26
NEWNEIGH, DELNEIGH, GETNEIGH = 28, 29, 30
NEWNEXTHOP, DELNEXTHOP, GETNEXTHOP = 104, 105, 106

# nlmsg_flags
REQUEST: Final = 0x1
ACK: Final = 0x4
DUMP_INTERRUPTED: Final = 0x10
DUMP: Final = 0x300
REPLACE: Final = 0x100
EXCLUSIVE: Final = 0x200
CREATE: Final = 0x400

Attributes = dict[int, memoryview]


def message(kind: int, flags: int, sequence: int, body: bytes) -> bytes:
    """A whole message, as every body here filled up to a multiple of four bytes; the port is the kernel's."""
    return HEADER.pack(HEADER.size + len(body), kind, flags, sequence, 0) + body


def messages(buffer: memoryview) -> Iterator[tuple[int, int, int, memoryview]]:
    """Type, flags, sequence and body of each message that was received together."""
    start = 0
    while start + HEADER.size <= len(buffer):
        length, kind, flags, sequence, _ = HEADER.unpack_from(buffer, start)
        if length < HEADER.size:
            return
        yield kind, flags, sequence, buffer[start + HEADER.size : start + length]
        start += _aligned(length)


def attribute(kind: int, payload: bytes) -> bytes:
    """One attribute, filled up to the next multiple of four bytes."""
    length = _ATTRIBUTE.size + len(payload)
    return _ATTRIBUTE.pack(length, kind) + payload + bytes(_aligned(length) - length)


def number(kind: int, value: int) -> bytes:
    """An attribute that is a 32-bit number."""
    return attribute(kind, value.to_bytes(4, _NATIVE))


def attributes(buffer: memoryview, start: int) -> Attributes:
    """The attributes that stand in a message behind its fixed part."""
    found: Attributes = {}
    end = len(buffer)
    while start + _ATTRIBUTE.size <= end:
        length, kind = _ATTRIBUTE.unpack_from(buffer, start)
        if length < _ATTRIBUTE.size:
            break
        found[kind & _TYPE_MASK] = buffer[start + _ATTRIBUTE.size : start + length]
        start += _aligned(length)
    return found


def to_int(payload: memoryview) -> int:
    """A number of any width."""
    return int.from_bytes(payload, _NATIVE)


def _aligned(length: int) -> int:
    return (length + 3) & ~3
