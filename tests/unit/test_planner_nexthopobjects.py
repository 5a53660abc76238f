"""Routes over groups of next hops: what changes for many routes alike is told to their group alone."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from bgpnet.model.bfd import Bfd, BfdSession, BfdTimers, ObservedBfd
from bgpnet.model.bgp import LearnedPath, Speaker
from bgpnet.model.diff import AddNextHop, Change, DeleteNextHop, Observed, PutGroup, PutRoute
from bgpnet.model.kernel import Kernel, NextHopObject
from bgpnet.model.net import NEXT_HOP_IDS
from bgpnet.model.rejection import Reason
from bgpnet.planner import diff, failover, make_plan
from bgpnet.planner.nexthopobjects import Objects
from tests.unit import facts
from tests.unit.kernelmodel import carried_out

MANY = [f"10.244.{number}.0/26" for number in range(2, 102)]
FIRST = [facts.path(prefix, "10.0.1.1", 65001) for prefix in MANY]
SECOND = [facts.path(prefix, "10.0.2.1", 65002) for prefix in MANY]


def changes(kernel: Kernel, *paths: LearnedPath, unread: tuple[str, ...] = ()) -> tuple[Change, ...]:
    plan = make_plan(facts.snapshot(paths=paths, kernel=kernel, unread=unread))
    return diff(plan, Observed(kernel, plan.sysctls, plan.blocks))


def after(kernel: Kernel, *paths: LearnedPath) -> Kernel:
    for change in changes(kernel, *paths):
        kernel = carried_out(kernel, change)
    assert changes(kernel, *paths) == ()
    return kernel


def counted(found: tuple[Change, ...]) -> dict[type, int]:
    return dict(Counter(map(type, found)))


BARE = Kernel(facts.UPLINKS, ())


def test_one_object_for_each_next_hop_and_one_group_for_each_set() -> None:
    made = changes(BARE, *FIRST, *SECOND[:50])
    assert counted(made) == {AddNextHop: 2, PutGroup: 2, PutRoute: 101}
    kinds = [type(change) for change in made]
    assert kinds == sorted(kinds, key=[AddNextHop, PutGroup, PutRoute].index)


def test_a_lost_session_is_one_message_however_many_routes() -> None:
    both = after(BARE, *FIRST, *SECOND)
    assert counted(changes(both, *SECOND)) == {PutGroup: 1, DeleteNextHop: 1}
    one = after(both, *SECOND)
    assert {hop.link for route in one.routes for hop in route.next_hops} == {"eth2"}
    assert counted(changes(one, *FIRST, *SECOND)) == {AddNextHop: 1, PutGroup: 1}


def test_a_fall_back_to_longer_paths_is_one_message() -> None:
    longer = [replace(path, as_path=(65002, 65003)) for path in SECOND]
    best = after(BARE, *FIRST, *longer)
    assert counted(changes(best, *longer)) == {AddNextHop: 1, PutGroup: 1, DeleteNextHop: 1}


def test_routes_that_only_the_lost_peer_had_are_deleted_and_the_others_follow_their_group() -> None:
    alone = facts.path("192.0.2.0/24", "10.0.1.1")
    left = after(after(BARE, *FIRST, *SECOND, alone), *SECOND)
    assert facts.prefix("192.0.2.0/24") not in {route.prefix for route in left.routes}
    assert {hop.link for route in left.routes for hop in route.next_hops} == {"eth2"}


def test_a_group_stays_as_it_is_while_some_of_its_routes_do() -> None:
    both = after(BARE, *FIRST, *SECOND)
    assert counted(changes(both, *FIRST[:10], *SECOND)) == {PutGroup: 1, PutRoute: 90}


def test_nothing_is_narrowed_or_deleted_before_every_table_was_read() -> None:
    both = after(BARE, *FIRST, *SECOND)
    assert changes(both, *SECOND, unread=("10.0.1.1",)) == ()
    assert changes(both, unread=("10.0.1.1", "10.0.2.1")) == ()


def test_one_routers_loss_is_acted_on_while_anothers_table_is_being_read() -> None:
    both = after(BARE, *FIRST, *SECOND)
    assert counted(changes(both, unread=("10.0.2.1",))) == {PutGroup: 1, DeleteNextHop: 1}


def test_another_programs_id_is_left_alone_and_named() -> None:
    hop = facts.path("192.0.2.0/24", "10.0.1.1")
    theirs = NextHopObject(NEXT_HOP_IDS.start, 4, None)
    kernel = replace(BARE, next_hops=(theirs,))
    made = after(kernel, hop)
    assert theirs in made.next_hops
    assert {each.id - NEXT_HOP_IDS.start for each in made.next_hops} == {0, 1, 2}
    plan = make_plan(facts.snapshot(paths=(hop,), kernel=kernel))
    (told,) = (each for each in plan.rejections if each.reason is Reason.FOREIGN_NEXT_HOP)
    assert str(told).startswith("NextHop/179000000: protocol is 4: ForeignNextHop: another program made")


def test_a_group_that_anothers_route_refers_to_is_not_changed_under_it() -> None:
    both = after(BARE, *FIRST, *SECOND)
    group = both.routes[-1].by
    theirs = replace(both.routes[-1], prefix=facts.prefix("198.51.100.0/24"), protocol=4)
    shared = replace(both, routes=(*both.routes, theirs))
    left = after(shared, *SECOND)
    assert theirs in left.routes
    assert group in {each.id for each in left.next_hops}


def test_a_group_that_lost_a_member_with_its_carrier_gets_it_back() -> None:
    """The kernel takes the object away without a word, and does not bring it back."""
    both = after(BARE, *FIRST, *SECOND)
    hop = next(each for each in both.next_hops if each.next_hop and each.next_hop.link == "eth1")
    flapped = carried_out_by_carrier(both, hop)
    assert counted(changes(flapped, *FIRST, *SECOND)) == {AddNextHop: 1, PutGroup: 1}


def carried_out_by_carrier(kernel: Kernel, lost: NextHopObject) -> Kernel:
    kept = tuple(
        replace(each, members=tuple(member for member in each.members if member != lost.id))
        for each in kernel.next_hops
        if each is not lost
    )
    routes = tuple(
        replace(route, next_hops=tuple(hop for hop in route.next_hops if hop != lost.next_hop))
        for route in kernel.routes
    )
    return replace(kernel, routes=routes, next_hops=kept)


def test_a_failover_of_ten_thousand_routes_is_decided_in_milliseconds() -> None:
    """The bar is 100 ms from the lost session to the kernel: no time to look at each route.

    Held against the whole plan for the same routes, best of three each: a busy machine slows both down.
    """
    prefixes = [f"10.{32 + number // 256}.{number % 256}.0/24" for number in range(10_000)]
    first = [facts.path(prefix, "10.0.1.1", 65001) for prefix in prefixes]
    second = [facts.path(prefix, "10.0.2.1", 65002) for prefix in prefixes]
    rules = (facts.accept("10.32.0.0/11", 24),)
    declared = replace(
        facts.two_tors(),
        peers=(facts.peer("t1", "10.0.1.1", 65001, rules), facts.peer("t2", "10.0.2.1", 65002, rules)),
    )
    both = facts.snapshot(declared=declared, kernel=BARE, paths=(*first, *second))
    plan = make_plan(both)
    whole = quickest(lambda: make_plan(both))
    made = Objects(())
    group = made.group(frozenset(hop for route in plan.routes or () for hop in route.next_hops))
    kernel = BARE
    for change in made.changes:
        kernel = carried_out(kernel, change)
    left = Speaker((), tuple(second))
    (change,) = failover(plan, kernel, kernel.next_hops, left)
    assert quickest(lambda: failover(plan, kernel, kernel.next_hops, left)) < whole / 25
    assert change == PutGroup(group, change.members, replaces=True)
    assert len(change.members) == 1


def quickest(act: Callable[[], object]) -> float:
    """Seconds of this thread; of three times."""
    taken = []
    for _ in range(3):
        begin = time.thread_time()
        act()
        taken.append(time.thread_time() - begin)
    return min(taken)


def test_a_router_that_bfd_has_lost_leaves_its_groups_while_its_session_is_still_up() -> None:
    both = after(BARE, *FIRST, *SECOND)
    seen = facts.snapshot(paths=(*FIRST, *SECOND), kernel=both)
    peer, link = facts.address("10.0.1.1"), "eth1"
    watched = BfdSession(peer, facts.address("10.0.1.11"), link, BfdTimers(100, 3))
    plan = replace(make_plan(seen), bfd=(watched,))
    lost = Bfd((ObservedBfd(peer, link, "Down", "Down", 0.0, failed=True),))
    assert failover(plan, both, both.next_hops, seen.speaker) == ()
    (change,) = failover(plan, both, both.next_hops, seen.speaker, lost)
    left = {each.next_hop for each in both.next_hops if each.id in change.members}
    assert {hop.link for hop in left if hop} == {"eth2"}
