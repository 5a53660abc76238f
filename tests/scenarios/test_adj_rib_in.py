"""What the agent believes of a ToR router's routes, whatever is lost on the way."""

from dataclasses import dataclass

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bgpnet.drivers.exabgp.adjribin import AdjRibIn
from bgpnet.drivers.exabgp.reading import LONGEST, MARK_LATE, QUIET
from bgpnet.model.bgp import SessionState
from bgpnet.model.net import Address, Family, Prefix
from tests.scenarios.exabgp_model import Peer
from tests.scenarios.speakerstory import TOR1, TOR2, Story, net


def offer(story: Story, peer: Peer, *numbers: int, path: tuple[int, ...] = (65001,)) -> None:
    """The peer announces these, and nothing else any more."""
    offers = {net(number): path for number in numbers}
    gone = tuple(prefix for prefix in peer.offers if prefix not in offers)
    peer.offers = offers
    if peer.up:
        story.exabgp.tell(peer, offers, gone)


def learned(story: Story, peer: Peer) -> dict[Prefix, tuple[int, ...]]:
    return {path.prefix: path.as_path for path in story.observed().paths if path.peer == peer.address}


def ready() -> Story:
    """Both sessions up; tor1 offers 0, 1 and 2."""
    story = Story()
    offer(story, story.tor1, 0, 1, 2)
    story.connect()
    story.up()
    story.turns(10)
    return story


def test_a_first_life_is_complete_at_the_peers_end_of_rib() -> None:
    story = Story()
    story.tor2.graceful_restart = False
    offer(story, story.tor1, 0, 1)
    story.connect()
    story.turns(3)
    assert story.observed().unread  # a young ExaBGP: its sessions may yet come up
    story.up()
    story.turns(2)
    assert learned(story, story.tor1) == {net(0): (65001,), net(1): (65001,)}
    assert story.observed().unread  # tor2 sends no End-of-RIB
    story.now += QUIET
    story.turns(1)
    assert not story.observed().unread


def test_updates_are_followed() -> None:
    story = ready()
    offer(story, story.tor1, 1, 2, path=(65001, 65009))
    story.turns(1)
    assert learned(story, story.tor1) == {net(1): (65001, 65009), net(2): (65001, 65009)}


def test_a_session_that_goes_down_while_exabgp_lives_loses_its_paths_at_once() -> None:
    story = ready()
    story.exabgp.down(story.tor1)
    story.turns(1)
    assert learned(story, story.tor1) == {}
    assert not story.observed().unread


def restarting(*families: Family) -> Story:
    """Both up; tor1 can restart gracefully, and its session just ended without a NOTIFICATION."""
    story = Story()
    story.tor1.restarts = families
    offer(story, story.tor1, 0, 1, 2)
    story.connect()
    story.up()
    story.turns(10)
    story.exabgp.down(story.tor1, "closing connection")
    story.turns(1)
    return story


def stale(story: Story) -> set[Prefix]:
    return {path.prefix for path in story.observed().paths if path.stale}


def test_a_router_that_restarts_gracefully_keeps_its_paths_marked_until_its_end_of_rib() -> None:
    """RFC 4724 §4.2. Attempts that fail meanwhile change nothing."""
    story = restarting(*Family)
    assert stale(story) == {net(0), net(1), net(2)}
    assert not story.observed().unread, "or no other path could take over"
    story.exabgp.down(story.tor1, "closing connection")
    story.turns(1)
    assert stale(story) == {net(0), net(1), net(2)}
    story.tor1.preserves = True
    offer(story, story.tor1, 1, 3)
    story.up(story.tor1)
    story.turns(2)
    assert set(learned(story, story.tor1)) == {net(1), net(3)}
    assert not stale(story)


def test_exabgp_that_is_told_to_end_takes_no_path_along_and_the_next_one_reads_them_anew() -> None:
    """An upgrade of the speaker, by SIGTERM, must not cut the node off until its new sessions are up."""
    story = ready()
    for peer in story.peers.values():
        story.exabgp.down(peer, "stop, message [shutting down]")
    story.turns(1)
    assert set(learned(story, story.tor1)) == {net(0), net(1), net(2)}
    assert not stale(story), "the router is in service, and so stays in its groups"
    story.restart_exabgp()
    story.connect()
    story.turns(3)
    assert set(learned(story, story.tor1)) == {net(0), net(1), net(2)}
    offer(story, story.tor1, 1, 3)
    story.up()
    story.turns(2)
    assert set(learned(story, story.tor1)) == {net(1), net(3)}
    assert story.observed().sessions[0].flaps == 1


@pytest.mark.parametrize("cause", ["notification received (6,2)", "notification sent (4,0)", "peer removed"])
def test_any_other_end_of_a_session_keeps_nothing(cause: str) -> None:
    """A NOTIFICATION, and the hold timer, which is told by one."""
    story = Story()
    story.tor1.restarts = (Family.IPV4,)
    offer(story, story.tor1, 0)
    story.connect()
    story.up()
    story.turns(10)
    story.exabgp.down(story.tor1, cause)
    story.turns(1)
    assert learned(story, story.tor1) == {}


