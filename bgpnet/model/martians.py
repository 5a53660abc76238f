"""Destinations that nobody forwards to: never learned, and no prefix of a node (RFC 6890 §2.2, RFC 4291)."""

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
        "::/96",
        "::ffff:0:0/96",
        "fe80::/10",
        "ff00::/8",
    )
)


def is_martian(prefix: Prefix) -> bool:
    """Whether it lies in one of them."""
    return any(covers(each, prefix) for each in MARTIANS)


def martian_in(prefix: Prefix) -> Prefix | None:
    """One of them with which it has addresses in common; None when it has none."""
    return next((each for each in MARTIANS if covers(each, prefix) or covers(prefix, each)), None)
