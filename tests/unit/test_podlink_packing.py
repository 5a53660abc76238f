"""Netlink's framing."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from bgpnet.drivers.podlink.packing import (
    Message,
    attribute,
    attributes,
    error_of,
    frame,
    nested,
    number,
    read_number,
    replies,
    text,
)


def test_an_attribute_is_padded_but_its_length_is_not() -> None:
    assert attribute(3, b"abcde") == struct.pack("=HH", 9, 3) + b"abcde\0\0\0"
    assert text(3, "abc") == struct.pack("=HH", 8, 3) + b"abc\0"


def test_nested_attributes_carry_their_flag_and_are_read_without_it() -> None:
    packed = nested(18, number(1, 7))
    assert packed == struct.pack("=HHHHI", 12, 18 | 0x8000, 8, 1, 7)
    [(kind, payload)] = attributes(packed, 0)
    assert (kind, payload) == (18, number(1, 7))


@given(st.lists(st.tuples(st.integers(0, 0x3FFF), st.binary(max_size=40))))
def test_attributes_are_read_back(pairs: list[tuple[int, bytes]]) -> None:
    packed = b"".join(attribute(kind, payload) for kind, payload in pairs)
    assert list(attributes(b"1234" + packed, 4)) == pairs


@given(st.integers(0, 2**32 - 1))
def test_numbers_are_read_back(value: int) -> None:
    [(_, payload)] = attributes(number(1, value), 0)
    assert read_number(payload) == value


def test_frames_are_read_back() -> None:
    packet = b"".join(frame(Message(16, 0x400, body, ""), 1, 7) for body in (b"1234", b"", b"12345678"))
    assert [(reply.kind, reply.flags, reply.sequence, reply.body) for reply in replies(packet)] == [
        (16, 0x401, 7, b"1234"),
        (16, 0x401, 7, b""),
        (16, 0x401, 7, b"12345678"),
    ]


def test_an_error_with_the_kernels_words() -> None:
    header = struct.pack("=IHHII", 16, 16, 0, 1, 0)
    body = struct.pack("=i", -17) + header + text(1, "File exists already")
    [reply] = replies(struct.pack("=IHHII", 16 + len(body), 2, 0x300, 1, 0) + body)
    assert error_of(reply) == (17, "File exists already")
    [reply] = replies(struct.pack("=IHHII", 36, 2, 0x100, 1, 0) + struct.pack("=i", 0) + header)
    assert error_of(reply) == (0, "")


@given(st.binary(max_size=100))
def test_whatever_comes_ends(noise: bytes) -> None:
    for reply in replies(noise):
        list(attributes(reply.body, 0))
    list(attributes(noise, 0))
