"""Which addresses of a prefix pods get, and which one is the node's own. Pure."""

from typing import Final

from bgpnet.model.net import Address, Prefix

_MOST: Final = 65536
_NO_RESERVE: Final = 2  # RFC 3021, RFC 6164: both addresses of a /31 and a /127 are hosts'


def pod_range(prefix: Prefix) -> range:
    """The addresses, as numbers: all but the first, when there are more than two.

    Pods have /32 and /128 addresses and the prefix is no subnet of theirs, so its last address is nobody's
    broadcast; the first one stays free for the node itself, and because many a program takes it for the
    network's. Of more than 65,536 addresses the first 65,536 count: a node runs out of pods long before.
    """
    first = int(prefix.network_address)
    reserved = 0 if node_address(prefix) is None else 1
    return range(first + reserved, first + min(prefix.num_addresses, _MOST))


def node_address(prefix: Prefix) -> Address | None:
    """The address that stays free for the node itself; None where pods get all."""
    return prefix.network_address if prefix.num_addresses > _NO_RESERVE else None
