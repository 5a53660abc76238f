"""What identifies a pod's link: its name, its MAC address, its alias. Pure."""

import struct
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from bgpnet.model.cni import Attachment
from bgpnet.model.net import Address

HOST_MAC: Final = bytes.fromhex("0262677000fe")
"""MAC address of every host end. Each link has two ends and no third, so all may have the same."""

_PREFIX: Final = "bgp"
_DIGITS: Final = 12
_ALIAS_WORD: Final = "bgpnet/1"
_ALIAS_WORDS: Final = 5
_WORD: Final = struct.Struct("<Q")
_MULTIPLIER: Final = 0x9E3779B97F4A7C15  # odd, its bits spread: 2^64 divided by the golden ratio
_MASK: Final = 0xFFFFFFFFFFFFFFFF


@dataclass(frozen=True, slots=True)
class Alias:
    """The content of a host end's IFLA_IFALIAS: whose it is, and which addresses the pod has."""

    attachment: Attachment
    addresses: tuple[Address, ...]

    def __str__(self) -> str:
        whose = self.attachment
        addresses = ",".join(str(address) for address in self.addresses)
        return f"{_ALIAS_WORD} {whose.network} {whose.container} {whose.ifname} {addresses}"


def parse_alias(text: str) -> Alias | None:
    """The alias that `Alias.__str__` wrote; None for any other text."""
    words = text.split(" ")
    if len(words) != _ALIAS_WORDS or words[0] != _ALIAS_WORD:
        return None
    try:
        addresses = tuple(ip_address(word) for word in words[4].split(","))
    except ValueError:
        return None
    return Alias(Attachment(words[1], words[2], words[3]), addresses)


def link_name(attachment: Attachment, attempt: int) -> str:
    """Name of the host's end: 15 characters (IFNAMSIZ less its NUL), a hash; `attempt` evades a collision."""
    return f"{_PREFIX}{_hash(attachment, attempt) >> 16:0{_DIGITS}x}"


def is_link_name(name: str) -> bool:
    """Whether `link_name` could have made this name."""
    digits = name.removeprefix(_PREFIX)
    return len(name) == len(_PREFIX) + _DIGITS == len(digits) + len(_PREFIX) and set(digits) <= set(
        "0123456789abcdef"
    )


def pod_mac(attachment: Attachment) -> bytes:
    """MAC address of the pod's end: locally administered, unicast (IEEE 802 section 8.4)."""
    return b"\x02" + (_hash(attachment, 0) & 0xFFFFFFFFFF).to_bytes(5, "big")


def _hash(attachment: Attachment, attempt: int) -> int:
    """64 bits, of words of eight bytes: multiplied, and the upper half folded into the lower.

    Not hashlib: it loads OpenSSL, 4 MB for what needs no secrecy.
    """
    text = f"{attachment.network} {attachment.container} {attachment.ifname} {attempt}".encode()
    value = len(text)
    for (word,) in _WORD.iter_unpack(text.ljust(-len(text) % _WORD.size + len(text), b" ")):
        value = (value ^ word) * _MULTIPLIER & _MASK
        value ^= value >> 32
    return value
