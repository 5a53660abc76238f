"""The name of a block's object: creating it is the lock, so a block has exactly one."""

from ipaddress import ip_network

from bgpnet.model.net import Prefix


def named_block(name: str) -> Prefix | None:
    """The block that an object's name says; None when it says none."""
    address, _, length = name.rpartition("-")
    try:
        return ip_network(f"{address.replace('-', ':')}/{length}")
    except ValueError:
        return None


def block_name(prefix: Prefix) -> str:
    """`10.1.2.0-26`; IPv6 exploded, `2001-0db8-0000-…-0000-122`: a name has no colons."""
    address = prefix.network_address.exploded.replace(":", "-")
    return f"{address}-{prefix.prefixlen}"
