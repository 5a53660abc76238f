"""The return-path probe: what is sent, what counts as an answer, and what a node lacks without one."""

from dataclasses import replace

import pytest

from bgpnet.drivers.probe import echo
from bgpnet.drivers.probe.pinger import widened
from bgpnet.drivers.probe.tally import Tally
from bgpnet.model.bgp import LearnedPath, ObservedSession, SessionState, Speaker
from bgpnet.model.net import Family
from bgpnet.model.plan import Announcement
from bgpnet.model.probe import DEFAULT_ROUTE_READY, LOST, Probe, ProbeResult, ProbeTarget, RouteReady
from bgpnet.model.snapshot import Snapshot
from bgpnet.planner import make_plan
from bgpnet.planner.probes import probes
from bgpnet.planner.status import node_status
from bgpnet.render.status import status_text
from tests.unit import facts

SOURCE = facts.address("10.244.1.0")
TOR1, TOR2 = (ProbeTarget(facts.address(f"10.0.{n}.1"), f"eth{n}") for n in (1, 2))
NONCE, OTHER = b"a" * echo.NONCE_BYTES, b"b" * echo.NONCE_BYTES


def up(peer: str, *announced: str) -> ObservedSession:
    prefixes = tuple(map(facts.prefix, announced))
    return ObservedSession(
        facts.address(peer), SessionState.ESTABLISHED, 1, "", 0, prefixes, end_of_rib_sent=True
    )


def node(
    *sessions: ObservedSession,
    cidrs: tuple[str, ...] = ("10.244.1.0/26",),
    wanted: RouteReady = DEFAULT_ROUTE_READY,
    paths: tuple[LearnedPath, ...] = (),
    both: bool = False,
) -> Snapshot:
    declared = facts.two_tors(facts.node("n1", *cidrs))
    assert declared.configuration is not None
    peers = declared.peers
    if both:
        peers = tuple(replace(each, families=(Family.IPV4, Family.IPV6)) for each in peers)
    declared = replace(
        declared, peers=peers, configuration=replace(declared.configuration, route_ready=wanted)
    )
    return replace(facts.snapshot(declared=declared), speaker=Speaker(sessions, paths))


def answered(target: ProbeTarget, missed: int = 0, source: str = "10.244.1.0") -> ProbeResult:
    return ProbeResult(facts.address(source), target, 100.0, 0.001, missed)


def lacking(snapshot: Snapshot, *results: ProbeResult) -> tuple[str, ...]:
    snapshot = replace(snapshot, probes=results)
    return node_status(snapshot, make_plan(snapshot), (), "1").not_ready_because


BOTH = (up("10.0.1.1", "10.244.1.0/26"), up("10.0.2.1", "10.244.1.0/26"))


def test_each_router_with_everything_is_asked_from_the_address_that_no_pod_gets() -> None:
    assert make_plan(node(*BOTH)).probes == (Probe(Family.IPV4, SOURCE, (TOR1, TOR2)),)
    assert make_plan(node(BOTH[0], up("10.0.2.1"))).probes == (Probe(Family.IPV4, SOURCE, (TOR1,)),)


def test_targets_that_are_named_are_asked_instead() -> None:
    plan = make_plan(node(BOTH[0], wanted=RouteReady(targets=(facts.address("192.0.2.10"),))))
    assert plan.probes[0].targets == (ProbeTarget(facts.address("192.0.2.10")),)


def test_a_router_is_asked_at_its_next_hop_where_the_session_is_of_the_other_family() -> None:
    session = up("10.0.1.1", "fd00:10::/64")
    path = facts.path("2001:db8::/48", "fd00:1::1")
    hop = replace(path, peer=facts.address("10.0.1.1"))
    told = make_plan(node(session, cidrs=("fd00:10::/64",), paths=(hop,), both=True)).probes
    assert told[0].targets == (ProbeTarget(facts.address("fd00:1::1"), "eth1"),)
    assert make_plan(node(session, cidrs=("fd00:10::/64",), both=True)).probes[0].targets == ()


def test_a_router_without_an_address_but_that_of_its_link_is_asked_on_that_link() -> None:
    """Two routers of two links may have the same link-local address."""
    declared = facts.two_tors(facts.node("n1", "fd00:10::/64"))
    routers = ("fe80::1%eth1", "fe80::1%eth2")
    sessions = tuple(up(router, "fd00:10::/64") for router in routers)
    planned = make_plan(node(*BOTH)).sessions
    assert planned is not None
    over = tuple(
        replace(each, peer=facts.address(router), families=(Family.IPV6,))
        for each, router in zip(planned, routers, strict=True)
    )
    told = tuple(
        Announcement(each.peer, facts.prefix("fd00:10::/64"), facts.address("fe80::2")) for each in over
    )
    speaker = Speaker(sessions, ())
    own = declared.nodes[0].pod_cidrs
    (probe,) = probes(own, over, told, speaker, DEFAULT_ROUTE_READY)
    assert [str(target) for target in probe.targets] == list(routers)


