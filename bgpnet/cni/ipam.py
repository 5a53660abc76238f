"""Which address the next pod gets. Pure: no file, no clock, no kernel.

Addresses of the node's blocks are given in sequence, block after block; one that came back is given again
only when no fresh one is left, the longest free first, and not before it has cooled down: who still sends to
the old pod must not reach the new one.
"""

import math
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from bgpnet.model.cni import CniCode
from bgpnet.model.errors import CniError
from bgpnet.model.net import Address, Family, Prefix, family_of
from bgpnet.model.podrange import pod_range

Serving = frozenset[Prefix] | None
"""Of the node's blocks those that a pod may have an address of; None: all."""


class Ipam:
    """The addresses of one node, in use and free. Times are in seconds, of a clock that never goes back."""

    def __init__(self, held: Iterable[Address], freed: Mapping[Address, float]) -> None:
        """Start with the addresses in use, and when others were freed; those of unknown time have cooled."""
        self._families = {
            Family.IPV4: _Addresses("IPv4", IPv4Address),
            Family.IPV6: _Addresses("IPv6", IPv6Address),
        }
        for address in held:
            self._families[family_of(address)].held.add(int(address))
        for address, at in sorted(freed.items(), key=lambda item: item[1]):
            self._families[family_of(address)].remember(int(address), at)

    def set_blocks(self, prefixes: Iterable[Prefix]) -> None:
        """Give addresses from these blocks and from no other. Those in use stay in use, wherever they are."""
        blocks = tuple(prefixes)
        for family, addresses in self._families.items():
            addresses.set_blocks(tuple(prefix for prefix in blocks if family_of(prefix) is family))

    def take(
        self, now: float, cooling: float, wanted: Iterable[Address] = (), serving: Serving = None
    ) -> tuple[Address, ...]:
        """One free address of each family that has blocks, in use from now on.

        Args:
            now: The time.
            cooling: Seconds for which a freed address is not given.
            wanted: Addresses asked for, at most one of a family; they need not have cooled.
            serving: The blocks that count.

        Raises:
            CniError: code 101, a family has no free one; 104, a wanted one is not to be had; or 11, there are
                no blocks, or all that is free has to cool down. Then none is taken.
        """
        asked = {family_of(address): address for address in wanted}
        families = [
            (family, addresses)
            for family, addresses in self._families.items()
            if addresses.among(serving) or family in asked
        ]
        if not families:
            raise CniError(
                CniCode.TRY_AGAIN_LATER,
                "the node has no prefix of its own to give addresses from; `bgpnet status` tells why",
            )
        picked = [
            addresses.demand(asked[family], serving)
            if family in asked
            else addresses.next_free(now, cooling, serving)
            for family, addresses in families
        ]
        return tuple(addresses.hold(number) for (_, addresses), number in zip(families, picked, strict=True))

    def release(self, addresses: Iterable[Address], now: float) -> None:
        """Take addresses back; one that is not in use is passed over."""
        for address in addresses:
            self._families[family_of(address)].release(int(address), now)


@dataclass(slots=True)
class _Block:
    """A block's addresses as numbers: given are `first` up to `end`; those from `fresh` were never given."""

    prefix: Prefix
    first: int
    end: int
    fresh: int


class _Freed:
    """Numbers that came back and when, the longest free first. Two queues: half the memory of pairs."""

    def __init__(self) -> None:
        self.numbers: deque[int] = deque()
        self._times: deque[float] = deque()

    def append(self, number: int, at: float) -> None:
        self.numbers.append(number)
        self._times.append(at)

    def items(self) -> Iterator[tuple[int, float]]:
        return zip(self.numbers, self._times, strict=True)

    def remove(self, number: int) -> None:
        if self.numbers and self.numbers[0] == number:
            self.numbers.popleft()
            self._times.popleft()
        elif number in self.numbers:
            place = self.numbers.index(number)
            del self.numbers[place]
            del self._times[place]

    def times(self) -> dict[int, float]:
        return dict(self.items())


