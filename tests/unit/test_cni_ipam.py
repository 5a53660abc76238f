"""Addresses in sequence, a freed one last, none twice."""

import re
from collections import deque
from collections.abc import Mapping
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgpnet.cni.ipam import Ipam
from bgpnet.model.cni import CniCode
from bgpnet.model.errors import CniError
from bgpnet.model.net import Prefix

COOLING = 5.0


def ipam(*prefixes: str, held: tuple[str, ...] = (), freed: Mapping[str, float] | None = None) -> Ipam:
    known = {ip_address(text): at for text, at in (freed or {}).items()}
    made = Ipam((ip_address(text) for text in held), known)
    made.set_blocks(blocks(*prefixes))
    return made


def blocks(*prefixes: str) -> tuple[Prefix, ...]:
    return tuple(ip_network(text) for text in prefixes)


def take(pool: Ipam, count: int = 1, now: float = 0, cooling: float = 0) -> list[str]:
    return [" ".join(map(str, pool.take(now, cooling))) for _ in range(count)]


def ask(pool: Ipam, *wanted: str) -> str:
    return " ".join(map(str, pool.take(0, COOLING, [ip_address(text) for text in wanted])))


def release(pool: Ipam, *texts: str, now: float = 0) -> None:
    pool.release((ip_address(text) for text in texts), now)


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
        pool.take(0, 0)


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
        pool.take(0, 0)


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
        pool.take(0, 0)
    pool.set_blocks(blocks("10.0.0.0/24"))
    assert take(pool) == ["10.0.0.3"]


def test_a_full_block_says_how_many_are_used() -> None:
    pool = ipam("10.0.0.0/29", "10.0.1.0/30")
    take(pool, 10)
    with pytest.raises(CniError, match=r"all 10 of 10\.0\.0\.0/29, 10\.0\.1\.0/30 are in use") as raised:
        pool.take(0, 0)
    assert raised.value.code == CniCode.NO_FREE_ADDRESS


def test_no_block_is_to_be_tried_again() -> None:
    with pytest.raises(CniError) as raised:
        ipam().take(0, 0)
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
        pool.take(0, 0)


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
        pool.take(0, 0)


def test_a_freed_address_is_not_given_before_it_has_cooled_down() -> None:
    pool = ipam("10.0.0.0/30")
    take(pool, 3)
    release(pool, "10.0.0.2", now=100)
    release(pool, "10.0.0.1", now=101)
    with pytest.raises(
        CniError, match=r"of 3 of 10\.0\.0\.0/30, 1 are in use and 2 were freed.* in 1\.0 s"
    ) as raised:
        pool.take(104, COOLING)
    assert raised.value.code == CniCode.TRY_AGAIN_LATER
    assert take(pool, now=105, cooling=COOLING) == ["10.0.0.2"]
    with pytest.raises(CniError):
        pool.take(105, COOLING)
    assert take(pool, now=106, cooling=COOLING) == ["10.0.0.1"]


def test_what_was_freed_before_a_restart_keeps_its_order_and_its_time() -> None:
    pool = ipam("10.0.0.0/29", held=("10.0.0.3",), freed={"10.0.0.5": 50, "10.0.0.2": 40, "192.0.2.1": 0})
    assert take(pool, 4, now=54, cooling=COOLING) == ["10.0.0.6", "10.0.0.7", "10.0.0.1", "10.0.0.4"]
    assert take(pool, now=54, cooling=COOLING) == ["10.0.0.2"]
    with pytest.raises(CniError, match=r"in 1\.0 s"):
        pool.take(54, COOLING)


def test_an_address_that_is_asked_for_is_given_when_it_is_free() -> None:
    pool = ipam("10.0.0.0/29", "fd00::/64")
    assert ask(pool, "10.0.0.2") == "10.0.0.2 fd00::1"
    assert ask(pool, "fd00::9", "10.0.0.4") == "10.0.0.4 fd00::9"
    assert take(pool, 2) == ["10.0.0.1 fd00::2", "10.0.0.3 fd00::3"]
    release(pool, "10.0.0.1", now=0)
    assert ask(pool, "10.0.0.1") == "10.0.0.1 fd00::4"


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ("10.0.0.1", "10.0.0.1 was asked for, and is in use already"),
        ("10.0.0.0", "which this node cannot give this pod: it gives addresses of 10.0.0.0/29"),
        ("10.0.0.8", "it gives addresses of 10.0.0.0/29"),
        ("fd00::1", "it has no IPv6 prefix"),
    ],
)
def test_an_address_that_is_asked_for_and_not_to_be_had(wanted: str, reason: str) -> None:
    pool = ipam("10.0.0.0/29")
    take(pool)
    with pytest.raises(CniError, match=re.escape(reason)) as raised:
        ask(pool, wanted)
    assert raised.value.code == CniCode.ADDRESS_UNAVAILABLE
    assert take(pool) == ["10.0.0.2"]


def test_an_address_freed_ahead_of_the_sequence_cools_down_too() -> None:
    pool = ipam("10.0.0.0/29")
    ask(pool, "10.0.0.2")
    release(pool, "10.0.0.2", now=0)
    assert take(pool, 6, now=1, cooling=COOLING) == [f"10.0.0.{n}" for n in (1, 3, 4, 5, 6, 7)]
    with pytest.raises(CniError):
        pool.take(1, COOLING)
    assert take(pool, now=5, cooling=COOLING) == ["10.0.0.2"]


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=60))
def test_no_address_is_held_twice_whatever_is_asked_for(steps: list[tuple[int, bool]]) -> None:
    pool = ipam("10.0.0.0/29")
    held: list[str] = []
    for host, asking in steps:
        wanted = [ip_address(f"10.0.0.{host}")] if asking else []
        try:
            held.append(str(pool.take(0, 0, wanted)[0]))
        except CniError:
            assert asking or len(held) == 7
            if held:
                release(pool, held.pop(host % len(held)))
    assert len(set(held)) == len(held)


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


def test_a_pod_gets_addresses_of_the_blocks_that_serve_it_alone() -> None:
    pool = ipam("10.0.0.0/29", "10.0.1.0/29")
    first, second = (frozenset(blocks(text)) for text in ("10.0.0.0/29", "10.0.1.0/29"))
    assert [str(*pool.take(0, COOLING, (), second)) for _ in range(7)] == [f"10.0.1.{n}" for n in range(1, 8)]
    assert [str(*pool.take(0, COOLING, (), first)) for _ in range(7)] == [f"10.0.0.{n}" for n in range(1, 8)]
    release(pool, "10.0.0.3", now=1)
    release(pool, "10.0.1.5", now=2)
    with pytest.raises(CniError, match=r"of 7 of 10.0.1.0/29, 6 are in use and 1 were freed") as raised:
        pool.take(3, COOLING, (), second)
    assert raised.value.code == CniCode.TRY_AGAIN_LATER
    assert str(*pool.take(20, COOLING, (), second)) == "10.0.1.5", "though another is free for longer"
    with pytest.raises(CniError, match=r"all 7 of 10.0.1.0/29 are in use") as raised:
        pool.take(20, COOLING, (), second)
    assert raised.value.code == CniCode.NO_FREE_ADDRESS
    with pytest.raises(CniError, match=r"10.0.0.3 was asked for, which this node cannot give this pod"):
        pool.take(20, COOLING, (ip_address("10.0.0.3"),), second)
    assert str(*pool.take(20, COOLING, (), first)) == "10.0.0.3"
