"""The order in which a node tries the blocks of a pool."""

from ipaddress import ip_network

from hypothesis import given
from hypothesis import strategies as st

from bgpnet.model.blockname import block_name, named_block
from bgpnet.model.blockpick import block_at, block_of, free_block
from bgpnet.model.net import Prefix, covers
from tests.unit.facts import prefix

POOLS = (("10.1.0.0/24", 26), ("10.1.0.0/20", 24), ("2001:db8::/120", 122), ("10.1.2.0/26", 26))

pools = st.sampled_from([(prefix(cidr), length) for cidr, length in POOLS])


@given(pools, st.text(max_size=8))
def test_every_block_is_reached_once_and_then_the_pool_is_full(pool: tuple[Prefix, int], seed: str) -> None:
    cidr, length = pool
    taken: list[Prefix] = []
    while (block := free_block(cidr, length, taken, seed)) is not None:
        assert block not in taken
        assert covers(cidr, block)
        assert block.prefixlen == length
        taken.append(block)
    assert len(taken) == 1 << (length - cidr.prefixlen)


@given(st.lists(st.integers(0, 255), max_size=200), st.integers(24, 32))
def test_a_free_block_overlaps_no_taken_one_of_whatever_length(spots: list[int], length: int) -> None:
    cidr = prefix("10.1.0.0/20")
    taken = [block_at(cidr, 28, spot) for spot in spots]
    block = free_block(cidr, length, taken, "n")
    assert block is None or not any(covers(block, each) or covers(each, block) for each in taken)


def test_nodes_begin_at_different_blocks() -> None:
    cidr = prefix("10.0.0.0/16")
    first = {free_block(cidr, 26, (), f"node{number}") for number in range(250)}
    assert len(first) > 200


def test_a_block_over_the_whole_pool_leaves_nothing() -> None:
    assert free_block(prefix("10.1.0.0/24"), 26, [prefix("10.1.0.0/16")], "n") is None


def test_a_pool_without_end_is_looked_at_in_bounds() -> None:
    assert free_block(prefix("2001:db8::/32"), 122, [], "n") is not None


@given(st.sampled_from(["10.1.2.0/26", "0.0.0.0/8", "2001:db8::40/122", "::/64", "10.255.255.255/32"]))
def test_a_name_says_its_block(text: str) -> None:
    block = ip_network(text)
    assert named_block(block_name(block)) == block
    assert block_name(prefix("2001:db8::40/122")) == "2001-0db8-0000-0000-0000-0000-0000-0040-122"


def test_what_is_no_name_says_nothing() -> None:
    assert [named_block(name) for name in ("x", "10.1.2.3-26", "10.1.2.0-99", "")] == [None] * 4


def test_the_block_of_an_address() -> None:
    assert block_of(prefix("10.1.0.0/16"), 26, prefix("10.1.2.77/32")) == prefix("10.1.2.64/26")
