"""The BFD Control packet: what is written is read, and nothing else is taken for one."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgpnet.bfd.packet import Packet, Refusal, State, decode, encode

U32 = st.integers(0, 0xFFFF_FFFF)
PACKETS = st.builds(
    Packet,
    state=st.sampled_from(State),
    multiplier=st.integers(1, 255),
    my_discriminator=st.integers(1, 0xFFFF_FFFF),
    your_discriminator=U32,
    desired_min_tx=U32,
    required_min_rx=U32,
    diagnostic=st.integers(0, 31),
    required_min_echo_rx=U32,
    poll=st.booleans(),
    final=st.booleans(),
    independent=st.booleans(),
    demand=st.booleans(),
)
UP = Packet(State.UP, 3, 0x01020304, 0x0A0B0C0D, 300_000, 50_000, 1, poll=True, independent=True)
BYTES = bytes.fromhex("21e8 0318 01020304 0a0b0c0d 000493e0 0000c350 00000000")
"""By RFC 5880 §4.1: version 1 and diagnostic 1; Up, P and C; 3; 24."""


def test_the_bytes_are_those_of_the_rfc() -> None:
    assert encode(UP) == BYTES
    assert decode(BYTES) == UP


@given(PACKETS, st.binary(max_size=40))
def test_round_trip_also_with_bytes_behind_it(packet: Packet, behind: bytes) -> None:
    assert decode(encode(packet) + behind) == packet


@given(PACKETS, st.integers(0, 23))
def test_every_truncation_is_refused(packet: Packet, length: int) -> None:
    assert decode(encode(packet)[:length]) is Refusal.LENGTH


@given(st.binary(max_size=80))
def test_garbage_is_refused_or_a_packet_that_says_the_same_again(payload: bytes) -> None:
    packet = decode(payload)
    if isinstance(packet, Packet) and not packet.authenticated:
        again = encode(packet)
        assert decode(again) == packet
        # all that was read: not the length, which ours have without authentication
        assert again[:3] + again[4:] == payload[:3] + payload[4:24]


def _with(position: int, value: int, *, of: bytes = BYTES) -> bytes:
    return of[:position] + bytes([value]) + of[position + 1 :]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", Refusal.LENGTH),
        (_with(0, 0x01), Refusal.VERSION),
        (_with(0, 0x41), Refusal.VERSION),
        (_with(3, 23), Refusal.LENGTH),
        (_with(3, 25), Refusal.LENGTH),
        (_with(1, 0xEC), Refusal.LENGTH),  # A bit, and no room for a section
        (_with(2, 0), Refusal.MULTIPLIER),
        (_with(1, 0xE9), Refusal.MULTIPOINT),
        (BYTES[:4] + bytes(4) + BYTES[8:], Refusal.MY_DISCRIMINATOR),
    ],
)
def test_each_check_refuses(payload: bytes, reason: Refusal) -> None:
    assert decode(payload) is reason


def test_checks_come_in_the_order_of_the_rfc() -> None:
    """Everything is wrong; what is named first is mended, and the next is named (§6.8.6)."""
    wrong = struct.pack("!BBBBIIIII", 0x40, 0x01, 0, 25, 0, 0, 0, 0, 0)
    mends = [(0, 0x20), (3, 24), (2, 3), (1, 0), (7, 1)]
    order = [
        Refusal.VERSION,
        Refusal.LENGTH,
        Refusal.MULTIPLIER,
        Refusal.MULTIPOINT,
        Refusal.MY_DISCRIMINATOR,
    ]
    for (position, value), reason in zip(mends, order, strict=True):
        assert decode(wrong) is reason
        wrong = _with(position, value, of=wrong)
    assert isinstance(decode(wrong), Packet)


def test_an_authenticated_packet_is_known_as_one_and_never_written() -> None:
    packet = decode(_with(1, 0xEC, of=_with(3, 26)) + b"\x01\x02")
    assert isinstance(packet, Packet)
    assert packet.authenticated
    with pytest.raises(ValueError, match="authentication is not supported"):
        encode(packet)


@pytest.mark.parametrize("field", ["my_discriminator", "desired_min_tx", "multiplier"])
def test_what_does_not_fit_is_not_written(field: str) -> None:
    values = {"my_discriminator": 1, "your_discriminator": 0, "desired_min_tx": 1, "required_min_rx": 1}
    with pytest.raises(ValueError, match=field):
        encode(Packet(**{"state": State.UP, "multiplier": 3, **values, field: 1 << 32}))  # type: ignore[arg-type]
