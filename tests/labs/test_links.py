"""Uplinks and their addresses come, go and change their names: the sessions follow, and so do the routes."""

import time
from collections.abc import Iterator

import pytest

from tests.labs.roughrack import (
    BLOCK,
    FAR_ACCEPTED,
    FAR_ANNOUNCED,
    NODES,
    RoughRack,
    announced_far,
    far,
    rough_rack,
    until,
)
from tests.netlab import faults

pytestmark = pytest.mark.lab

WITHIN = 6.0
"""Seconds, beside other tests; the bar is 2 s (`make bench ARGS=host`)."""
BOTH = {("10.0.1.1", "eth1"), ("10.0.2.1", "eth2")}

MANY = 10_000
"""Routes that the ToR announces beside the one to the VM."""

ANEW = 7001
"""Index of a link's end that is made anew; the node's is the next one."""

FLOOD = 30_000
"""Changes of routes: more than a queue of netlink holds."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RoughRack]:
    work = tmp_path_factory.mktemp("links")
    with rough_rack(work, tor=FAR_ANNOUNCED, accept=FAR_ACCEPTED) as rack:
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


@pytest.fixture
def many(rack: RoughRack) -> Iterator[RoughRack]:
    """The ToR announces ten thousand routes more, and its sessions outlive a second without a link."""
    failover = ("-c", "configure", "-c", "router bgp 65001", "-c")
    rack.tor.run("vtysh", *failover, "no bgp fast-external-failover").checked("vtysh")
    with announced_far(rack, MANY):
        yield rack
    rack.tor.run("vtysh", *failover, "bgp fast-external-failover").checked("vtysh")


def overrun(rack: RoughRack) -> int:
    """How many messages the queues of netlink sockets have dropped in the node's namespace."""
    rows = rack.node.run_in_network("cat", "/proc/net/netlink").checked("cat").stdout.splitlines()
    column = rows[0].split().index("Drops")
    return sum(int(row.split()[column]) for row in rows[1:])


def test_pain_point_23_ten_thousand_routes_are_back_though_no_event_told_of_it(many: RoughRack) -> None:
    """The agent sleeps and its queue overruns while both uplinks are away: it has to look, and see all."""
    before = overrun(many)
    with faults.stopped(many.node, "agent"):
        ip(many, "link set eth1 down", "link set eth2 down")
        begun = time.monotonic()
        change = "".join(f"route {verb} 198.51.100.1/32 dev lo table 99\n" for verb in ("add", "del"))
        many.node.run("ip", "-batch", "-", stdin=change * (FLOOD // 2)).checked("ip")
        assert far(many) == (0, 0)
        assert overrun(many) > before, "all events are in the queue, so nothing is proven"
        time.sleep(max(0, begun + 1 - time.monotonic()))
        ip(many, "link set eth1 up", "link set eth2 up")
    took = until(lambda: far(many) == (MANY, MANY), "all routes are back", within=20)
    print(f"{MANY} routes both ways {took:.2f} s after the links")
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


def test_an_uplink_that_is_made_anew_gets_its_session_and_its_settings(rack: RoughRack) -> None:
    """As a driver that is loaded again does: the same name, another index, nothing of what was set."""
    sysctls = {"rp_filter": "2", "ignore_routes_with_linkdown": "1"}
    link = f"link add eth2 index {ANEW} type veth peer name eth2 index {ANEW + 1} netns {rack.node.namespace}"
    ip(rack, "link del eth2")
    until(lambda: rack.ways() == {("10.0.1.1", "eth1")}, "one way")
    rack.tor.run_in_network("ip", *link.split()).checked("ip")
    rack.tor.run("ip", "link", "set", "eth2", "up").checked("ip")
    ip(rack, "address add 10.0.2.11/24 dev eth2", "link set eth2 up")
    until(lambda: rack.ways() == BOTH, "both ways")
    until(lambda: set(rack.up_since()) >= set(NODES), "both sessions")
    until(lambda: len(rack.ways(BLOCK, on="tor")) == len(NODES), "both ways to the block")
    (shown,) = rack.node.ip_json("link", "show", "eth2")
    assert shown["ifindex"] == ANEW + 1
    for name, value in sysctls.items():
        found = rack.node.run("cat", f"/proc/sys/net/ipv4/conf/eth2/{name}").stdout.strip()
        assert found == value, name


def test_an_uplink_that_is_renamed_keeps_its_session_and_gets_its_settings(rack: RoughRack) -> None:
    ip(rack, "link set eth2 down", "link set eth2 name up2", "link set up2 up")
    try:
        until(lambda: rack.ways() == {("10.0.1.1", "eth1"), ("10.0.2.1", "up2")}, "both ways")
        until(lambda: set(rack.up_since()) >= set(NODES), "both sessions")
        setting = rack.node.run("cat", "/proc/sys/net/ipv4/conf/up2/rp_filter").stdout.strip()
        assert setting == "2", "loose: a reply may come by the other router"
    finally:
        ip(rack, "link set up2 down", "link set up2 name eth2", "link set eth2 up")
