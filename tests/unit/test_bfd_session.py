"""The BFD state machine, against RFC 5880 §6 and RFC 5882."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bgpnet.bfd import session as machine
from bgpnet.bfd.packet import Diagnostic, Packet, Refusal, State
from bgpnet.bfd.session import Parameters, Session

MS = 1000
WANTED = Parameters(300 * MS, 3)
MINE, YOURS = 7, 9


def peer(state: State, **changes: object) -> Packet:
    """A packet of the other side."""
    yours = 0 if state is State.DOWN else MINE
    return replace(Packet(state, 3, YOURS, yours, 300 * MS, 300 * MS), **changes)  # type: ignore[arg-type]


def after(session: Session, *packets: Packet, now: float = 1.0) -> Session:
    for packet in packets:
        session, _ = machine.received(session, packet, now)
    return session


def in_state(state: State) -> Session:
    fresh = machine.new(MINE, WANTED)
    match state:
        case State.ADMIN_DOWN:
            return machine.disabled(fresh)
        case State.DOWN:
            return fresh
        case State.INIT:
            return after(fresh, peer(State.DOWN))
        case State.UP:
            return after(fresh, peer(State.INIT))


def up() -> Session:
    """Up, with the Poll Sequence for the quick interval finished."""
    return after(in_state(State.UP), peer(State.UP, final=True))


# --- RFC 5880 §6.2, the diagram ---------------------------------------------------------------------------

DIAGRAM = {
    State.ADMIN_DOWN: (State.ADMIN_DOWN, State.ADMIN_DOWN, State.ADMIN_DOWN, State.ADMIN_DOWN),
    State.DOWN: (State.DOWN, State.INIT, State.UP, State.DOWN),
    State.INIT: (State.DOWN, State.INIT, State.UP, State.UP),
    State.UP: (State.DOWN, State.DOWN, State.UP, State.UP),
}
"""State before -> state after AdminDown, Down, Init, Up were received."""


@pytest.mark.parametrize("before", State)
@pytest.mark.parametrize("told", State)
def test_the_diagram(before: State, told: State) -> None:
    assert after(in_state(before), peer(told)).state is DIAGRAM[before][told]


@pytest.mark.parametrize("before", State)
def test_silence_ends_init_and_up_alone(before: State) -> None:
    session = after(in_state(before), *([peer(State.ADMIN_DOWN)] if before is State.DOWN else []))
    silent = machine.expired(session, 100.0)
    assert silent.state is (State.ADMIN_DOWN if before is State.ADMIN_DOWN else State.DOWN)
    assert silent.remote.discriminator == 0
    if before in (State.INIT, State.UP):
        assert silent.diagnostic is Diagnostic.DETECTION_TIME_EXPIRED


def test_what_the_neighbour_signals_is_the_diagnostic() -> None:
    assert after(up(), peer(State.DOWN)).diagnostic is Diagnostic.NEIGHBOR_SIGNALED_DOWN
    assert after(up(), peer(State.ADMIN_DOWN)).diagnostic is Diagnostic.NEIGHBOR_SIGNALED_DOWN
    assert machine.disabled(up()).diagnostic is Diagnostic.ADMINISTRATIVELY_DOWN
    assert machine.enabled(machine.disabled(up())).state is State.DOWN


# --- RFC 5880 §6.8.6, which packets are for the session ---------------------------------------------------


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        (peer(State.UP), None),
        (peer(State.DOWN), None),
        (peer(State.ADMIN_DOWN, your_discriminator=0), None),
        (peer(State.UP, your_discriminator=MINE + 1), Refusal.YOUR_DISCRIMINATOR),
        (peer(State.DOWN, your_discriminator=MINE + 1, authenticated=True), Refusal.YOUR_DISCRIMINATOR),
        (peer(State.INIT, your_discriminator=0), Refusal.STATE),
        (peer(State.UP, your_discriminator=0, authenticated=True), Refusal.STATE),
        (peer(State.UP, authenticated=True), Refusal.AUTHENTICATION),
    ],
)
def test_whom_a_packet_is_for(packet: Packet, reason: Refusal | None) -> None:
    assert machine.refusal(in_state(State.UP), packet) is reason


# --- RFC 5880 §6.8.2, §6.8.3, §6.8.7: intervals, Poll and Final -------------------------------------------


@pytest.mark.parametrize("state", [State.ADMIN_DOWN, State.DOWN, State.INIT])
def test_a_session_that_is_not_up_sends_once_a_second(state: State) -> None:
    session = in_state(state)
    assert machine.packet_of(session, final=False).desired_min_tx == machine.SLOW
    assert machine.transmit_interval(session) == machine.SLOW


def test_coming_up_polls_for_the_quick_interval_and_uses_it_at_once() -> None:
    session = in_state(State.UP)
    told = machine.packet_of(session, final=False)
    assert (told.poll, told.desired_min_tx, told.required_min_rx) == (True, 300 * MS, 300 * MS)
    assert machine.transmit_interval(session) == 300 * MS
    assert not machine.packet_of(up(), final=False).poll


def test_the_slower_side_sets_the_pace() -> None:
    slow = peer(State.UP, required_min_rx=700 * MS, desired_min_tx=900 * MS, multiplier=5)
    session = after(up(), slow)
    assert machine.transmit_interval(session) == 700 * MS
    assert machine.detection_time(session) == pytest.approx(5 * 0.9)


def test_a_longer_interval_waits_until_the_other_side_knows() -> None:
    session = machine.configured(up(), Parameters(800 * MS, 3))
    assert machine.packet_of(session, final=False).poll
    assert machine.packet_of(session, final=False).desired_min_tx == 800 * MS
    assert machine.transmit_interval(session) == 300 * MS
    assert machine.transmit_interval(after(session, peer(State.UP))) == 300 * MS
    assert machine.transmit_interval(after(session, peer(State.UP, final=True))) == 800 * MS


def test_a_shorter_interval_is_used_at_once_but_detects_only_when_the_other_side_knows() -> None:
    session = machine.configured(
        after(up(), peer(State.UP, required_min_rx=50 * MS, desired_min_tx=50 * MS)), Parameters(50 * MS, 3)
    )
    assert machine.transmit_interval(session) == 50 * MS
    assert machine.detection_time(session) == pytest.approx(0.9)
    session = after(session, peer(State.UP, final=True, desired_min_tx=50 * MS))
    assert machine.detection_time(session) == pytest.approx(0.15)


def test_what_changes_during_a_poll_is_polled_for_again() -> None:
    session = machine.configured(up(), Parameters(800 * MS, 3))
    session = machine.configured(session, Parameters(500 * MS, 3))
    assert machine.transmit_interval(session) == 300 * MS
    session = after(session, peer(State.UP, final=True))
    assert machine.packet_of(session, final=False).poll
    assert machine.transmit_interval(session) == 300 * MS
    session = after(session, peer(State.UP, final=True))
    assert not machine.packet_of(session, final=False).poll
    assert machine.transmit_interval(session) == 500 * MS


@pytest.mark.parametrize("state", [State.DOWN, State.INIT, State.UP])
def test_a_poll_is_answered_in_every_state_and_the_answer_is_no_poll(state: State) -> None:
    session, final = machine.received(in_state(state), peer(State.UP, poll=True), 1.0)
    assert final
    answer = machine.packet_of(session, final=True)
    assert (answer.final, answer.poll) == (True, False)


def test_final_without_a_poll_changes_nothing() -> None:
    assert after(up(), peer(State.UP, final=True)) == after(up(), peer(State.UP))


def test_a_peer_that_wants_no_packets_gets_none_but_answers() -> None:
    session = after(up(), peer(State.UP, required_min_rx=0))
    assert machine.pause(session, 0.5) is None
    assert machine.received(session, peer(State.UP, required_min_rx=0, poll=True), 1.0)[1]


def test_a_peer_in_demand_mode_gets_polls_alone() -> None:
    session = after(up(), peer(State.UP, demand=True))
    assert machine.pause(session, 0.5) is None
    assert machine.pause(machine.configured(session, Parameters(800 * MS, 3)), 0.5) is not None


@given(st.floats(0, 1), st.integers(1, 50), st.integers(50, 10_000))
def test_each_pause_is_within_the_jitter_of_the_rfc(chance: float, multiplier: int, interval: int) -> None:
    session = machine.configured(up(), Parameters(interval * MS, multiplier))
    paused, whole = machine.pause(session, chance), machine.transmit_interval(session)
    assert paused is not None
    assert whole is not None
    assert 0.7499 <= paused * 1e6 / whole <= (0.9 if multiplier == 1 else 1.0)


# --- RFC 5880 §6.8.4 and RFC 5882: detection, and what is a failure ----------------------------------------


def test_the_deadline_follows_each_packet() -> None:
    session = after(up(), peer(State.UP), now=5.0)
    assert machine.deadline(session) == pytest.approx(5.9)
    assert machine.deadline(machine.new(MINE, WANTED)) is None


def test_a_session_that_was_up_and_ends_has_failed_until_it_is_up_again() -> None:
    for ended in (machine.expired(up(), 2.0), after(up(), peer(State.DOWN))):
        assert ended.failed
        assert after(ended, peer(State.DOWN)).failed
        assert not after(ended, peer(State.DOWN), peer(State.UP)).failed


def test_a_session_that_never_was_up_has_not_failed() -> None:
    assert not machine.expired(in_state(State.INIT), 2.0).failed
    assert not after(in_state(State.INIT), peer(State.DOWN)).failed


def test_down_on_purpose_is_no_failure_on_either_side() -> None:
    failed = machine.expired(up(), 2.0)
    assert not after(up(), peer(State.ADMIN_DOWN)).failed
    assert not after(failed, peer(State.ADMIN_DOWN, your_discriminator=0)).failed
    assert not machine.disabled(up()).failed
    assert not machine.disabled(failed).failed


def test_a_failure_is_forgotten_once_nothing_at_all_is_heard_for_long() -> None:
    failed = machine.expired(after(up(), peer(State.UP), now=10.0), 10.9)
    due = machine.deadline(failed)
    assert due is not None
    assert due == pytest.approx(10.9 + machine.FORGET)
    assert machine.expired(failed, due - 1).failed
    assert not machine.expired(failed, due).failed
    heard = after(failed, peer(State.DOWN), now=60.0)
    assert machine.expired(heard, 71.0).failed


def test_the_c_bit_says_that_this_process_outlives_the_control_plane() -> None:
    assert all(machine.packet_of(in_state(state), final=False).independent for state in State)


# --- two of them -------------------------------------------------------------------------------------------


class Pair:
    """Two sessions and the wires between them, in virtual time. A wire that is cut drops."""

    def __init__(self, left: Parameters, right: Parameters, chance: Random) -> None:
        self.now = 0.0
        self.ends = [machine.new(1, left), machine.new(2, right)]
        self.cut = [False, False]
        self._sends = [0.0, 0.0]
        self._chance = chance

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        while True:
            deadlines = [machine.deadline(end) for end in self.ends]
            moments = [(at, side, True) for side, at in enumerate(deadlines) if at is not None]
            moments += [(at, side, False) for side, at in enumerate(self._sends)]
            self.now, side, expires = min(moments)
            if self.now > until:
                self.now = until
                return
            if expires:
                self._become(side, machine.expired(self.ends[side], self.now))
            else:
                self._send(side)

    def configure(self, side: int, wanted: Parameters) -> None:
        self._become(side, machine.configured(self.ends[side], wanted))

    def _become(self, side: int, after: Session) -> None:
        before, self.ends[side] = self.ends[side], after
        if machine.urgent(before, after):
            self._send(side)

    def _send(self, side: int, *, final: bool = False) -> None:
        packet, other = machine.packet_of(self.ends[side], final=final), 1 - side
        pause = machine.pause(self.ends[side], self._chance.random())
        assert pause is not None
        self._sends[side] = self.now + pause
        before = self.ends[other]
        if self.cut[side] or machine.refusal(before, packet):
            return
        after, asked = machine.received(before, packet, self.now)
        self._become(other, after)
        if asked:
            self._send(other, final=True)


PARAMETERS = st.builds(Parameters, st.sampled_from([50 * MS, 300 * MS, 2000 * MS]), st.integers(2, 5))


@settings(max_examples=40)
@given(
    PARAMETERS,
    PARAMETERS,
    st.sampled_from([[True, False], [False, True], [True, True]]),
    st.integers(0, 999).map(Random),
)
def test_two_come_up_agree_notice_every_cut_and_come_up_again(
    left: Parameters, right: Parameters, cut: list[bool], chance: Random
) -> None:
    pair = Pair(left, right, chance)
    pair.run(8.0)
    assert [end.state for end in pair.ends] == [State.UP, State.UP]
    assert [end.polls for end in pair.ends] == [0, 0]
    slowest = max(left.interval, right.interval)
    assert [machine.transmit_interval(end) for end in pair.ends] == [slowest, slowest]
    pair.cut = cut
    pair.run(max(map(machine.detection_time, pair.ends)) + slowest / 1e6)
    assert all(end.state is not State.UP and end.failed for end in pair.ends)
    pair.cut = [False, False]
    pair.run(10.0)
    assert [(end.state, end.failed) for end in pair.ends] == [(State.UP, False)] * 2
    changed = Parameters(1000 * MS, 4)
    pair.configure(0, changed)
    pair.run(10.0)
    assert [end.state for end in pair.ends] == [State.UP, State.UP]
    assert [machine.transmit_interval(end) for end in pair.ends] == [
        max(right.interval, changed.interval)
    ] * 2
