"""What BFD adds to the plan and to what is told of a node; and what the processes exchange."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgpnet.agent.metrics import Metrics
from bgpnet.agent.plantimes import PlanTimes
from bgpnet.agent.reconciler import Outcome
from bgpnet.model import bfd
from bgpnet.model.bfd import Bfd, BfdSession, BfdTimers, ObservedBfd
from bgpnet.model.bgp import Speaker
from bgpnet.model.peerstatus import PeersStatus
from bgpnet.model.podledger import PodLedger
from bgpnet.model.rejection import Reason
from bgpnet.model.routestatus import Verdict
from bgpnet.model.snapshot import Snapshot
from bgpnet.planner import make_plan
from bgpnet.planner.peerstatus import peers_status
from bgpnet.planner.routestatus import All, routes_status
from bgpnet.planner.status import node_status
from bgpnet.render.peers import peer_text, peers_text
from tests.unit import facts
from tests.unit.test_metrics import samples, value
from tests.unit.test_peers import UP

TOR1 = facts.address("10.0.1.1")
WATCHED = ObservedBfd(
    TOR1,
    "eth1",
    "Up",
    "Up",
    since=100.0,
    failed=False,
    last_error="nothing heard from the router for 900 ms",
    last_error_at=90.0,
    flaps=1,
    interval=300.0,
    detection=900.0,
    remote_independent=True,
    sent=400,
    received=399,
    dropped=(("ttl", 7),),
)
FAILED = replace(WATCHED, state="Down", remote_state="Down", failed=True)
NEVER_UP = ObservedBfd(TOR1, "eth1", "Down", "Down", 100.0, failed=False)


def snapshot(*sessions: ObservedBfd, heard: bool = True) -> Snapshot:
    """tor1 alone is watched; both ToRs announce one prefix."""
    tors = facts.two_tors()
    peers = tuple(
        replace(peer, bfd=BfdTimers(300, 3)) if peer.peer_address == TOR1 else peer for peer in tors.peers
    )
    paths = tuple(facts.path("192.0.2.0/24", peer) for peer in ("10.0.1.1", "10.0.2.1"))
    up = (UP, replace(UP, peer=facts.address("10.0.2.1")))
    return replace(
        facts.snapshot(declared=replace(tors, peers=peers)),
        speaker=Speaker(up, paths),
        bfd=Bfd(sessions) if heard else None,
    )


def told(of: Snapshot) -> PeersStatus:
    return peers_status(of, make_plan(of), (), "1")


def test_only_the_peer_that_asks_for_it_is_watched() -> None:
    plan = make_plan(snapshot(WATCHED))
    assert plan.bfd == (BfdSession(TOR1, facts.address("10.0.1.11"), "eth1", BfdTimers(300, 3)),)
    assert not plan.failed


@pytest.mark.parametrize(
    ("observed", "hops"),
    [(WATCHED, 2), (FAILED, 1), (NEVER_UP, 2), (replace(FAILED, link="eth9"), 2)],
    ids=["up", "failed", "never up", "a session of a former link"],
)
def test_paths_over_a_failed_path_are_out_of_use(observed: ObservedBfd, hops: int) -> None:
    (route,) = [route for route in make_plan(snapshot(observed)).routes or () if route.next_hops]
    assert len(route.next_hops) == hops


def test_bfd_that_is_not_heard_takes_nothing_away() -> None:
    assert not make_plan(snapshot(heard=False)).failed
    status = told(snapshot(heard=False))
    (peer,) = status.only("tor1").peers
    assert peer.bfd is not None
    assert peer.bfd.state == "Unknown"
    assert "does it run" in peer.bfd.reason
    assert not peer.fine


def test_a_peer_shows_its_bfd_session() -> None:
    status = told(snapshot(WATCHED))
    (peer,) = status.only("tor1").peers
    assert peer.fine
    text = peer_text(peer, 145.0)
    for line in (
        "BFD:              Up for 45s, the router Up",
        "  last lost:      55s ago: nothing heard from the router for 900 ms",
        "  timers:         a packet every 300 ms, down after 900 ms of silence; 300 ms x 3 configured",
        "  packets:        400 sent, 399 received, dropped: 7 ttl",
        "  flaps:          1",
        "  router's BFD:   outlives its BGP (C bit set)",
    ):
        assert f"{line}\n" in text
    (other,) = status.only("tor2").peers
    assert other.bfd is None
    assert "BFD:" not in peer_text(other, 145.0)


def test_a_failed_path_is_told_of_everywhere_and_with_its_cause() -> None:
    of = snapshot(FAILED)
    cause = (
        "BFD Down: nothing heard from the router for 900 ms; its routes are not used until BFD is up again"
    )
    status = told(of)
    (peer,) = status.only("tor1").peers
    assert (peer.fine, peer.reason) == (False, cause)
    assert f"10.0.1.1 (BGPPeer/tor1) is not used: {cause}\n" in peers_text(status, 145.0)
    assert [each.reason for each in node_status(of, make_plan(of), (), "1").sessions] == [cause, ""]
    (route,) = [
        r for r in routes_status(of, make_plan(of), (), "1", All()).routes if r.prefix == "192.0.2.0/24"
    ]
    assert [(path.peer, path.verdict, path.because) for path in route.paths] == [
        ("10.0.2.1", Verdict.BEST, ""),
        ("10.0.1.1", Verdict.UNUSABLE, cause),
    ]


@pytest.mark.parametrize(
    ("observed", "words"),
    [
        (NEVER_UP, "nothing heard from the router: has it BFD for this node?"),
        (replace(NEVER_UP, received=3), "the router's packets come, but it does not come up"),
        (replace(NEVER_UP, dropped=(("ttl", 2),)), "no packet of the router's is taken: ttl"),
        (replace(NEVER_UP, dropped=(("authentication", 2),)), "is taken: authentication"),
        (replace(NEVER_UP, remote_state="AdminDown"), "taken down on purpose on the router"),
        (replace(NEVER_UP, state="AdminDown"), "taken down on purpose on this node"),
    ],
)
def test_why_bfd_is_not_up(observed: ObservedBfd, words: str) -> None:
    status = told(snapshot(observed))
    (peer,) = status.only("tor1").peers
    assert peer.bfd is not None
    assert words in peer.bfd.reason
    assert f"has no BFD session: {peer.bfd.reason}\n" in peers_text(status, 145.0)
    assert peer.fine == ("AdminDown" in (observed.state, observed.remote_state))


def test_a_node_that_cannot_watch_says_so() -> None:
    error = "cannot listen on UDP port 3784 of eth1: Address already in use"
    (rejection,) = make_plan(snapshot(replace(NEVER_UP, error=error))).rejections
    assert (rejection.reason, rejection.field, rejection.found) == (Reason.BFD_UNAVAILABLE, "spec.bfd", error)


def test_metrics() -> None:
    of = snapshot(FAILED)
    metrics = Metrics("1", lambda: Outcome(of, make_plan(of)), PodLedger, PlanTimes())
    found = samples(metrics.page("")[2])
    for name, number in (
        ("session_up", 0),
        ("session_failed", 1),
        ("session_state_change_timestamp_seconds", 100),
        ("transmit_interval_seconds", 0.3),
        ("detection_time_seconds", 0.9),
        ("session_flaps_total", 1),
        ("packets_sent_total", 400),
        ("packets_received_total", 399),
    ):
        assert value(found, f"bgpnet_bfd_{name}", peer="10.0.1.1") == number
    assert value(found, "bgpnet_bfd_packets_dropped_total", peer="10.0.1.1", reason="ttl") == 7
    assert not [labels for name, labels in found if "_bfd_" in name and ("peer", "10.0.2.1") in labels]


# --- what the agent and `bgpnet bfd` exchange ------------------------------------------------------------

ADDRESSES = st.ip_addresses()
SESSIONS = st.builds(
    BfdSession,
    ADDRESSES,
    ADDRESSES,
    st.text(min_size=1, max_size=15),
    st.builds(BfdTimers, st.integers(50, 10_000), st.integers(1, 50)),
    st.booleans(),
)
COUNTS = st.lists(st.tuples(st.text(max_size=9), st.integers(0, 1 << 40)), max_size=3).map(tuple)
OBSERVED = st.builds(ObservedBfd, peer=ADDRESSES, since=st.floats(0, 1e10), dropped=COUNTS)


@given(st.lists(SESSIONS, max_size=4).map(tuple))
def test_the_file_of_sessions_says_what_was_written(sessions: tuple[BfdSession, ...]) -> None:
    assert bfd.read(bfd.written(sessions)) == sessions


@given(st.lists(OBSERVED, max_size=4).map(tuple), COUNTS)
def test_the_stream_says_what_was_told(
    sessions: tuple[ObservedBfd, ...], stray: tuple[tuple[str, int], ...]
) -> None:
    everything = Bfd(sessions, stray)
    assert bfd.heard(bfd.told(everything)) == everything


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'"x"',
        b"{}",
        b'{"version": 2, "sessions": []}',
        b'{"version": 1, "sessions": [{}]}',
        b'{"version": 1, "sessions": 3}',
        b'{"version": 1, "sessions": [{"peer": "x", "local_address": "y", "timers": {}}]}',
    ],
)
def test_anything_else_is_no_file_and_no_line(content: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says
        bfd.read(content)
    with pytest.raises(ValueError):  # noqa: PT011 - likewise
        bfd.heard(content)