def test_of_a_router_that_only_helps_nothing_is_kept() -> None:
    """Its graceful restart names no family: it does not forward while its routing program is away."""
    story = restarting()
    assert learned(story, story.tor1) == {}


def test_of_a_family_that_the_router_does_not_name_nothing_is_kept() -> None:
    assert stale(restarting(Family.IPV6)) == {net(2)}


def test_a_router_that_did_not_forward_loses_its_marked_paths_with_its_open() -> None:
    """The Forwarding State bit is 0: it has lost its table (RFC 4724 §4.2)."""
    story = restarting(*Family)
    offer(story, story.tor1, 2)
    story.up(story.tor1)
    story.turns(1)
    assert set(learned(story, story.tor1)) == {net(2)}


def test_a_router_that_does_not_come_back_has_its_restart_time() -> None:
    story = restarting(*Family)
    story.now += 119.0
    story.turns(1)
    assert stale(story) == {net(0), net(1), net(2)}
    story.now += 2.0
    story.turns(1)
    assert learned(story, story.tor1) == {}
    story.exabgp.down(story.tor1, "closing connection")
    story.turns(1)
    assert not story.observed().unread


def test_exabgps_death_forgets_nothing_and_its_return_sweeps_at_end_of_rib() -> None:
    story = ready()
    story.restart_exabgp()
    assert set(learned(story, story.tor1)) == {net(0), net(1), net(2)}
    assert story.observed().unread
    story.connect()
    story.turns(10)
    assert set(learned(story, story.tor1)) == {net(0), net(1), net(2)}
    assert story.observed().unread
    offer(story, story.tor1, 1, 3)
    story.up()
    story.turns(1)
    assert set(learned(story, story.tor1)) == {net(1), net(3)}
    assert not story.observed().unread


def test_a_connection_attempt_that_fails_after_exabgps_return_loses_nothing_yet() -> None:
    story = ready()
    story.restart_exabgp()
    story.connect()
    story.turns(2)
    story.exabgp.down(story.tor1, "closing connection")
    story.turns(2)
    assert set(learned(story, story.tor1)) == {net(0), net(1), net(2)}


def test_a_session_that_does_not_come_back_keeps_its_paths_for_the_restart_time_at_most() -> None:
    story = ready()
    story.core.restart_time = 120.0
    story.restart_exabgp()
    story.connect()
    story.up(story.tor2)
    story.turns(10)
    story.now += 119.0
    story.turns(1)
    assert set(learned(story, story.tor1)) == {net(0), net(1), net(2)}
    assert story.observed().unread
    story.now += 1.0
    story.turns(1)
    assert learned(story, story.tor1) == {}
    assert not story.observed().unread


def test_without_exabgp_paths_stay_for_the_restart_time_at_most() -> None:
    story = ready()
    story.lose_relay()
    story.now += story.core.restart_time - 1.0
    story.turns(1)
    assert set(learned(story, story.tor1)) == {net(0), net(1), net(2)}
    story.now += 1.0
    story.turns(1)
    assert learned(story, story.tor1) == {}


def test_a_lost_relay_and_a_session_lost_meanwhile_is_a_session_lost_while_exabgp_lives() -> None:
    story = ready()
    story.lose_relay()
    story.exabgp.down(story.tor1)
    story.connect()
    story.turns(5)
    assert learned(story, story.tor1) == {}
    assert story.observed().sessions[0].flaps == 1


def test_a_lost_relay_is_no_flap() -> None:
    story = ready()
    since = story.observed().sessions[0].since
    story.lose_relay()
    assert story.observed().sessions[0].state is SessionState.UNKNOWN
    story.connect()
    story.turns(5)
    session = story.observed().sessions[0]
    assert (session.state, session.flaps) == (SessionState.ESTABLISHED, 0)
    assert abs(session.since - since) < 2.0


@pytest.mark.parametrize("enhanced", [True, False])
def test_a_new_agent_reads_the_tables_again(*, enhanced: bool) -> None:
    story = ready()
    story.tor1.enhanced_refresh = story.tor2.enhanced_refresh = enhanced
    story.now += story.core.restart_time
    story.restart_agent()
    story.connect()
    story.turns(30)
    assert set(learned(story, story.tor1)) == {net(0), net(1), net(2)}
    assert bool(story.observed().unread) is not enhanced
    story.now += QUIET
    story.turns(1)
    assert not story.observed().unread


def test_a_gap_makes_stale_what_is_not_repeated() -> None:
    story = ready()
    story.lose_relay()
    offer(story, story.tor1, 2, 3)
    assert set(learned(story, story.tor1)) == {net(0), net(1), net(2)}
    story.connect()
    story.turns(30)
    assert set(learned(story, story.tor1)) == {net(2), net(3)}
    assert not story.observed().unread