def test_a_node_is_not_ready_before_an_answer_and_says_so() -> None:
    """Pain point 6: a node is Ready before its routes are exchanged."""
    (said,) = lacking(node(*BOTH))
    assert said.startswith(
        "the return-path probe for ipv4, a ping from 10.244.1.0 to 10.0.1.1, 10.0.2.1, has no"
    )
    assert lacking(node(*BOTH), answered(TOR2)) == ()
    assert lacking(node(*BOTH), answered(TOR2, missed=LOST - 1)) == ()
    assert lacking(node(*BOTH), answered(TOR2, missed=LOST)) == (said,)
    assert lacking(node(*BOTH), answered(TOR2, source="10.244.9.0")) == (said,), "of a block it had before"


def test_no_probe_where_none_is_wanted() -> None:
    assert lacking(node(*BOTH, wanted=RouteReady(probe=False))) == ()


def test_as_many_sessions_as_are_asked_for() -> None:
    one = node(BOTH[0], up("10.0.2.1"), wanted=RouteReady(min_sessions=2))
    (said,) = lacking(one, answered(TOR1))
    assert said.startswith("1 of 2 sessions for ipv4 are up with every prefix announced")
    assert lacking(node(*BOTH, wanted=RouteReady(min_sessions=2)), answered(TOR1)) == ()


@pytest.mark.parametrize("cidr", ["10.244.1.1/32", "10.244.1.2/31"])
def test_a_block_of_pods_alone_has_no_address_to_probe_from(cidr: str) -> None:
    """Sessions alone decide, and the status says so."""
    snapshot = node(up("10.0.1.1", cidr), cidrs=(cidr,))
    assert lacking(snapshot) == ()
    status = node_status(snapshot, make_plan(snapshot), (), "1")
    assert "not probed: no announced block of the node has an address to spare" in status_text(status, 0)


def test_a_larger_block_is_taken_where_there_is_one() -> None:
    cidrs = ("10.244.1.1/32", "10.244.2.0/26")
    assert make_plan(node(up("10.0.1.1", *cidrs), cidrs=cidrs)).probes[0].source == facts.address(
        "10.244.2.0"
    )


def test_only_the_answer_to_the_last_probe_of_its_target_counts() -> None:
    tally = Tally()
    tally.only([(SOURCE, TOR1), (SOURCE, TOR2)])
    tally.sent((SOURCE, TOR1), 1, OTHER, 0.0)
    tally.sent((SOURCE, TOR1), 2, NONCE, 1.0)
    assert not tally.heard(TOR1.address, 1, OTHER, 1.1, 50.0), "an older one"
    assert not tally.heard(TOR1.address, 2, OTHER, 1.1, 50.0), "another nonce: forged"
    assert not tally.heard(TOR2.address, 2, NONCE, 1.1, 50.0), "somebody else"
    assert not tally.answered(SOURCE)
    assert tally.heard(TOR1.address, 2, NONCE, 1.25, 50.0)
    assert not tally.heard(TOR1.address, 2, NONCE, 1.3, 60.0), "twice"
    assert tally.results[0] == ProbeResult(SOURCE, TOR1, 50.0, 0.25, 0)


def test_an_answer_that_is_late_still_counts() -> None:
    tally = Tally()
    tally.only([(SOURCE, TOR1)])
    tally.sent((SOURCE, TOR1), 1, NONCE, 0.0)
    tally.judge(SOURCE)
    assert tally.results[0].missed == 1
    assert tally.heard(TOR1.address, 1, NONCE, 1.5, 50.0)
    assert tally.results[0].missed == 0


def test_a_probe_that_cannot_be_sent_is_missed_once_and_says_why() -> None:
    tally = Tally()
    tally.only([(SOURCE, TOR1)])
    tally.sent((SOURCE, TOR1), 1, NONCE, 0.0)
    tally.failed((SOURCE, TOR1), "Network is unreachable")
    tally.judge(SOURCE)
    (result,) = tally.results
    assert (result.missed, result.obstacle) == (1, "Network is unreachable")
    assert "cannot be sent: Network is unreachable" in lacking(node(*BOTH), result)[0]


def test_the_group_range_is_widened_and_never_narrowed() -> None:
    assert widened("1 0", 7) == "7 7"
    assert widened("5 9", 0) == "0 9"
    assert widened("0 100", 200) == "0 200"
