"""Destinations that nobody forwards to: never learned, and no prefix of a node (RFC 6890 §2.2)."""

from ipaddress import ip_network
from typing import Final

from bgpnet.model.net import Prefix, covers

MARTIANS: Final = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "224.0.0.0/3",
        "::/127",
        "::ffff:0:0/96",
        "fe80::/10",
        "ff00::/8",
    )
)


def is_martian(prefix: Prefix) -> bool:
    """Whether it lies in one of them."""
    return any(covers(each, prefix) for each in MARTIANS)
