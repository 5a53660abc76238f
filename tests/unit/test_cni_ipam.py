"""Addresses in sequence, a freed one last, none twice."""

from collections import deque
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bgpnet.cni.ipam import Ipam
from bgpnet.model.cni import CniCode
from bgpnet.model.errors import CniError
from bgpnet.model.net import Prefix


def ipam(*prefixes: str, held: tuple[str, ...] = ()) -> Ipam:
    made = Ipam(ip_address(text) for text in held)
    made.set_blocks(blocks(*prefixes))
    return made


def blocks(*prefixes: str) -> tuple[Prefix, ...]:
    return tuple(ip_network(text) for text in prefixes)


def take(pool: Ipam, count: int = 1) -> list[str]:
    return [" ".join(map(str, pool.take())) for _ in range(count)]


def release(pool: Ipam, *texts: str) -> None:
    pool.release(ip_address(text) for text in texts)


def test_in_sequence_from_the_second_address_to_the_last() -> None:
    assert take(ipam("10.0.0.0/29"), 7) == [f"10.0.0.{n}" for n in range(1, 8)]


@pytest.mark.parametrize(
    ("prefix", "given"),
    [
        ("10.0.0.4/32", ["10.0.0.4"]),
        ("10.0.0.4/31", ["10.0.0.4", "10.0.0.5"]),
        ("10.0.0.4/30", ["10.0.0.5", "10.0.0.6", "10.0.0.7"]),
        ("fd00::4/128", ["fd00::4"]),
        ("fd00::4/127", ["fd00::4", "fd00::5"]),
        ("fd00::/126", ["fd00::1", "fd00::2", "fd00::3"]),
    ],
)
def test_the_first_address_is_kept_free_in_blocks_of_more_than_two(prefix: str, given: list[str]) -> None:
    pool = ipam(prefix)
    assert take(pool, len(given)) == given
    with pytest.raises(CniError):
        pool.take()


def test_a_freed_address_comes_last_and_the_longest_free_first() -> None:
    pool = ipam("10.0.0.0/29")
    take(pool, 3)
    release(pool, "10.0.0.2")
    release(pool, "10.0.0.1")
    assert take(pool, 6) == ["10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.0.7", "10.0.0.2", "10.0.0.1"]


def test_an_address_freed_twice_is_given_once() -> None:
    pool = ipam("10.0.0.0/31")
    take(pool, 2)
    release(pool, "10.0.0.0", "10.0.0.0")
    assert take(pool) == ["10.0.0.0"]
    with pytest.raises(CniError):
        pool.take()


def test_block_after_block() -> None:
    assert take(ipam("10.9.0.0/30", "10.1.0.0/30"), 6) == [
        *("10.9.0.1", "10.9.0.2", "10.9.0.3"),
        *("10.1.0.1", "10.1.0.2", "10.1.0.3"),
    ]


def test_dual_stack_gives_one_of_each_family() -> None:
    assert take(ipam("fd00::/64", "10.0.0.0/30"), 2) == ["10.0.0.1 fd00::1", "10.0.0.2 fd00::2"]


def test_a_full_family_takes_nothing_of_the_other() -> None:
    pool = ipam("10.0.0.0/24", "fd00::/127")
    take(pool, 2)
    with pytest.raises(CniError, match=r"no IPv6 address is free: all 2 of fd00::/127 are in use"):
        pool.take()
    pool.set_blocks(blocks("10.0.0.0/24"))
    assert take(pool) == ["10.0.0.3"]


def test_a_full_block_says_how_many_are_used() -> None:
    pool = ipam("10.0.0.0/29", "10.0.1.0/30")
    take(pool, 10)
    with pytest.raises(CniError, match=r"all 10 of 10\.0\.0\.0/29, 10\.0\.1\.0/30 are in use") as raised:
        pool.take()
    assert raised.value.code == CniCode.NO_FREE_ADDRESS


def test_no_block_is_to_be_tried_again() -> None:
    with pytest.raises(CniError) as raised:
        ipam().take()
    assert raised.value.code == CniCode.TRY_AGAIN_LATER


def test_found_addresses_are_in_use_and_those_before_them_come_last() -> None:
    pool = ipam("10.0.0.0/29", held=("10.0.0.2", "10.0.0.4", "192.0.2.1"))
    assert take(pool, 5) == ["10.0.0.5", "10.0.0.6", "10.0.0.7", "10.0.0.1", "10.0.0.3"]


def test_a_block_that_is_gone_gives_nothing_and_its_pods_keep_theirs() -> None:
    pool = ipam("10.0.0.0/30", "10.0.1.0/30")
    take(pool, 2)
    release(pool, "10.0.0.1")
    pool.set_blocks(blocks("10.0.1.0/30"))
    release(pool, "10.0.0.2")
    assert take(pool, 3) == ["10.0.1.1", "10.0.1.2", "10.0.1.3"]
    with pytest.raises(CniError):
        pool.take()


def test_a_block_that_comes_back_gives_nothing_that_is_in_use() -> None:
    pool = ipam("10.0.0.0/30")
    take(pool, 2)
    pool.set_blocks(blocks("10.0.1.0/30"))
    pool.set_blocks(blocks("10.0.0.0/30"))
    assert take(pool) == ["10.0.0.3"]


def test_overlapping_blocks_give_no_address_twice() -> None:
    given = take(ipam("10.0.0.0/29", "10.0.0.0/30"), 7)
    assert len(set(given)) == 7


def test_a_large_block_is_used_from_its_start() -> None:
    pool = ipam("fd00::/64", held=("fd00::1:0",))
    assert take(pool, 65535)[-1] == "fd00::ffff"
    with pytest.raises(CniError, match="all 65535 of fd00::/64"):
        pool.take()


@settings(deadline=None)
@given(st.lists(st.integers(0, 13)))
def test_like_a_queue_of_free_addresses(steps: list[int]) -> None:
    """Against the plain model: a queue of free addresses, taken from its head, put back at its end."""
    pool = ipam("10.0.0.0/29", "10.0.1.0/29")
    free = deque(f"10.0.{block}.{host}" for block in (0, 1) for host in range(1, 8))
    used: list[str] = []
    for step in steps:
        if step < len(used):
            address = used.pop(step)
            release(pool, address)
            free.append(address)
        elif free:
            used.append(free.popleft())
            assert take(pool) == used[-1:]
