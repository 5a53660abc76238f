"""Why a session is not up, in words; and what is told of its state."""

from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from bgpnet.drivers.exabgp import reasons
from bgpnet.drivers.exabgp.commands import Neighbor
from bgpnet.drivers.exabgp.events import Down, Notified, Opened, Trying
from bgpnet.drivers.exabgp.offer import Offer
from bgpnet.drivers.exabgp.session import ANSWER, Session
from bgpnet.model.bgp import RouteRefresh, SessionState
from bgpnet.model.net import Family
from tests.unit.facts import address

TOR = address("10.0.1.1")
OFFER = Offer(
    router_id=IPv4Address("192.0.2.1"),
    hold_time=180,
    families=frozenset({Family.IPV4}),
    four_byte_asn=True,
    route_refresh=RouteRefresh.PLAIN,
    graceful_restart=True,
    restart_time=60,
    extended_next_hop=False,
)
UP = Neighbor(TOR, SessionState.ESTABLISHED, 30.0, 9, frozenset(Family), OFFER)
NOT_UP = replace(UP, state=SessionState.CONNECT, offer=None)


def trying(session: Session, now: float, *states: SessionState) -> None:
    """A connection attempt that gets this far."""
    session.trying(Trying(TOR, now, SessionState.CONNECT, attempt=True))
    for state in states:
        session.trying(Trying(TOR, now + 0.02, state, attempt=False))


def established() -> Session:
    session = Session(TOR, 0.0)
    session.found(UP, 100.0)
    return session


def test_a_session_found_up_is_up_since_then() -> None:
    session = established()
    assert (session.state, session.since, session.last_error(100.0)) == (SessionState.ESTABLISHED, 70.0, "")
    assert session.families == {Family.IPV4}


def test_the_capabilities_are_those_of_the_present_session() -> None:
    def told() -> tuple[int, tuple[Family, ...], int] | None:
        has = session.capabilities
        return (has.hold_time, has.families, has.restart_time) if has else None

    session = Session(TOR, 0.0)
    session.found(NOT_UP, 100.0)
    assert told() is None
    session.opened(Opened(TOR, 101.0, replace(OFFER, hold_time=6)))
    assert told() is None
    session.up(101.0)
    assert told() == (6, (Family.IPV4,), 60)
    session.down(Down(TOR, 102.0, "closing connection"))
    assert told() is None


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("notification sent (4,0)", "hold timer expired: nothing heard from the peer for 9 s"),
        ("notification received (6,4)", "the peer sent NOTIFICATION Cease / Administrative Reset (6/4)"),
        ("notification received (4,0)", "the peer sent NOTIFICATION Hold Timer Expired (4/0)"),
        (
            "notification sent (2,2)",
            "this node sent NOTIFICATION OPEN Message Error / Bad Peer AS (2/2); the peer's AS",
        ),
        ("notification sent (2,2): AS 65010", "the peer's AS number, AS 65010, is not what spec.peerASN"),
        ("notification sent (9,9)", "this node sent NOTIFICATION unknown error (9/9)"),
        ("closing connection", "TCP ended without a NOTIFICATION"),
        ("stop, message [removed]", "the session was removed from the configuration"),
        (
            "graceful restarted negotiated, closing without sending any notification",
            "its configuration changed",
        ),
        ("process problem", "ended: process problem"),
    ],
)
def test_losses(reason: str, words: str) -> None:
    session = established()
    session.down(Down(TOR, 101.0, reason))
    assert words in session.last_error(101.0)
    assert (session.state, session.since, session.flaps) == (SessionState.CONNECT, 101.0, 1)


def test_the_peers_own_words_are_kept() -> None:
    session = established()
    session.notified(Notified(TOR, 101.0, 6, 2, 'Shutdown Communication: "maintenance"'))
    session.down(Down(TOR, 101.0, "notification received (6,2)"))
    assert session.last_error(101.0) == (
        "the peer sent NOTIFICATION Cease / Administrative Shutdown (6/2); its operator says 'maintenance'"
    )


