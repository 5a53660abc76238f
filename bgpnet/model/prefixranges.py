"""Many ranges of prefixes at once, as a router's prefix list has them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from bgpnet.model.declared import AcceptRule
from bgpnet.model.net import Prefix

T = TypeVar("T")


class PrefixRanges(Generic[T]):
    """Ranges, each with a value. A look-up costs a dict read per prefix length in use, not per range."""

    __slots__ = ("_ranges",)

    def __init__(self, ranges: Iterable[tuple[AcceptRule, T]] = ()) -> None:
        self._ranges: dict[int, dict[int, dict[int, list[tuple[int, int, T]]]]] = {}
        for each, value in ranges:
            self.add(each, value)

    def add(self, told: AcceptRule, value: T) -> None:
        """One more range."""
        lengths = self._ranges.setdefault(told.prefix.version, {})
        networks = lengths.setdefault(told.prefix.prefixlen, defaultdict(list))
        networks[_key(told.prefix, told.prefix.prefixlen)].append((told.min_length, told.max_length, value))

    def holding(self, prefix: Prefix) -> Iterator[T]:
        """Values of the ranges that hold the prefix."""
        return self._with(prefix, prefix.prefixlen, prefix.prefixlen)

    def covering(self, told: AcceptRule) -> Iterator[T]:
        """Values of the ranges that hold every prefix of this one."""
        return self._with(told.prefix, told.min_length, told.max_length)

    def _with(self, prefix: Prefix, least: int, most: int) -> Iterator[T]:
        own_length, network, bits = prefix.prefixlen, int(prefix.network_address), prefix.max_prefixlen
        for length, networks in self._ranges.get(prefix.version, {}).items():
            if length > own_length:
                continue
            for lowest, highest, value in networks.get(network >> (bits - length), ()):
                if lowest <= least and most <= highest:
                    yield value


def _key(prefix: Prefix, length: int) -> int:
    return int(prefix.network_address) >> (prefix.max_prefixlen - length)
