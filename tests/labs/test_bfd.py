"""BFD with FRR's bfdd and with BIRD, judged from the routers, the kernels and the clock."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.labs.watchedlab import LINKS, NODE, TORS, Watched, agree, running, until
from tests.netlab import faults
from tests.netlab.images import OWN_PROGRAMS, REPOSITORY

pytestmark = pytest.mark.lab

DETECTION = 0.9
"""Seconds; 300 ms x 3."""

LIMIT = 4.0
"""Seconds from a silent death to the last route over it gone, beside other tests: without BFD they are 9.

`make faults` holds the bar of 1.2 s.
"""


ANEW = 7101
"""Index of a link's end that is made anew; the node's is the next one."""


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with running(tmp_path_factory.mktemp("bfd"), "bfd") as watched:
        yield watched


@pytest.fixture
def lab(up: Watched) -> Watched:
    up.settled()
    return up


@contextmanager
def cut(lab: Watched, hooks: dict[str, str]) -> Iterator[float]:
    """Nothing passes the node's links in the direction of each hook; all keep carrier. When that began."""
    chains = "".join(
        f"chain {tor} {{ type filter hook {hook} device {LINKS[tor]} priority -500; policy drop; }}\n"
        for tor, hook in hooks.items()
    )
    rules = f"nft -f - <<'X'\ntable netdev cut {{\n{chains}}}\nX"
    lab.node.run_in_network("sh", "-c", rules).checked("nft")
    try:
        yield time.monotonic()
    finally:
        lab.node.run_in_network("nft", "delete", "table", "netdev", "cut").checked("nft")


def test_bfd_comes_up_with_both_and_both_sides_agree_on_the_times(lab: Watched) -> None:
    frr = lab.frr_bfd()
    assert (frr["status"], frr["remote-detect-multiplier"]) == ("up", 3)
    assert (frr["remote-receive-interval"], frr["remote-transmit-interval"]) == (300, 300)
    state, _, interval, timeout = lab.bird_bfd()
    assert (state, interval, timeout) == ("Up", "0.300", "0.900")
    for tor in TORS:
        bfd = lab.bfd(tor)
        assert (bfd["state"], bfd["remote_state"], bfd["reason"]) == ("Up", "Up", "")
        assert (bfd["interval"], bfd["detection"]) == (300, 900)
    text = lab.node.run("bgpnet", "peers", "frr").stdout
    assert "a packet every 300 ms, down after 900 ms of silence; 300 ms x 3 configured" in text


def test_other_times_are_agreed_on_with_both_while_the_sessions_are_up(lab: Watched) -> None:
    """50 ms x 10: a machine that does other things may keep a process from running for longer than 150 ms."""
    before = lab.lives()
    try:
        agree(lab, 50, 10)
        (counted,), begun = lab.vtysh("show bfd peers counters"), time.monotonic()
        time.sleep(2)
        (now,), passed = lab.vtysh("show bfd peers counters"), time.monotonic() - begun
        for way in ("control-packet-input", "control-packet-output"):
            rate = (now[way] - counted[way]) / passed
            assert 10 < rate < 30, f"{way}: {rate:.0f} a second"
        lab.configure("bird", "{minInterval: 500, multiplier: 4}")
        until("BIRD waits for 4 x 500 ms", lambda: lab.bird_bfd()[2:] == ["0.500", "2.000"])
    finally:
        agree(lab, 300, 3)
    assert lab.lives() == before


