"""Netlink's framing (linux/netlink.h): messages, attributes, answers, in the machine's byte order. Pure."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

REQUEST: Final = 0x1
MULTI: Final = 0x2
ACK: Final = 0x4
DUMP_INTERRUPTED: Final = 0x10
DUMP: Final = 0x300
EXCLUSIVE: Final = 0x200
CREATE: Final = 0x400

ERROR: Final = 2
DONE: Final = 3

NESTED: Final = 0x8000
_TYPE_MASK: Final = 0x3FFF
_ACK_TLVS: Final = 0x200
_ERROR_TEXT: Final = 1  # NLMSGERR_ATTR_MSG

_HEADER: Final = struct.Struct("=IHHII")
_ATTRIBUTE: Final = struct.Struct("=HH")
_NUMBER: Final = struct.Struct("=I")
_NUMBER_ATTRIBUTE: Final = struct.Struct("=HHI")
_PADDING: Final = (b"", b"\0\0\0", b"\0\0", b"\0")  # behind a payload, by its length modulo 4
_ERRNO: Final = struct.Struct("=i")
_ACKNOWLEDGED: Final = struct.Struct("=IHHIIi")


@dataclass(frozen=True, slots=True)
class Message:
    """A request to the kernel. `doing` completes the sentence `…: the kernel refused` in an error."""

    kind: int
    flags: int
    body: bytes
    doing: str


@dataclass(frozen=True, slots=True)
class Reply:
    """A message from the kernel: its type, its flags, the request it answers, what follows the header."""

    kind: int
    flags: int
    sequence: int
    body: bytes


def attribute(kind: int, payload: bytes) -> bytes:
    """One attribute (struct nlattr) with its padding."""
    length = len(payload)
    return _ATTRIBUTE.pack(4 + length, kind) + payload + _PADDING[length & 3]


def nested(kind: int, *attributes: bytes) -> bytes:
    """An attribute that holds attributes."""
    return attribute(kind | NESTED, b"".join(attributes))


def text(kind: int, value: str) -> bytes:
    """A string attribute; the kernel wants its NUL."""
    return attribute(kind, value.encode() + b"\0")


def read_text(payload: bytes) -> str:
    """The value of an attribute that `text` made."""
    return payload.rstrip(b"\0").decode(errors="replace")


def number(kind: int, value: int) -> bytes:
    """An unsigned attribute of 32 bits."""
    return _NUMBER_ATTRIBUTE.pack(8, kind, value)


def read_number(payload: bytes) -> int:
    """The value of an attribute that `number` made."""
    return int(_NUMBER.unpack(payload)[0])


def frame(message: Message, flags: int, sequence: int) -> bytes:
    """The message as it goes to the kernel."""
    length = 16 + len(message.body)
    return _HEADER.pack(length, message.kind, message.flags | flags, sequence, 0) + message.body


def replies(datagram: bytes) -> Iterator[Reply]:
    """The messages of one datagram from the kernel."""
    offset = 0
    while offset + 16 <= len(datagram):
        length, kind, flags, sequence, _port = _HEADER.unpack_from(datagram, offset)
        if length < _HEADER.size:
            return
        yield Reply(kind, flags, sequence, datagram[offset + 16 : offset + length])
        offset += (length + 3) & ~3


def is_acknowledged(datagram: bytes, sequence: int) -> bool:
    """Whether this datagram is the acknowledgement of that request and nothing else, as it mostly is."""
    if len(datagram) < _ACKNOWLEDGED.size:
        return False
    length, kind, _flags, seen, _port, errno = _ACKNOWLEDGED.unpack_from(datagram)
    return kind == ERROR and seen == sequence and not errno and length == len(datagram)


def attributes(data: bytes, offset: int) -> Iterator[tuple[int, bytes]]:
    """Type and payload of each attribute from `offset`."""
    while offset + 4 <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        if length < _ATTRIBUTE.size:
            return
        yield kind & _TYPE_MASK, data[offset + 4 : offset + length]
        offset += (length + 3) & ~3


def error_of(reply: Reply) -> tuple[int, str]:
    """Errno of an error reply, 0 for an acknowledgement, and the kernel's own words where it has some.

    For a socket with NETLINK_CAP_ACK: of the request only its header comes back.
    """
    errno = -_ERRNO.unpack_from(reply.body)[0]
    if not reply.flags & _ACK_TLVS:
        return errno, ""
    for kind, payload in attributes(reply.body, _ERRNO.size + _HEADER.size):
        if kind == _ERROR_TEXT:
            return errno, read_text(payload)
    return errno, ""
