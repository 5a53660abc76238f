"""The pace of KEEPALIVEs, who gets them, and when a peer is given up that acknowledges nothing."""

import socket
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from exabgp.bgp.message import Notify
from exabgp.bgp.message.open.holdtime import HoldTime

from bgpnet.speaker.exabgp_keepalives import (
    FRESH,
    LOOK,
    Keepalives,
    KeepaliveTimer,
    Progress,
    Sent,
    have_asked,
    sent,
)
from tests.unit.clock import Clock


@pytest.fixture
def connection() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        one = socket.create_connection(server.getsockname())
        other, _ = server.accept()
        with one, other:
            yield one


@pytest.mark.parametrize(("hold", "pause"), [(3, 1.0), (9, 1.0), (90, 10.0)])
def test_one_comes_in_each_ninth_of_the_hold_time_and_at_most_in_each_second(
    clock: Clock, hold: int, pause: float
) -> None:
    due = KeepaliveTimer(lambda: "session", HoldTime(hold), lambda: 0.0)
    clock.now += pause - 0.01
    assert not due.need_ka()
    clock.now += 0.02
    assert due.need_ka()
    assert not due.need_ka()


def test_there_is_none_without_a_hold_time(clock: Clock) -> None:
    due = KeepaliveTimer(lambda: "session", HoldTime(0), lambda: 0.0)
    clock.now += 1000
    assert not due.need_ka()


def test_none_goes_to_a_peer_that_was_not_just_heard(clock: Clock) -> None:
    heard = clock.now
    due = KeepaliveTimer(lambda: "session", HoldTime(9), lambda: clock.now - heard)
    for _ in range(900):
        clock.now += 0.01
        assert not due.need_ka()  # the last word of the peer is a second old when the first one is due
    heard = clock.now
    clock.now += FRESH / 2
    assert due.need_ka()


def test_a_process_that_gets_its_turn_late_sends_one_if_the_peer_was_heard_meanwhile(clock: Clock) -> None:
    due = KeepaliveTimer(lambda: "session", HoldTime(9), lambda: 0.8)
    clock.now += 1.1
    assert due.need_ka()
    clock.now += 0.7
    assert not due.need_ka()
    clock.now += 0.7
    assert not due.need_ka()  # heard before the last look


def test_who_acknowledges_nothing_for_too_long_is_not_reached() -> None:
    progress = Progress(6.0)
    assert not progress.is_lost(Sent(0, 100, 0.0, 0), 0)
    assert not progress.is_lost(Sent(1, 100, 0.0, 0), 10)  # long ago that anything was due
    assert not progress.is_lost(Sent(4, 100, 0.0, 0), 10 + 5.9)
    assert progress.is_lost(Sent(5, 100, 0.0, 0), 10 + 6.1)


def test_a_slow_peer_and_one_that_loses_packets_are_reached() -> None:
    progress = Progress(6.0)
    for moment in range(0, 100, 5):
        assert not progress.is_lost(Sent(0, 100, 0.0, 0), moment)  # its window is closed
    for moment in range(100, 200, 5):
        assert not progress.is_lost(Sent(3, moment, 0.0, 0), moment)  # each time something has come through


def test_who_is_there_and_takes_nothing_for_minutes_is_given_up() -> None:
    """RFC 9687: what it has of us gets no newer, though it says KEEPALIVE."""
    progress = Progress(6.0)
    assert not progress.is_lost(Sent(0, 100, 0.0, 0), 1000)
    assert not progress.is_lost(Sent(0, 100, 0.0, 7), 1400)
    assert not progress.is_lost(Sent(0, 100, 0.0, 7), 1479)
    assert progress.is_lost(Sent(0, 100, 0.0, 7), 1481)
    assert not progress.is_lost(Sent(0, 101, 0.0, 6), 1482)  # it has read a little


def test_the_kernel_tells_what_was_acknowledged(connection: socket.socket) -> None:
    before = sent(connection)
    connection.sendall(b"x" * 123)
    deadline = time.monotonic() + 10
    while sent(connection).acknowledged != before.acknowledged + 123:
        assert time.monotonic() < deadline
    assert sent(connection).unanswered == 0


def test_the_kernel_asks_for_an_answer_where_nothing_is_said(connection: socket.socket) -> None:
    have_asked(connection, 1)
    deadline = time.monotonic() + 10
    while sent(connection).silence < 0.5:
        assert time.monotonic() < deadline
    while sent(connection).silence >= 0.5:
        assert time.monotonic() < deadline


@pytest.mark.parametrize("hold", [0, 9])
def test_the_session_ends_with_the_send_hold_timer_unless_there_is_no_hold_time(
    hold: int, clock: Clock, connection: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    proto = SimpleNamespace(
        negotiated=SimpleNamespace(holdtime=HoldTime(hold)),
        connection=SimpleNamespace(io=connection),
        new_keepalive=lambda: iter((None, None)),
    )
    keepalives = Keepalives(lambda: "session", proto)
    monkeypatch.setattr("bgpnet.speaker.exabgp_keepalives.sent", lambda _: Sent(1, 100, 0.0, 0))
    clock.now += LOOK
    keepalives()
    clock.now += 5.9
    keepalives()
    clock.now += LOOK
    if hold == 0:
        keepalives()
        return
    with pytest.raises(Notify) as told:
        keepalives()
    assert (told.value.code, told.value.subcode) == (8, 0)