@pytest.mark.parametrize("hooks", [("ingress", "egress"), ("egress", "ingress")], ids=" and ".join)
def test_a_link_that_is_dead_one_way_is_out_of_use_on_both_sides(
    lab: Watched, hooks: tuple[str, str]
) -> None:
    """Bytes of the ToR do not come in on one link, ours do not leave by the other."""
    with cut(lab, dict(zip(TORS, hooks, strict=True))) as begun:
        until("the node has no route over them", lambda: not lab.hops())
        ours = time.monotonic() - begun
        until("the ToRs' routes are gone", lambda: not any(map(lab.has_route, TORS)))
        theirs = time.monotonic() - begun
        for (tor, peer), hook in zip(sorted(lab.peers().items(), reverse=True), hooks, strict=True):
            bfd = peer["bfd"]
            assert (bfd["failed"], peer["state"] != "Established") == (True, True)
            if hook == "ingress":
                assert "nothing heard from the router for 900 ms" in bfd["last_error"]
                assert "this node sent NOTIFICATION Cease / BFD Down (6/10)" in peer["last_error"]
            else:
                assert "it no longer hears this node" in bfd["last_error"], tor
        session = lab.vtysh("show bgp neighbors")[NODE["frr"]]
        assert session["lastResetDueTo"] == "BFD down received" or session["lastErrorCodeSubcode"] == "060A"
        assert "BFD" in lab.lab.node("bird").run("birdc", "show", "protocols", "all", "node").stdout
    assert max(ours, theirs) <= LIMIT


def test_the_rest_of_a_node_that_dies_takes_no_bfd_session_along(lab: Watched) -> None:
    with patient_routers(lab):
        _the_rest_dies(lab)


@contextmanager
def patient_routers(lab: Watched) -> Iterator[None]:
    """They wait for 3 s: how soon a process is back is the machine's affair, what it then says is ours."""
    _agree(lab, 10)
    try:
        yield
    finally:
        _agree(lab, 3)


def _agree(lab: Watched, multiplier: int) -> None:
    for tor in TORS:
        lab.configure(tor, f"{{multiplier: {multiplier}}}")
    until("BIRD waits so long", lambda: lab.bird_bfd()[3] == f"{0.3 * multiplier:.3f}")
    until("FRR, too", lambda: lab.frr_bfd()["remote-detect-multiplier"] == multiplier)


def _the_rest_dies(lab: Watched) -> None:
    before = lab.lives()
    for victim in ("agent", "exabgp", "speaker", "bfd"):
        faults.kill(lab.node, victim)
        # BGP has gone without a word and BFD has not: the routers keep the routes (RFC 4724, RFC 5882 §4.3.1)
        assert all(map(lab.has_route, TORS)), victim
        until(f"{victim} is back", lambda victim=victim: bool(faults.having(lab.node, victim)))  # type: ignore[misc]
    with faults.dead(lab.node, "agent"):
        time.sleep(DETECTION + 0.2)
        assert all(map(lab.has_route, TORS))
    assert lab.lives() == before


def test_bfd_that_is_told_to_stop_has_the_routers_wait(lab: Watched) -> None:
    before = lab.lives()
    (running,) = faults.having(lab.node, "bfd")
    with faults.stopped(lab.node, "node"):
        os.kill(running.pid, 15)
        until("bfd has ended", lambda: not faults.having(lab.node, "bfd"))
        time.sleep(DETECTION + 0.2)
        assert lab.lives() == before
        assert lab.bird_bfd()[2:] == ["20.000", "60.000"]
    until("BIRD waits for 900 ms again", lambda: lab.bird_bfd()[3] == "0.900")
    assert lab.lives() == before


def test_a_session_that_the_router_takes_down_on_purpose_is_no_failure(lab: Watched) -> None:
    frr = lab.lab.node("frr")
    frr.run("vtysh", "-c", "configure", "-c", "bfd", "-c", "profile node", "-c", "shutdown").checked("vtysh")
    until("AdminDown is heard", lambda: lab.bfd("frr")["remote_state"] == "AdminDown")
    time.sleep(0.5)
    peer = lab.peers()["frr"]
    assert (peer["state"], peer["bfd"]["failed"]) == ("Established", False)
    assert "on purpose" in peer["bfd"]["reason"]
    assert lab.hops() == set(TORS.values())
    frr.run("vtysh", "-c", "configure", "-c", "bfd", "-c", "profile node", "-c", "no shutdown").checked(
        "vtysh"
    )
    until("up again", lambda: lab.bfd("frr")["state"] == "Up")


