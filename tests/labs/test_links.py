"""Uplinks and their addresses come, go and change their names: the sessions follow, and so do the routes."""

import time
from collections.abc import Iterator

import pytest

from tests.labs.roughrack import BLOCK, NODES, RoughRack, rough_rack, until

pytestmark = pytest.mark.lab

WITHIN = 6.0
"""Seconds, beside other tests; the bar is 2 s (`make bench ARGS=host`)."""
BOTH = {("10.0.1.1", "eth1"), ("10.0.2.1", "eth2")}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RoughRack]:
    # FRR 8.4.4 believes in its nexthop groups when the kernel has emptied them (docs/decisions.md).
    with rough_rack(tmp_path_factory.mktemp("links"), tor="!\nno zebra nexthop kernel enable\n") as rack:
        yield rack


@pytest.fixture
def rack(running: RoughRack) -> RoughRack:
    running.settled()
    return running


def ip(rack: RoughRack, *lines: str) -> None:
    done = rack.node.run("ip", "-batch", "-", stdin="".join(f"{line}\n" for line in lines))
    done.checked("ip")


def test_pain_point_23_both_uplinks_gone_for_a_second_are_back_at_once(rack: RoughRack) -> None:
    """FRR ends the sessions with its links (fast external failover); the node must not wait for new ones."""
    ip(rack, "link set eth1 down", "link set eth2 down")
    until(lambda: not rack.ways(), "no way is left")
    time.sleep(1)
    ip(rack, "link set eth1 up", "link set eth2 up")
    took = until(lambda: rack.ways() == BOTH, "both ways are back")
    assert took < WITHIN, f"{took:.2f} s"


def test_a_session_follows_the_address_of_its_link(rack: RoughRack) -> None:
    ip(rack, "address del 10.0.1.11/24 dev eth1", "address add 10.0.1.50/24 dev eth1")
    try:
        until(lambda: set(rack.up_since()) >= {"10.0.1.50", "10.0.2.11"}, "a session from the new address")
        gateways = {("10.0.1.50", "eth1"), ("10.0.2.11", "eth2")}
        until(lambda: rack.ways(BLOCK, on="tor") == gateways, "the ToR has the new next hop")
        until(lambda: rack.ways() == BOTH, "both ways to the VM")
    finally:
        ip(rack, "address del 10.0.1.50/24 dev eth1", "address add 10.0.1.11/24 dev eth1")


def test_an_uplink_that_is_renamed_keeps_its_session_and_gets_its_settings(rack: RoughRack) -> None:
    ip(rack, "link set eth2 down", "link set eth2 name up2", "link set up2 up")
    try:
        until(lambda: rack.ways() == {("10.0.1.1", "eth1"), ("10.0.2.1", "up2")}, "both ways")
        until(lambda: set(rack.up_since()) >= set(NODES), "both sessions")
        setting = rack.node.run("cat", "/proc/sys/net/ipv4/conf/up2/rp_filter").stdout.strip()
        assert setting == "2", "loose: a reply may come by the other router"
    finally:
        ip(rack, "link set up2 down", "link set up2 name eth2", "link set eth2 up")
