"""ExaBGP's timers as we run it."""

import logging
import time
from itertools import repeat
from types import SimpleNamespace

import pytest
from exabgp.bgp import timer
from exabgp.bgp.message import KeepAlive, Notify
from exabgp.bgp.message.open.capability import Capabilities
from exabgp.bgp.message.open.capability.graceful import Graceful
from exabgp.bgp.message.open.holdtime import HoldTime
from exabgp.protocol.family import AFI, SAFI
from exabgp.reactor import delay, peer

from bgpnet.speaker.exabgp_daemon import (
    CLOCK,
    TOLD,
    ConnectDelay,
    HoldTimer,
    close,
    exact_timers,
    goodbye,
    graceful,
    more_of,
)
from bgpnet.speaker.exabgp_keepalives import KeepaliveTimer
from tests.unit.clock import Clock


def hold_timer(seconds: int) -> HoldTimer:
    return HoldTimer(lambda: "session", seconds, 4, 0)


def test_the_hold_timer_is_exact(clock: Clock) -> None:
    hold = hold_timer(9)
    clock.now += 8
    hold.check_ka(KeepAlive())
    clock.now += 9
    hold.check_ka()
    clock.now += 0.05
    with pytest.raises(Notify) as told:
        hold.check_ka()
    assert (told.value.code, told.value.subcode) == (4, 0)


def test_a_session_without_hold_time_has_no_keepalives(clock: Clock) -> None:
    hold = hold_timer(0)
    clock.now += 1000
    hold.check_ka()
    hold.check_ka(KeepAlive())
    with pytest.raises(Notify) as told:
        hold.check_ka(KeepAlive())
    assert (told.value.code, told.value.subcode) == (2, 6)


@pytest.fixture
def exact(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """ExaBGP's modules as in its process, put back after the test."""
    for module, name in ((timer, "time"), (delay, "time"), (peer, "ReceiveTimer"), (peer, "Delay")):
        monkeypatch.setattr(module, name, getattr(module, name))
    monkeypatch.setattr(timer, "log", logging.getLogger("exabgp"))
    monkeypatch.setattr(CLOCK, "time", clock)
    exact_timers()


@pytest.mark.usefixtures("exact")
def test_a_clock_that_is_set_back_stops_neither_keepalives_nor_connecting(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    keepalives = KeepaliveTimer(lambda: "session", HoldTime(9), lambda: 0.0)
    waiting = peer.Delay()
    waiting.increase()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    clock.now += 4
    assert keepalives.need_ka()
    assert not waiting.backoff()


@pytest.mark.usefixtures("exact")
def test_a_router_that_was_away_for_long_is_asked_every_few_seconds(clock: Clock) -> None:
    waiting = peer.Delay()
    for _ in range(100):
        clock.now += 60
        waiting.increase()
    assert waiting.backoff()
    clock.now += ConnectDelay.MOST + 0.1
    assert not waiting.backoff()


def attempts(clock: Clock, waiting: ConnectDelay, lasts: float, within: float) -> int:
    """Sessions that come up in this time, each of which the peer ends when it has lasted so long."""
    made, end = 0, clock.now + within
    while clock.now < end:
        clock.now += 0.01
        if not waiting.backoff():
            made += 1
            waiting.reset()
            clock.now += lasts
            waiting.increase()
    return made


@pytest.mark.usefixtures("exact")
def test_a_peer_that_ends_each_session_at_once_is_asked_ever_more_seldom(clock: Clock) -> None:
    waiting = peer.Delay()
    assert attempts(clock, waiting, 0.05, 60) <= 16
    assert attempts(clock, waiting, ConnectDelay.LASTING + 1, 60) >= 8, "one that lasted is restored at once"


@pytest.mark.usefixtures("exact")
def test_the_first_session_that_is_lost_early_is_restored_at_once(clock: Clock) -> None:
    """As by a router that reads its configuration after it has started."""
    waiting = peer.Delay()
    for _ in range(5):
        clock.now += ConnectDelay.MOST + 1
        waiting.increase()
    waiting.reset()
    clock.now += 0.5
    waiting.increase()
    clock.now += 0.01
    assert not waiting.backoff()


def test_the_restart_time_of_a_router_that_is_only_a_helper_is_told() -> None:
    """Such a router's capability names no family (RFC 4724 §3)."""
    ours = {"graceful-restart": 120, "route-refresh": 2, "nexthop": None}
    helper = Graceful().set(0, 77, [])
    assert more_of(ours, {Graceful.ID: helper})["restart-time"] == (120, 77)
    assert more_of(ours, {})["restart-time"] == (120, 0)


def test_the_families_that_a_router_forwards_while_it_restarts_are_told() -> None:
    """For an agent that comes later, and has not seen the OPEN."""
    ours = {"graceful-restart": 120, "route-refresh": 2, "nexthop": None}
    graceful = Graceful().set(0, 77, [(AFI.ipv4, SAFI.unicast, 0x80)])
    assert more_of(ours, {Graceful.ID: graceful})["restart-families"] == ([], ["ipv4/unicast"])
    assert more_of(ours, {})["restart-families"] == ([], [])


class OneFamily(dict[str, dict[str, int]]):
    """What ExaBGP asks a neighbour's configuration for."""

    def families(self) -> list[tuple[AFI, SAFI]]:
        return [(AFI.ipv4, SAFI.unicast)]


@pytest.mark.parametrize("restarted", [True, False])
def test_no_peer_hears_that_we_have_just_restarted(restarted: bool) -> None:  # noqa: FBT001 - a parameter
    """FRR 8.4 that restarts at the same time would delete the routes that it keeps, of all its neighbours."""
    ours = Capabilities()
    graceful(ours, OneFamily(capability={"graceful-restart": 120}), restarted)
    sent = ours[Graceful.ID]
    assert (sent.restart_flag, sent.restart_time) == (0, 120)
    assert sent[(AFI.ipv4, SAFI.unicast)] == Graceful.FORWARDING_STATE


def test_a_peer_that_takes_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    """Its window is closed, and stays so: a router that froze."""
    monkeypatch.setattr("bgpnet.speaker.exabgp_daemon._GOODBYE", lambda *_: repeat(None))
    begin = clock.now
    for _ in goodbye(None, Notify(4, 0)):
        clock.now += 0.1
        assert clock.now < begin + 5


def test_only_a_session_that_bfd_ended_ends_with_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """ExaBGP's own teardown is silent where graceful restart was agreed on (RFC 9384 has a code for BFD)."""
    closed: list[str] = []
    monkeypatch.setattr(
        "bgpnet.speaker.exabgp_daemon._CLOSE", lambda _session, message, _error: closed.append(message)
    )
    silent = "graceful restarted negotiated, closing without sending any notification"
    for code, message in ((3, silent), (None, silent), (10, "notification sent (6,10)")):
        close(SimpleNamespace(_teardown=code), message)
    assert closed == [silent, silent, "notification sent (6,10)"]
    for subcode in TOLD:
        with pytest.raises(Notify) as told:
            close(SimpleNamespace(_teardown=subcode), silent)
        assert (told.value.code, told.value.subcode) == (6, subcode)
