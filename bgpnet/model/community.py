"""BGP communities: RFC 1997 (two numbers of 16 bits) and large ones, RFC 8092 (three of 32 bits)."""

from collections.abc import Mapping
from typing import Final

Community = tuple[int, ...]
"""Two numbers: a standard community. Three: a large one."""

GRACEFUL_SHUTDOWN: Final[Community] = (65535, 0)
"""RFC 8326: the session is about to go down for maintenance; whoever hears it prefers any other path."""

WELL_KNOWN: Final[Mapping[str, Community]] = {
    "graceful-shutdown": GRACEFUL_SHUTDOWN,
    "accept-own": (65535, 1),  # RFC 7611
    "llgr-stale": (65535, 6),  # RFC 9494
    "no-llgr": (65535, 7),  # RFC 9494
    "blackhole": (65535, 666),  # RFC 7999
    "no-export": (65535, 65281),  # RFC 1997
    "no-advertise": (65535, 65282),  # RFC 1997
    "no-export-subconfed": (65535, 65283),  # RFC 1997
    "no-peer": (65535, 65284),  # RFC 3765
}
"""The names of the IANA registry of well-known communities, in lower case and with hyphens."""

_NAMES: Final[Mapping[Community, str]] = {community: name for name, community in WELL_KNOWN.items()}

_BITS: Final[Mapping[int, int]] = {2: 16, 3: 32}
"""Of each number, by how many there are."""

_DIGITS: Final = 10
"""Of the largest number of 32 bits."""


def parse_community(text: str) -> Community:
    """A community as `64512:100`, `64512:1:2` or by its well-known name.

    Raises:
        ValueError: it is none; the message says what to write instead.
    """
    if text in WELL_KNOWN:
        return WELL_KNOWN[text]
    parts = text.split(":")
    if not all(part.isdecimal() and part.isascii() for part in parts):
        names = ", ".join(WELL_KNOWN)
        raise ValueError(f"write AS:value as '64512:100', AS:value:value as '64512:1:2', or a name: {names}")
    bits = _BITS.get(len(parts))
    if bits is None:
        raise ValueError("write two numbers (RFC 1997), as '64512:100', or three (RFC 8092), as '64512:1:2'")
    if any(len(part) > _DIGITS or int(part) >> bits for part in parts):
        advice = (
            "; a larger AS number needs a large community, as '4200000000:1:2'" if bits == _BITS[2] else ""
        )
        raise ValueError(f"write numbers of {bits} bits, 0 to {(1 << bits) - 1}{advice}")
    return tuple(int(part) for part in parts)


def spell_community(community: Community) -> str:
    """A community as its owner would write it: by name where it has one."""
    return _NAMES.get(community) or ":".join(map(str, community))
