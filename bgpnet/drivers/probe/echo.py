"""ICMP echo (RFC 792, RFC 4443 §4.1) on a ping socket, which fills in identifier and checksum. Pure."""

import struct
from typing import Final

from bgpnet.model.net import Family

NONCE_BYTES: Final = 16

_HEAD: Final = struct.Struct("!BBHHH")
"""Type, code, checksum, identifier, sequence."""
_REQUEST: Final = {Family.IPV4: 8, Family.IPV6: 128}
_REPLY: Final = {Family.IPV4: 0, Family.IPV6: 129}

SEQUENCES: Final = 1 << 16


def request(family: Family, sequence: int, nonce: bytes) -> bytes:
    """An echo request."""
    return _HEAD.pack(_REQUEST[family], 0, 0, 0, sequence % SEQUENCES) + nonce


def reply(family: Family, message: bytes) -> tuple[int, bytes] | None:
    """Sequence and nonce of an echo reply; None when the message is none of a length that we send."""
    if len(message) != _HEAD.size + NONCE_BYTES:
        return None
    kind, code, _, _, sequence = _HEAD.unpack_from(message)
    if (kind, code) != (_REPLY[family], 0):
        return None
    return sequence, message[_HEAD.size :]