@pytest.mark.parametrize(
    "message", ["", "empty Shutdown Communication.", "invalid Shutdown Communication (…)"]
)
def test_words_that_are_none_are_left_out(message: str) -> None:
    assert "operator" not in reasons.received(6, 2, message)


def test_words_cannot_break_out_of_their_quotes() -> None:
    assert reasons.received(6, 4, 'Shutdown Communication: "a\nb"').endswith("says 'a\\nb'")


def test_refused() -> None:
    session = Session(TOR, 0.0)
    trying(session, 10.0)
    session.down(Down(TOR, 10.05, "closing connection"))
    assert session.last_error(10.1) == "TCP connection refused by 10.0.1.1 port 179: is BGP running there?"


def test_unreachable() -> None:
    session = Session(TOR, 0.0)
    trying(session, 10.0)
    session.down(Down(TOR, 13.1, "closing connection"))
    assert "10.0.1.1 cannot be reached" in session.last_error(13.1)


def test_accepted_and_closed() -> None:
    session = Session(TOR, 0.0)
    trying(session, 10.0, SessionState.CONNECT, SessionState.OPENSENT)
    session.down(Down(TOR, 10.1, "closing connection"))
    assert "accepts TCP but closes before its OPEN" in session.last_error(10.1)


def test_silence_is_told_after_a_while_and_with_the_loss_before_it() -> None:
    session = established()
    session.down(Down(TOR, 101.0, "notification sent (4,0)"))
    trying(session, 102.0)
    assert "no answer" not in session.last_error(102.0 + ANSWER)
    assert session.news_in(102.0) == pytest.approx(ANSWER, abs=0.1)
    told = session.last_error(102.0 + ANSWER + 0.01)
    assert told.startswith("hold timer expired")
    assert "; now: no answer from 10.0.1.1 port 179" in told
    assert session.silent(102.0 + ANSWER + 0.01)
    assert not session.silent(102.0 + ANSWER)
    assert session.last_error_at(102.0 + ANSWER) == 101.0
    assert session.last_error_at(200.0) == 102.0
    assert session.news_in(108.0) == float("inf")


def test_silence_is_also_told_by_an_agent_that_came_later() -> None:
    session = Session(TOR, 0.0)
    session.found(NOT_UP, 100.0)
    assert session.last_error(100.0) == ""
    assert "no answer" in session.last_error(106.0)


def test_a_session_that_comes_up_keeps_only_the_story_of_its_loss() -> None:
    session = established()
    session.down(Down(TOR, 101.0, "notification sent (4,0)"))
    trying(session, 101.0)
    session.down(Down(TOR, 101.05, "closing connection"))
    assert "refused" in session.last_error(101.1)
    session.opened(Opened(TOR, 102.0, replace(OFFER, families=frozenset({Family.IPV6}))))
    session.up(102.0)
    assert session.last_error(102.0) == "hold timer expired: nothing heard from the peer for 9 s"
    assert (session.state, session.since) == (SessionState.ESTABLISHED, 102.0)
    assert session.families == {Family.IPV6}


def test_a_restart_of_exabgp_is_a_flap_and_one_of_the_relay_is_none() -> None:
    session = established()
    session.lost(101.0)
    assert session.state is SessionState.UNKNOWN
    session.found(replace(UP, seconds=33.0), 103.5)
    assert session.flaps == 0
    session.lost(104.0)
    session.found(NOT_UP, 105.0)
    assert session.flaps == 1
    assert "ExaBGP" in session.last_error(105.0)
    session.up(106.0)
    session.lost(107.0)
    session.up(108.0)
    assert session.flaps == 2


def test_only_the_first_answer_on_a_connection_knows_better_since_when_it_is_up() -> None:
    session = Session(established().peer, 0.0)
    session.up(100.0)
    session.found(replace(UP, seconds=30), 100.0)
    assert session.since == 70.0
    session.up(200.0)
    session.down(Down(session.peer, 210.0, "peer reset, message [closing connection]"))
    session.up(211.0)
    session.found(replace(UP, seconds=141), 211.0, first=False)
    assert session.since == 211.0