def test_a_mark_that_never_comes_does_not_wait_for_ever() -> None:
    rib = AdjRibIn(TOR1)
    rib.session_found_up(frozenset({Family.IPV4}))
    command = rib.next()
    assert command is not None
    rib.answered(command, 10.0, done=True)
    rib.refresh_mark(Family.IPV4, 10.0, end=False)
    rib.tick(10.0 + QUIET)
    assert not rib.complete
    assert rib.due() == 10.0 + MARK_LATE
    rib.tick(10.0 + MARK_LATE)
    assert rib.complete


def test_a_removed_session_is_gone_with_its_paths() -> None:
    story = ready()
    del story.peers[TOR1]
    story.core.reloaded()
    story.turns(3)
    assert [session.peer for session in story.observed().sessions] == [TOR2]
    assert story.observed().paths == ()


def test_a_session_added_to_an_old_exabgp_is_nothing_to_wait_for() -> None:
    story = ready()
    added = story.peers.pop(TOR1)
    story.core.reloaded()
    story.now += story.core.restart_time
    story.turns(3)
    added.up = False
    story.peers[TOR1] = added
    story.core.reloaded()
    story.turns(3)
    assert not story.observed().unread
    story.want(0)
    story.up()
    story.turns(20)
    assert set(added.table) == {net(0)}


# --- any history ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Act:
    """One thing that happens, and the turns until the next."""

    what: str
    peer: int
    numbers: frozenset[int]
    turns: int


ACTS = st.builds(
    Act,
    st.sampled_from(
        ["offer"] * 5
        + ["down", "up", "up", "agent", "relay", "exabgp", "connect", "connect", "wait", "reload"]
    ),
    peer=st.integers(0, 1),
    numbers=st.frozensets(st.integers(0, 4), max_size=4),
    turns=st.integers(0, 6),
)


def act(story: Story, one: Act) -> None:
    """Let it happen."""
    peer = (story.tor1, story.tor2)[one.peer]
    match one.what:
        case "offer":
            offer(story, peer, *one.numbers)
        case "down" if peer.up:
            story.exabgp.down(peer)
        case "up":
            story.up(peer)
        case "agent":
            story.restart_agent()
        case "relay":
            story.lose_relay()
        case "exabgp":
            story.restart_exabgp()
        case "connect":
            story.connect()
        case "reload":
            story.core.reloaded()
        case "wait":
            story.now += 3.0
    story.turns(one.turns)


@settings(max_examples=300)
@example(
    history=[Act("connect", 0, frozenset(), 2), Act("agent", 0, frozenset(), 0)],
    enhanced=False,
    graceful=False,
)
@given(st.lists(ACTS, max_size=40), st.booleans(), st.booleans())
def test_every_history_ends_with_the_peers_tables(
    history: list[Act],
    enhanced: bool,  # noqa: FBT001 - hypothesis gives it
    graceful: bool,  # noqa: FBT001 - likewise
) -> None:
    story = Story()
    for peer in story.peers.values():
        peer.enhanced_refresh, peer.graceful_restart = enhanced, graceful
    for one in history:
        act(story, one)
    story.connect()
    story.settle(200)
    for peer in (story.tor1, story.tor2):
        assert set(learned(story, peer)) == (set(peer.offers) if peer.up else set())
    assert not story.observed().unread


def test_a_session_whose_path_has_failed_ends_once() -> None:
    """By BFD. Where BGP comes back alone, as with a router that has no BFD any more, it is left alone."""
    story = ready()

    def teardowns() -> list[str]:
        return [command.partition(" ")[2] for command in story.commands if "teardown" in command]

    for _ in range(2):
        story.core.failed(frozenset({TOR1}))
        story.turns(2)
    assert teardowns() == [f"neighbor {TOR1} teardown 10"]
    assert learned(story, story.tor1) == {}
    (session,) = [each for each in story.observed().sessions if each.peer == TOR1]
    assert session.last_error == "this node sent NOTIFICATION Cease / BFD Down (6/10)"
    story.up()
    story.core.failed(frozenset({TOR1}))
    story.turns(2)
    assert len(teardowns()) == 1
    for failed in (frozenset[Address](), frozenset[Address]({TOR1})):
        story.core.failed(failed)
        story.turns(2)
    assert len(teardowns()) == 2


def test_a_family_that_the_session_turns_out_not_to_carry_is_not_waited_for() -> None:
    """The peer's OPEN offers both; what is configured is told later."""
    table = AdjRibIn(TOR1)
    table.session_up(frozenset(Family), 0.0, marks=True)
    table.end_of_rib(Family.IPV4)
    assert not table.complete
    table.carries(frozenset([Family.IPV4]))
    assert table.complete


def test_a_peer_that_is_never_quiet_is_read_at_last() -> None:
    table = AdjRibIn(TOR1)
    table.session_found_up(frozenset([Family.IPV4]))
    command = table.next()
    assert command is not None
    table.answered(command, 0.0, done=True)
    now = 0.0
    while now < LONGEST:
        table.learned((), (), now)
        table.tick(now)
        assert not table.complete
        now += 1.0
    table.tick(now)
    assert table.complete