def test_a_drain_that_ends_the_sessions_takes_bfd_down_on_purpose(lab: Watched) -> None:
    """AdminDown (RFC 5882 §4.2): no router takes the node for dead."""
    node, cluster = (lab.manifests / name for name in ("21-node1.yaml", "00-bgp.yaml"))
    before, whole = node.read_text(encoding="utf-8"), cluster.read_text(encoding="utf-8")
    cluster.write_text(whole + "  drainWait: 1\n", encoding="utf-8")
    label = "metadata: {name: node1, labels: {bgpnet.io/drain: sessions}}"
    node.write_text(before.replace("metadata: {name: node1}", label), encoding="utf-8")
    try:
        until("no ToR has a route to the pods", lambda: not any(map(lab.has_route, TORS)), 30)
        until(
            "BGP has ended",
            lambda: lab.vtysh("show bgp neighbors")[NODE["frr"]]["bgpState"] != "Established",
            30,
        )
        until("BFD has ended", lambda: lab.frr_bfd()["status"] == "down")
        assert lab.frr_bfd()["remote-diagnostic"] == "administratively down"
        assert lab.vtysh("show bgp neighbors")[NODE["frr"]]["lastResetDueTo"] != "BFD down received"
    finally:
        node.write_text(before, encoding="utf-8")
        cluster.write_text(whole, encoding="utf-8")


def test_a_link_that_is_made_anew_is_watched_again_and_the_other_session_does_not_notice(
    lab: Watched,
) -> None:
    """The socket that hears is bound to a link that is no more."""
    (before,) = lab.vtysh("show bfd peers counters")
    bird = lab.lab.node("bird")
    lab.node.run("ip", "link", "del", LINKS["bird"]).checked("ip")
    until("the node is without it", lambda: lab.hops() == {TORS["frr"]})
    link = f"link add eth1 index {ANEW} type veth peer name {LINKS['bird']} index {ANEW + 1}"
    bird.run_in_network("ip", *link.split(), "netns", lab.node.namespace).checked("ip")
    for node, name, address in ((bird, "eth1", TORS["bird"]), (lab.node, LINKS["bird"], NODE["bird"])):
        node.run("ip", "address", "add", f"{address}/24", "dev", name).checked("ip")
        node.run("ip", "link", "set", name, "up").checked("ip")
    lab.settled()
    assert lab.bird_bfd()[0] == "Up"
    (after,) = lab.vtysh("show bfd peers counters")
    assert after["session-down"] == before["session-down"]


def test_a_hostile_sender_changes_nothing(lab: Watched) -> None:
    before = lab.lives()
    bird = lab.lab.node("bird")
    argv = [str(OWN_PROGRAMS / "python"), str(REPOSITORY / "tests" / "labs" / "watched" / "hostile.py")]
    sent = json.loads(bird.run_in_network(*argv, TORS["bird"], NODE["bird"]).checked("hostile").stdout)
    assert sent["rate"] > 2_000  # 12,000 on an idle machine
    # What finds the socket's buffer full is not counted.
    until("most is counted", lambda: sum(lab.bfd("bird")["dropped"].values()) > 0.5 * sent["packets"])
    dropped = lab.bfd("bird")["dropped"]
    assert {"ttl", "your-discriminator", "version", "length", "state", "authentication"} <= dropped.keys()
    assert lab.lives() == before


def test_who_dies_with_the_link_up_is_out_of_use_in_time(lab: Watched) -> None:
    """First a ToR, then the node: neither says a word, and nobody loses carrier."""
    begun = time.monotonic()
    faults.power_off(lab.lab.node("bird"), links_go_dark=False)
    until("its routes are gone", lambda: lab.hops() == {TORS["frr"]})
    router = time.monotonic() - begun
    begun = time.monotonic()
    faults.power_off(lab.node, links_go_dark=False)
    until("no router has a route to it", lambda: not lab.has_route("frr"))
    node = time.monotonic() - begun
    faults.power_on(lab.lab, "bird")
    faults.power_on(lab.lab, lab.node.name)
    assert max(router, node) <= LIMIT
