"""Addresses, prefixes and the numbers by which the kernel knows what is ours."""

from collections.abc import Iterable
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Address = IPv4Address | IPv6Address
Prefix = IPv4Network | IPv6Network

AGENT_PROTOCOL: Final = 179
"""`rtm_protocol` of the agent's routes (learned and discard). Each protocol number has exactly one writer."""

POD_PROTOCOL: Final = 180
"""`rtm_protocol` of the host routes to pods. Its one writer is the CNI server."""

ROUTE_METRIC: Final = 179
"""Metric of the agent's routes, in both families: a foreign route of equal key can be told from ours."""

DEFAULT_ABOVE_METRIC: Final = 79
"""Metric of a learned default route that is to win over another program's (NetworkManager begins at 100)."""

DEFAULT_BELOW_METRIC: Final = 1_000_179
"""Metric of one that is to lose: NetworkManager, DHCP clients and router advertisements stay below it."""

AGENT_METRICS: Final = frozenset((ROUTE_METRIC, DEFAULT_ABOVE_METRIC, DEFAULT_BELOW_METRIC))
"""All that routes of the agent's may have."""

POD_METRIC: Final = 178
"""Metric of the host routes to pods: lower: a pod wins over the discard route of a one-address block."""

NEXT_HOP_IDS: Final = range(179_000_000, 180_000_000)
"""Ids of the agent's nexthop objects and groups.

Far above the kernel's own choices and those of routing daemons, which count up from 1.
"""

MAIN_TABLE: Final = 254
"""Routing table `main` (rtnetlink.h, RT_TABLE_MAIN)."""


class Family(StrEnum):
    """An address family. Nothing else in the code branches on 4 or 6."""

    IPV4 = "ipv4"
    IPV6 = "ipv6"


def family_of(value: Address | Prefix) -> Family:
    """Family of an address or a prefix."""
    return Family.IPV4 if value.version == 4 else Family.IPV6  # noqa: PLR2004 - the IP version


def default_prefix(family: Family) -> Prefix:
    """The prefix that holds every address of the family: 0.0.0.0/0 or ::/0."""
    return ip_network("0.0.0.0/0" if family is Family.IPV4 else "::/0")


def most_specific(prefixes: Iterable[Prefix], inner: Prefix) -> Prefix | None:
    """The longest of these prefixes that holds `inner`; None when none does."""
    holding = (prefix for prefix in prefixes if covers(prefix, inner))
    return max(holding, key=lambda prefix: prefix.prefixlen, default=None)


def prefix_or_address(text: str) -> Prefix | Address:
    """Reads `10.0.0.0/8` or `10.0.0.1`.

    Raises:
        ValueError: it is neither; the message says what it might have been.
    """
    try:
        return ip_network(text) if "/" in text else ip_address(text)
    except ValueError as error:
        if text.count("/") == 1 and "has host bits set" in str(error):
            raise ValueError(
                f"{text} has bits behind its prefix length; did you mean {ip_network(text, strict=False)}?"
            ) from error
        raise ValueError(f"{text!r} is neither a prefix nor an address") from error


def prefix_order(prefix: Prefix) -> tuple[int, int, int]:
    """Sort key over both families: version, network, length."""
    return (prefix.version, int(prefix.network_address), prefix.prefixlen)


def address_order(address: Address) -> tuple[int, int, str]:
    """Sort key over both families: version, value, and of a link-local address its link."""
    return (address.version, int(address), link_of(address))


def on_link(address: Address, link: str) -> Address:
    """A link-local IPv6 address with the link on which it is meant (RFC 4007 §11); any other as it is.

    So is one on a link whose name cannot stand in an address.
    """
    if isinstance(address, IPv6Address) and address.is_link_local and "%" not in link:
        return IPv6Address(f"{bare(address)}%{link}")
    return address


def bare(address: Address) -> Address:
    """The address without a link: as it stands in packets, in the kernel, and in a next hop."""
    return type(address)(int(address))


def link_of(address: Address) -> str:
    """The link that `on_link` wrote into an address; empty for one without."""
    return (isinstance(address, IPv6Address) and address.scope_id) or ""


def covers(outer: Prefix, inner: Prefix) -> bool:
    """Whether `inner` lies in `outer` (equal counts); prefixes of two families never do."""
    if outer.version != inner.version or outer.prefixlen > inner.prefixlen:
        return False
    host_bits = outer.max_prefixlen - outer.prefixlen
    return int(outer.network_address) >> host_bits == int(inner.network_address) >> host_bits
