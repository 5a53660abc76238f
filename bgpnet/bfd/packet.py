"""The BFD Control packet (RFC 5880 §4.1) to bytes and back: pure.

What cannot be a packet is refused with a reason, in the order of §6.8.6.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

VERSION: Final = 1

LENGTH: Final = 24
"""Bytes of the mandatory section."""

LENGTH_AUTHENTICATED: Final = 26
"""Bytes with the shortest authentication section."""

_LAYOUT: Final = struct.Struct("!BBBBIIIII")

_POLL, _FINAL, _INDEPENDENT, _AUTHENTICATED, _DEMAND, _MULTIPOINT = 0x20, 0x10, 0x08, 0x04, 0x02, 0x01


class State(IntEnum):
    """RFC 5880 §4.1, Sta."""

    ADMIN_DOWN = 0
    DOWN = 1
    INIT = 2
    UP = 3


class Diagnostic(IntEnum):
    """Why the session left its state last (RFC 5880 §4.1, Diag). Others than these are read as numbers."""

    NONE = 0
    DETECTION_TIME_EXPIRED = 1
    ECHO_FAILED = 2
    NEIGHBOR_SIGNALED_DOWN = 3
    FORWARDING_PLANE_RESET = 4
    PATH_DOWN = 5
    CONCATENATED_PATH_DOWN = 6
    ADMINISTRATIVELY_DOWN = 7
    REVERSE_CONCATENATED_PATH_DOWN = 8


class Refusal(StrEnum):
    """Why a datagram changes nothing; counters have these names. In the order of the checks."""

    UNKNOWN_PEER = "unknown-peer"  # RFC 5881 §3: nobody with whom there is a session on this link
    DESTINATION = "destination"  # not sent to the session's own address
    TTL = "ttl"  # RFC 5881 §5
    VERSION = "version"
    LENGTH = "length"
    MULTIPLIER = "multiplier"
    MULTIPOINT = "multipoint"
    MY_DISCRIMINATOR = "my-discriminator"
    YOUR_DISCRIMINATOR = "your-discriminator"
    STATE = "state"  # it does not know our discriminator, and yet is Init or Up
    AUTHENTICATION = "authentication"  # not supported


@dataclass(frozen=True, slots=True)
class Packet:
    """A BFD Control packet. Intervals are in microseconds."""

    state: State
    multiplier: int
    my_discriminator: int
    your_discriminator: int
    desired_min_tx: int
    required_min_rx: int
    diagnostic: int = 0
    required_min_echo_rx: int = 0
    poll: bool = False
    final: bool = False
    independent: bool = False
    """Control Plane Independent, the C bit."""
    authenticated: bool = False
    """An authentication section follows; it is neither written nor read."""
    demand: bool = False


def encode(packet: Packet) -> bytes:
    """The packet's bytes.

    Raises:
        ValueError: a field is out of its range, or it is said to be authenticated.
    """
    if packet.authenticated:
        raise ValueError("authentication is not supported: a packet of ours has none")
    flags = (
        packet.state << 6
        | (_POLL if packet.poll else 0)
        | (_FINAL if packet.final else 0)
        | (_INDEPENDENT if packet.independent else 0)
        | (_DEMAND if packet.demand else 0)
    )
    try:
        return _LAYOUT.pack(
            VERSION << 5 | packet.diagnostic,
            flags,
            packet.multiplier,
            LENGTH,
            packet.my_discriminator,
            packet.your_discriminator,
            packet.desired_min_tx,
            packet.required_min_rx,
            packet.required_min_echo_rx,
        )
    except struct.error as error:
        raise ValueError(f"{packet}: {error}") from error


def decode(payload: bytes) -> Packet | Refusal:
    """The packet in a UDP payload; bytes behind its length are passed over. RFC 5880 §6.8.6, in its order."""
    if not payload:
        return Refusal.LENGTH
    if payload[0] >> 5 != VERSION:
        return Refusal.VERSION
    if len(payload) < LENGTH:
        return Refusal.LENGTH
    first, flags, multiplier, length, mine, yours, min_tx, min_rx, echo = _LAYOUT.unpack_from(payload)
    authenticated = bool(flags & _AUTHENTICATED)
    if not (LENGTH_AUTHENTICATED if authenticated else LENGTH) <= length <= len(payload):
        return Refusal.LENGTH
    if multiplier == 0:
        return Refusal.MULTIPLIER
    if flags & _MULTIPOINT:
        return Refusal.MULTIPOINT
    if mine == 0:
        return Refusal.MY_DISCRIMINATOR
    return Packet(
        state=State(flags >> 6),
        multiplier=multiplier,
        my_discriminator=mine,
        your_discriminator=yours,
        desired_min_tx=min_tx,
        required_min_rx=min_rx,
        diagnostic=first & 0x1F,
        required_min_echo_rx=echo,
        poll=bool(flags & _POLL),
        final=bool(flags & _FINAL),
        independent=bool(flags & _INDEPENDENT),
        authenticated=authenticated,
        demand=bool(flags & _DEMAND),
    )
