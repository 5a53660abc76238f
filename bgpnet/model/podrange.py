"""Which addresses of a prefix pods get. Pure."""

from typing import Final

from bgpnet.model.net import Prefix

_MOST: Final = 65536
_NO_RESERVE: Final = 2  # RFC 3021, RFC 6164: both addresses of a /31 and a /127 are hosts'


def pod_range(prefix: Prefix) -> range:
    """The addresses, as numbers: all but the first, when there are more than two.

    Pods have /32 and /128 addresses and the prefix is no subnet of theirs, so its last address is nobody's
    broadcast; the first one stays free for the node itself, and because many a program takes it for the
    network's. Of more than 65,536 addresses the first 65,536 count: a node runs out of pods long before.
    """
    first = int(prefix.network_address)
    reserved = 1 if prefix.num_addresses > _NO_RESERVE else 0
    return range(first + reserved, first + min(prefix.num_addresses, _MOST))
