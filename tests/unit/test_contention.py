"""A fight with another program slows down; an accident does not."""

from ipaddress import ip_network
from itertools import pairwise

from bgpnet.agent.contention import SHOWN, Contention
from bgpnet.model.diff import (
    AddNextHop,
    Change,
    DeleteRoute,
    Observed,
    PutGroup,
    PutRoute,
    SetSysctl,
    WriteNat,
)
from bgpnet.model.fight import AT_ONCE, FORGOTTEN, LONGEST, delay
from bgpnet.model.kernel import Kernel, NextHop, RouteKind
from bgpnet.model.nat import TABLE_REF
from bgpnet.model.plan import Route, Sysctl
from bgpnet.model.rejection import ObjectRef, Reason
from tests.unit import facts

HOP = NextHop(facts.address("10.0.1.1"), "eth1")
OTHER = NextHop(facts.address("10.0.2.1"), "eth2")


def put(cidr: str = "192.0.2.0/24", hop: NextHop = HOP) -> PutRoute:
    return PutRoute(Route(facts.prefix(cidr), RouteKind.UNICAST, (hop,)), replaces=False, by=7)


def observed(*routes: str, **settings: str) -> Observed:
    found = tuple(facts.kernel_route(cidr, protocol=16, metric=100) for cidr in routes)
    sysctls = tuple(Sysctl(path.replace("__", "/"), value) for path, value in settings.items())
    return Observed(Kernel(facts.UPLINKS, found), sysctls, None)


def times(contention: Contention, *changes: Change, until: float, every: float = 0.01) -> list[float]:
    """When a rival that undoes everything at once sees the first change again, from now until then."""
    seen, now = [], 0.0
    while now < until:
        if changes[0] in contention.admitted(changes, observed().kernel, now):
            seen.append(round(now, 2))
        now += every
    return seen


def test_what_was_flushed_a_few_times_comes_back_at_once_each_time() -> None:
    contention = Contention()
    for number in range(AT_ONCE):
        assert contention.admitted((put(),), observed().kernel, number * 1.0) == (put(),)
    assert contention.rejections(observed()) == ()


def test_a_fight_gets_slower_up_to_the_longest_delay() -> None:
    seen = times(Contention(), put(), until=200, every=0.5)
    gaps = [later - earlier for earlier, later in pairwise(seen)]
    assert gaps[: AT_ONCE + 6] == [0.5] * AT_ONCE + [1, 2, 4, 8, 16, 32]
    assert set(gaps[AT_ONCE + 6 :]) == {LONGEST}


def test_a_table_that_is_flushed_again_and_again_is_told() -> None:
    contention = Contention()
    gaps = [
        later - earlier for earlier, later in pairwise(times(contention, WriteNat(()), until=60, every=0.5))
    ]
    assert gaps[:AT_ONCE] == [0.5] * AT_ONCE
    assert max(gaps) > 10
    told = contention.rejections(observed())
    assert [(each.object, each.found, each.reason) for each in told] == [(TABLE_REF, "gone", Reason.UNDONE)]


def test_it_is_told_with_what_the_other_leaves() -> None:
    contention = Contention()
    times(contention, put(), SetSysctl(Sysctl("net/ipv4/ip_forward", "1")), until=1)
    told = contention.rejections(observed("192.0.2.0/24", net__ipv4__ip_forward="0"))
    assert [(each.object, each.found, each.reason) for each in told] == [
        (ObjectRef("Route", "192.0.2.0/24"), "dhcp", Reason.UNDONE),
        (ObjectRef("Sysctl", "net/ipv4/ip_forward"), "0", Reason.UNDONE),
    ]
    assert contention.rejections(observed())[0].found == "nothing in its place"


def test_a_fight_that_ended_is_forgotten() -> None:
    contention = Contention()
    times(contention, put(), until=1)
    assert contention.rejections(observed())
    end = 1 + LONGEST + FORGOTTEN
    contention.admitted((), observed().kernel, end)
    assert contention.rejections(observed()) == ()
    assert contention.admitted((put(),), observed().kernel, end) == (put(),)


def test_what_the_plan_itself_changes_is_no_fight() -> None:
    contention = Contention()
    for number in range(20):
        change = put(hop=(HOP, OTHER)[number % 2])
        assert contention.admitted((change,), observed().kernel, number * 0.1) == (change,)
    for number in range(20):
        other: Change = (DeleteRoute(facts.prefix("192.0.2.0/24")), put())[number % 2]
        assert contention.admitted((other,), observed().kernel, 5 + number * 0.1) == (other,)


def test_what_the_kernel_refuses_is_no_fight() -> None:
    contention = Contention()
    refused = ObjectRef("Route", "192.0.2.0/24")
    for number in range(20):
        assert contention.admitted((put(),), observed().kernel, number * 0.1) == (put(),)
        contention.failed([refused])


def test_a_link_that_flaps_is_no_fight() -> None:
    """The kernel itself takes the routes of a link without carrier away."""
    contention, dark = Contention(), facts.link(2, "eth1", "10.0.1.11/24", carrier=False)
    for number in range(20):
        assert contention.admitted((put(),), observed().kernel, number * 0.1) == (put(),)
        contention.admitted((), Kernel((dark, facts.UPLINKS[1]), ()), number * 0.1 + 0.05)


def test_next_hops_wait_with_the_routes_that_need_them() -> None:
    contention = Contention()
    changes = (AddNextHop(5, HOP), PutGroup(7, (5,), replaces=False), put())
    for number in range(AT_ONCE + 1):
        assert contention.admitted(changes, observed().kernel, number * 0.1) == changes
    assert contention.admitted(changes, observed().kernel, 0.45) == ()
    shared = (*changes, PutGroup(8, (5,), replaces=True))
    assert contention.admitted(shared, observed().kernel, 0.46) == (AddNextHop(5, HOP), shared[3])


def test_of_many_only_some_are_told() -> None:
    contention = Contention()
    changes = tuple(put(str(ip_network((0x0A000000 + number * 256, 24)))) for number in range(1000))
    times(contention, *changes, until=0.1)
    told = contention.rejections(observed())
    assert len(told) == SHOWN + 1
    assert str(told[-1].object) == f"Route/and {1000 - SHOWN} more"


def test_a_fight_that_lasts_for_days_stays_at_the_longest_delay() -> None:
    """A power of two that is no number any more ended the process that had fought for half a day."""
    assert delay(10_000) == LONGEST
