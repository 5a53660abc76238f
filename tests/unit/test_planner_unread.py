"""What may be of a router whose table is still being read."""

from dataclasses import replace

import pytest

from bgpnet.model.bgp import Speaker
from bgpnet.model.kernel import NextHop
from bgpnet.model.plan import Session
from bgpnet.planner import make_plan
from bgpnet.planner.unread import Unread
from tests.unit import facts

TOR1, TOR2 = make_plan(facts.snapshot()).sessions or ()
NEIGHBOUR = replace(TOR2, link="eth1")
"""A router in the same subnet as tor1."""
UNNUMBERED = replace(TOR1, peer=facts.address("fe80::1%eth1"))
REFLECTOR = replace(TOR2, peer_asn=TOR2.local_asn)
"""Some hops away: its routes' next hops may be anywhere."""


def reading(*unread: str, sessions: tuple[Session, ...]) -> Unread:
    return Unread.of(sessions, Speaker((), (), tuple(map(facts.address, unread))))


def hop(gateway: str, link: str) -> NextHop:
    return NextHop(facts.address(gateway), link)


@pytest.mark.parametrize(
    ("what", "sessions", "unread", "found"),
    [
        ("its own address", (TOR1, TOR2), "10.0.2.1", hop("10.0.2.1", "eth2")),
        ("a third one on its link", (TOR1, TOR2), "10.0.2.1", hop("10.0.2.7", "eth2")),
        ("a third one in both's subnet", (TOR1, NEIGHBOUR), "10.0.2.1", hop("10.0.1.7", "eth1")),
        ("the same on another link", (UNNUMBERED, TOR2), "10.0.2.1", hop("fe80::1", "eth2")),
        ("of a reflector, anywhere", (TOR1, REFLECTOR), "10.0.2.1", hop("10.0.1.7", "eth1")),
        ("of a peer not wanted any more", (TOR1, TOR2), "10.0.9.1", hop("10.0.1.7", "eth1")),
    ],
)
def test_it_may_be_told_again(what: str, sessions: tuple[Session, ...], unread: str, found: NextHop) -> None:
    assert reading(unread, sessions=sessions).may_have_told(found), what


@pytest.mark.parametrize(
    ("what", "sessions", "unread", "found"),
    [
        ("another link", (TOR1, TOR2), "10.0.2.1", hop("10.0.1.7", "eth1")),
        ("a router that told all", (TOR1, TOR2), "10.0.2.1", hop("10.0.1.1", "eth1")),
        ("the same in its subnet", (TOR1, NEIGHBOUR), "10.0.2.1", hop("10.0.1.1", "eth1")),
        ("a link-local that told all", (UNNUMBERED, NEIGHBOUR), "10.0.2.1", hop("fe80::1", "eth1")),
    ],
)
def test_it_is_not_told_again(what: str, sessions: tuple[Session, ...], unread: str, found: NextHop) -> None:
    assert not reading(unread, sessions=sessions).may_have_told(found), what


def test_whatever_a_router_will_tell_is_not_used_while_the_path_to_it_has_failed() -> None:
    peer, found = TOR2.peer, hop("10.0.2.1", "eth2")
    assert not Unread.of((TOR1, TOR2), Speaker((), (), (peer,)), (peer,)).may_have_told(found)
    assert not Unread.of((TOR1, TOR2), None, (peer,)).may_have_told(found)
    assert Unread.of((TOR1, TOR2), None, (peer,)).may_have_told(hop("10.0.1.1", "eth1"))


def test_nothing_stays_when_all_is_read() -> None:
    assert not reading(sessions=(TOR1, TOR2)).may_have_told(hop("10.0.9.9", "eth1"))


def test_nothing_is_known_of_the_sessions_of_an_old_state() -> None:
    assert Unread.of((TOR1, TOR2), Speaker((), ()), sure=False).may_have_told(hop("10.0.1.1", "eth1"))
