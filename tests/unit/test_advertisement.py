"""When a router advertisement goes out, and what is in it."""

from bgpnet.speaker.advertisement import AGAIN, FIRST, LEAST, LONGEST, SHORTEST, Schedule, packet


def chance() -> float:
    return 0.5


def test_the_packet_is_nobodys_default_router() -> None:
    """RFC 4861 §4.2: router lifetime, reachable time and timer 0; §4.6.1: the link-layer address."""
    whole = packet(bytes.fromhex("0200deadbeef"))
    assert whole.hex() == "8600000000000000" + "0000000000000000" + "01010200deadbeef"
    assert packet(b"") == whole[:16]


def test_the_first_ones_come_quickly_then_one_in_ten_seconds() -> None:
    schedule, now, gaps = Schedule(100.0, chance), 100.0, []
    assert schedule.due == now
    for _ in range(5):
        schedule.sent(now)
        gaps.append(schedule.due - now)
        now = schedule.due
    middle = (SHORTEST + LONGEST) / 2
    assert gaps == [LEAST] * (FIRST - 1) + [middle] * 3


def test_a_router_that_is_heard_gets_one_soon_but_never_more_than_one_in_three_seconds() -> None:
    schedule, now = Schedule(0.0, chance), 0.0
    for _ in range(FIRST):
        now = schedule.due
        schedule.sent(now)
    schedule.heard(now + 5)
    assert schedule.due == now + 5.25
    schedule.sent(now + 5.25)
    schedule.heard(now + 5.3)
    assert schedule.due == now + 5.25 + LEAST


def test_a_link_that_cannot_send_begins_anew_when_it_can() -> None:
    schedule = Schedule(0.0, chance)
    for now in (0.0, 3.0, 6.0):
        schedule.sent(now)
    schedule.failed(10.0)
    assert schedule.due == 10.0 + AGAIN
    schedule.sent(11.0)
    assert schedule.due == 11.0 + LEAST
