"""Which address the next pod gets. Pure: no file, no clock, no kernel.

Addresses of the node's blocks are given in sequence, block after block; one that came back is given again
only when no fresh one is left, the longest free first.

All addresses of a block are given but the first, when the block has more than two. Pods have /32 and /128
addresses and the block is no subnet of theirs, so its last address is nobody's broadcast; the first one stays
free for the node itself, and because many a program takes it for the network's. Of a block with more than
65,536 addresses the first 65,536 are given: a node runs out of pods long before.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from bgpnet.model.cni import CniCode
from bgpnet.model.errors import CniError
from bgpnet.model.net import Address, Family, Prefix, family_of

_ADDRESSES_OF_A_BLOCK: Final = 65536
_BLOCK_WITHOUT_RESERVE: Final = 2  # RFC 3021, RFC 6164: both addresses of a /31 and a /127 are hosts'


class Ipam:
    """The addresses of one node, in use and free."""

    def __init__(self, held: Iterable[Address]) -> None:
        """Start with these addresses in use. The order in which the others came back is not known."""
        self._families = {
            Family.IPV4: _Addresses("IPv4", IPv4Address),
            Family.IPV6: _Addresses("IPv6", IPv6Address),
        }
        for address in held:
            self._families[family_of(address)].held.add(int(address))

    def set_blocks(self, prefixes: Iterable[Prefix]) -> None:
        """Give addresses from these blocks and from no other. Those in use stay in use, wherever they are."""
        blocks = tuple(prefixes)
        for family, addresses in self._families.items():
            addresses.set_blocks(tuple(prefix for prefix in blocks if family_of(prefix) is family))

    def take(self) -> tuple[Address, ...]:
        """One free address of each family that has blocks, in use from now on.

        Raises:
            CniError: code 101, a family has no free one (then none is taken); or 11, there are no blocks.
        """
        families = [addresses for addresses in self._families.values() if addresses.blocks]
        if not families:
            raise CniError(
                CniCode.TRY_AGAIN_LATER,
                "the node has no prefix of its own to give addresses from; `bgpnet status` tells why",
            )
        picked = [addresses.next_free() for addresses in families]
        return tuple(addresses.hold(number) for addresses, number in zip(families, picked, strict=True))

    def release(self, addresses: Iterable[Address]) -> None:
        """Take addresses back; one that is not in use is passed over."""
        for address in addresses:
            self._families[family_of(address)].release(int(address))


@dataclass(slots=True)
class _Block:
    """A block's addresses as numbers: given are `first` up to `end`; those from `fresh` were never given."""

    prefix: Prefix
    first: int
    end: int
    fresh: int


class _Addresses:
    """The addresses of one family, as numbers: a freed one costs 50 bytes."""

    def __init__(self, label: str, make: type[IPv4Address | IPv6Address]) -> None:
        self.blocks: tuple[_Block, ...] = ()
        self.held: set[int] = set()
        self._label = label
        self._make = make
        # Behind their blocks' `fresh`, the longest free first. Its head is never in use.
        self._freed: deque[int] = deque()

    def set_blocks(self, prefixes: tuple[Prefix, ...]) -> None:
        known = {block.prefix: block for block in self.blocks}
        if prefixes == tuple(known):
            return
        added = [_whole_block(prefix) for prefix in prefixes if prefix not in known]
        known |= {block.prefix: block for block in added}
        self.blocks = tuple(known[prefix] for prefix in prefixes)
        self._freed = deque(number for number in self._freed if self._is_given(number))
        for block in added:
            here = [number for number in self.held if block.first <= number < block.end]
            block.fresh = max(here, default=block.first - 1) + 1
            self._freed.extend(
                number for number in range(block.first, block.fresh) if number not in self.held
            )

    def next_free(self) -> int:
        for block in self.blocks:
            while block.fresh < block.end and block.fresh in self.held:
                block.fresh += 1
            if block.fresh < block.end:
                return block.fresh
        while self._freed and self._freed[0] in self.held:
            self._freed.popleft()
        if self._freed:
            return self._freed[0]
        used = sum(block.end - block.first for block in self.blocks)
        prefixes = ", ".join(str(block.prefix) for block in self.blocks)
        raise CniError(
            CniCode.NO_FREE_ADDRESS,
            f"no {self._label} address is free: all {used} of {prefixes} are in use; "
            "these are all the prefixes that the node has: give it another one or a larger one",
        )

    def hold(self, number: int) -> Address:
        self.held.add(number)
        for block in self.blocks:
            if block.fresh == number:
                block.fresh += 1
        if self._freed and self._freed[0] == number:
            self._freed.popleft()
        return self._make(number)

    def release(self, number: int) -> None:
        if number in self.held:
            self.held.remove(number)
            if self._is_given(number):
                self._freed.append(number)

    def _is_given(self, number: int) -> bool:
        return any(block.first <= number < block.end for block in self.blocks)


def _whole_block(prefix: Prefix) -> _Block:
    first = int(prefix.network_address)
    end = first + min(prefix.num_addresses, _ADDRESSES_OF_A_BLOCK)
    if prefix.num_addresses > _BLOCK_WITHOUT_RESERVE:
        first += 1
    return _Block(prefix, first, end, first)