class _Addresses:
    """The addresses of one family, as numbers."""

    def __init__(self, label: str, make: type[IPv4Address | IPv6Address]) -> None:
        self.blocks: tuple[_Block, ...] = ()
        self.held: set[int] = set()
        self._label = label
        self._make = make
        self._freed = _Freed()
        # Freed ones that `fresh` has not come to: they were asked for by name.
        self._ahead: set[int] = set()

    def remember(self, number: int, at: float) -> None:
        """An address that was freed before this process began."""
        if number not in self.held:
            self._freed.append(number, at)

    def set_blocks(self, prefixes: tuple[Prefix, ...]) -> None:
        known = {block.prefix: block for block in self.blocks}
        if prefixes == tuple(known):
            return
        added = [_whole_block(prefix) for prefix in prefixes if prefix not in known]
        known |= {block.prefix: block for block in added}
        self.blocks = tuple(known[prefix] for prefix in prefixes)
        times = self._freed.times()
        for block in added:
            given = [number for number in (*self.held, *times) if block.first <= number < block.end]
            block.fresh = max(given, default=block.first - 1) + 1
            for number in range(block.first, block.fresh):
                if number not in self.held:
                    times.setdefault(number, -math.inf)
        self._freed = _Freed()
        self._ahead.clear()
        for number, at in sorted(times.items(), key=lambda item: item[1]):
            home = _block_of(number, self.blocks)
            if home is None:
                continue
            self._freed.append(number, at)
            if number >= home.fresh:
                self._ahead.add(number)

    def among(self, serving: Serving) -> tuple[_Block, ...]:
        """The blocks that count."""
        return self.blocks if serving is None else tuple(b for b in self.blocks if b.prefix in serving)

    def next_free(self, now: float, cooling: float, serving: Serving) -> int:
        blocks = self.among(serving)
        for block in blocks:
            while block.fresh < block.end and (block.fresh in self.held or block.fresh in self._ahead):
                self._ahead.discard(block.fresh)
                block.fresh += 1
            if block.fresh < block.end:
                return block.fresh
        numbers = self._freed.numbers
        while numbers and numbers[0] in self.held:
            self._freed.remove(numbers[0])
        free = self._freed.items()
        if serving is not None:
            free = ((n, at) for n, at in free if n not in self.held and _block_of(n, blocks) is not None)
        longest = next(free, None)
        if longest is None:
            raise self._all_in_use(blocks)
        number, at = longest
        if at + cooling > now:
            raise self._all_warm(at + cooling - now, cooling, blocks)
        return number

    def demand(self, address: Address, serving: Serving) -> int:
        """The number of an address that was asked for, when it can be given."""
        number, blocks = int(address), self.among(serving)
        if _block_of(number, blocks) is None:
            prefixes = ", ".join(str(block.prefix) for block in blocks)
            raise CniError(
                CniCode.ADDRESS_UNAVAILABLE,
                f"{address} was asked for, which this node cannot give this pod: "
                + (f"it gives addresses of {prefixes}" if prefixes else f"it has no {self._label} prefix"),
            )
        if number in self.held:
            raise CniError(CniCode.ADDRESS_UNAVAILABLE, f"{address} was asked for, and is in use already")
        return number

    def hold(self, number: int) -> Address:
        self.held.add(number)
        fresh = False
        for block in self.blocks:
            if block.fresh == number:
                block.fresh += 1
                fresh = True
        if not fresh or number in self._ahead:
            self._ahead.discard(number)
            self._freed.remove(number)
        return self._make(number)

    def release(self, number: int, now: float) -> None:
        if number in self.held:
            self.held.remove(number)
            block = _block_of(number, self.blocks)
            if block is not None:
                self._freed.append(number, now)
                if number >= block.fresh:
                    self._ahead.add(number)

    def _all_in_use(self, blocks: tuple[_Block, ...]) -> CniError:
        count, prefixes = _extent(blocks)
        return CniError(
            CniCode.NO_FREE_ADDRESS,
            f"no {self._label} address is free: all {count} of {prefixes} are in use; "
            "these are all the prefixes that the node has for this pod: give it another one or a larger one",
        )

    def _all_warm(self, left: float, cooling: float, blocks: tuple[_Block, ...]) -> CniError:
        count, prefixes = _extent(blocks)
        warm = sum(_block_of(number, blocks) is not None for number in self._freed.numbers)
        return CniError(
            CniCode.TRY_AGAIN_LATER,
            f"no {self._label} address is free yet: of {count} of {prefixes}, {count - warm} are in use and "
            f"{warm} were freed less than {cooling:g} s ago; the next one can be given in {left:.1f} s",
            "the node's prefixes are nearly used up: give it another one or a larger one",
        )


def _whole_block(prefix: Prefix) -> _Block:
    numbers = pod_range(prefix)
    return _Block(prefix, numbers.start, numbers.stop, numbers.start)


def _block_of(number: int, blocks: tuple[_Block, ...]) -> _Block | None:
    for block in blocks:
        if block.first <= number < block.end:
            return block
    return None


def _extent(blocks: tuple[_Block, ...]) -> tuple[int, str]:
    """How many addresses there are, and where."""
    count = sum(block.end - block.first for block in blocks)
    return count, ", ".join(str(block.prefix) for block in blocks)
