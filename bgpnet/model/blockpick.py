"""Which block of a pool a node tries for: each in an order of its own, so that many do not fight for one."""

from collections.abc import Iterable, Iterator
from hashlib import sha256
from ipaddress import ip_network
from itertools import islice
from typing import Final

from bgpnet.model.net import Prefix, covers

MOST_TRIED: Final = 65536
"""Blocks of a pool that are looked at; IPv6 pools have more than anybody can."""


def free_block(pool: Prefix, length: int, taken: Iterable[Prefix], seed: str) -> Prefix | None:
    """The first block of the node's order that nobody has; None when the pool is full.

    Args:
        pool: the pool's CIDR.
        length: prefix length of its blocks.
        taken: blocks that somebody has, of whatever length.
        seed: names the node and the pool.
    """
    shift = pool.max_prefixlen - length
    base = int(pool.network_address)
    held: set[int] = set()
    wide: list[range] = []
    for block in taken:
        if covers(pool, block):
            first = (int(block.network_address) - base) >> shift
            last = (int(block.broadcast_address) - base) >> shift
            if first == last:
                held.add(first)
            else:
                wide.append(range(first, last + 1))
        elif covers(block, pool):
            return None
    for spot in islice(_order(1 << (length - pool.prefixlen), seed), MOST_TRIED):
        if spot not in held and not any(spot in blocks for blocks in wide):
            return block_at(pool, length, spot)
    return None


def block_at(pool: Prefix, length: int, spot: int) -> Prefix:
    """The block at a place of the pool, counted from 0."""
    address = type(pool.network_address)(int(pool.network_address) + (spot << (pool.max_prefixlen - length)))
    return ip_network(f"{address}/{length}")


def block_of(pool: Prefix, length: int, inner: Prefix) -> Prefix:
    """The block of the pool that an address of it lies in."""
    shift = pool.max_prefixlen - length
    return block_at(pool, length, (int(inner.network_address) - int(pool.network_address)) >> shift)


def _order(count: int, seed: str) -> Iterator[int]:
    """Every place once: an odd stride goes round a power of two."""
    digest = sha256(seed.encode()).digest()
    start, stride = int.from_bytes(digest[:16]), int.from_bytes(digest[16:]) | 1
    return ((start + turn * stride) % count for turn in range(count))
