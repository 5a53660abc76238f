"""The six laws of the pure core, as properties over small, conflict-rich universes."""

from dataclasses import replace
from ipaddress import collapse_addresses, ip_network
from random import Random
from typing import TypeVar

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bgpnet.model.bgp import Speaker
from bgpnet.model.declared import Declared, DeclaredPeer
from bgpnet.model.diff import AddNextHop, DeleteNextHop, Observed
from bgpnet.model.kernel import Kernel, KernelRoute, NextHopObject, RouteKind
from bgpnet.model.net import AGENT_PROTOCOL, NEXT_HOP_IDS, Address, Prefix, covers, family_of
from bgpnet.model.plan import Sysctl
from bgpnet.model.rejection import ObjectRef, Reason
from bgpnet.model.snapshot import Snapshot
from bgpnet.planner import diff, failover, make_plan
from tests.unit import facts
from tests.unit.kernelmodel import carried_out, is_ours, object_is_ours

T = TypeVar("T")
KNOWN = st.one_of(
    facts.RACKS,
    facts.SNAPSHOTS.filter(lambda snapshot: snapshot.declared is not None and snapshot.kernel is not None),
)


# --- 1. Order does not matter --------------------------------------------------------------------------


@given(snapshot=facts.SNAPSHOTS, seed=st.integers(0, 2**32))
def test_law_1_order_does_not_matter(snapshot: Snapshot, seed: int) -> None:
    assert make_plan(_shuffled(snapshot, Random(seed))) == make_plan(snapshot)


def _shuffled(snapshot: Snapshot, random: Random) -> Snapshot:
    def shuffle(values: tuple[T, ...]) -> tuple[T, ...]:
        return tuple(random.sample(values, len(values)))

    declared, kernel, speaker = snapshot.declared, snapshot.kernel, snapshot.speaker
    return replace(
        snapshot,
        declared=declared
        and replace(
            declared,
            nodes=shuffle(declared.nodes),
            pools=shuffle(declared.pools),
            peers=tuple(replace(peer, accept=shuffle(peer.accept)) for peer in shuffle(declared.peers)),
            filters=shuffle(declared.filters),
        ),
        kernel=kernel
        and Kernel(
            tuple(replace(link, addresses=shuffle(link.addresses)) for link in shuffle(kernel.links)),
            tuple(replace(route, next_hops=shuffle(route.next_hops)) for route in shuffle(kernel.routes)),
            shuffle(kernel.routers),
            shuffle(kernel.next_hops),
        ),
        speaker=speaker and replace(speaker, paths=shuffle(speaker.paths)),
    )


# --- 2. Not knowing is not emptiness -------------------------------------------------------------------


@given(snapshot=facts.SNAPSHOTS, kernel=facts.KERNELS)
def test_law_2_not_knowing_deletes_nothing(snapshot: Snapshot, kernel: Kernel) -> None:
    unknown = replace(snapshot, declared=None)
    plan = make_plan(unknown)
    assert (plan.sessions, plan.announcements, plan.routes, plan.blocks) == (None, None, None, None)
    assert diff(plan, _observed(kernel)) == ()


@given(snapshot=KNOWN)
def test_law_2_before_the_speaker_was_heard_every_way_stays(snapshot: Snapshot) -> None:
    assert snapshot.kernel is not None
    _no_way_is_lost(replace(snapshot, speaker=None), {link.name for link in snapshot.kernel.links})


@given(snapshot=facts.RACKS)
def test_law_2_while_a_table_is_being_read_what_may_be_of_its_router_stays(snapshot: Snapshot) -> None:
    """And nothing else: the other router's next hops are as if there were no such table."""
    tor1, tor2 = (facts.address(at) for at in ("10.0.1.1", "10.0.2.1"))
    assert snapshot.speaker is not None
    assert snapshot.kernel is not None
    former = facts.kernel_route("198.51.100.0/24", ("10.0.1.1", "eth1"), ("10.0.2.1", "eth2"))
    snapshot = replace(snapshot, kernel=replace(snapshot.kernel, routes=(*snapshot.kernel.routes, former)))
    assert snapshot.speaker is not None
    reading = replace(snapshot, speaker=replace(snapshot.speaker, unread=(tor2,)))
    plan = make_plan(reading)
    assume({tor1, tor2} <= {session.peer for session in plan.sessions or ()})
    _no_way_is_lost(reading, {"eth2"}, other_than=tor1)

    def by_tor1(kernel: Kernel) -> set[Prefix]:
        ours = filter(is_ours, kernel.routes)
        return {route.prefix for route in ours if tor1 in {hop.gateway for hop in route.next_hops}}

    assert by_tor1(_states(reading)[-1]) == by_tor1(_states(snapshot)[-1])


def _no_way_is_lost(snapshot: Snapshot, links: set[str], other_than: Address | None = None) -> None:
    """No route of ours loses a live next hop on these links, unless it got something that it did not have."""
    states = _states(snapshot)
    after = {(route.prefix, route.metric): route for route in states[-1].routes if is_ours(route)}
    live = {link.name for link in states[0].links if link.carrier} & links
    for route in filter(is_ours, states[0].routes):
        ways = {hop for hop in route.next_hops if hop.link in live and hop.gateway != other_than}
        left = after.get((route.prefix, route.metric))
        if ways:
            assert left is not None
            narrower = left.kind is route.kind and set(left.next_hops) < set(route.next_hops)
            assert ways <= set(left.next_hops) or not narrower


@given(declared=facts.DECLARED, kernel=facts.KERNELS)
def test_law_2_a_node_that_is_not_declared_is_left_alone(declared: Declared, kernel: Kernel) -> None:
    absent = replace(declared, nodes=tuple(node for node in declared.nodes if node.name != "n1"))
    plan = make_plan(Snapshot("n1", absent, kernel, Speaker((), ())))
    assert plan.sessions is None
    assert diff(plan, _observed(kernel)) == ()


@given(declared=facts.DECLARED, kernel=facts.KERNELS)
def test_law_2_a_node_that_names_no_address_is_left_alone(declared: Declared, kernel: Kernel) -> None:
    others = tuple(node for node in declared.nodes if node.name != "n1")
    bare = replace(declared, nodes=(facts.node("n1", "10.244.1.0/26", addresses=()), *others))
    plan = make_plan(Snapshot("n1", bare, kernel, Speaker((), ())))
    assert (plan.sessions, plan.announcements, plan.routes, plan.blocks) == (None, None, None, None)
    assert diff(plan, _observed(kernel)) == ()
    assert Reason.NO_ADDRESS in {rejection.reason for rejection in plan.rejections}


# --- 3. One bad object harms itself alone --------------------------------------------------------------

OWN = facts.address("10.0.2.11")
BAD_PEERS = st.builds(
    lambda at: replace(facts.peer("zz-bad", str(at), 65009), created="9999"),
    at=st.sampled_from([OWN, facts.address("10.99.0.1")]),
)


@given(declared=facts.DECLARED, kernel=facts.KERNELS, bad=BAD_PEERS)
def test_law_3_a_bad_peer_harms_itself_alone(declared: Declared, kernel: Kernel, bad: DeclaredPeer) -> None:
    others = tuple(node for node in declared.nodes if node.name != "n1")
    declared = replace(declared, nodes=(facts.node("n1", "10.244.1.0/26"), *others))
    speaker = Speaker((), ())
    without = make_plan(Snapshot("n1", declared, kernel, speaker))
    plan = make_plan(Snapshot("n1", replace(declared, peers=(*declared.peers, bad)), kernel, speaker))
    assert replace(plan, rejections=()) == replace(without, rejections=())
    added = set(plan.rejections) - set(without.rejections)
    assert any(rejection.object == bad.ref for rejection in added) or not without.sessions


@given(snapshot=KNOWN)
def test_law_3_every_prefix_not_announced_has_a_reason(snapshot: Snapshot) -> None:
    plan = make_plan(snapshot)
    assert snapshot.declared is not None
    node = next((node for node in snapshot.declared.nodes if node.name == "n1"), None)
    if node is None or plan.announcements is None:
        return
    announced = {announcement.prefix for announcement in plan.announcements}
    whose = (node.ref, ObjectRef("Announcement", "to all peers"))
    excused = {rejection.found for rejection in plan.rejections if rejection.object in whose}
    excused |= {
        rejection.remedy.split(" ")[0] for rejection in plan.rejections if rejection.reason == "NoNextHop"
    }
    if any(not session.exports_known for session in plan.sessions or ()):
        assert Reason.NO_FILTER in {rejection.reason for rejection in plan.rejections}
        return
    for prefix in node.pod_cidrs:
        assert prefix in announced or str(prefix) in excused


# --- 4. Add and replace first, delete last -------------------------------------------------------------


@given(snapshot=KNOWN, destination=facts.PREFIXES)
def test_law_4_no_step_drops_what_old_and_new_deliver(snapshot: Snapshot, destination: Prefix) -> None:
    assert snapshot.kernel is not None
    target = destination.network_address
    states = list(_states(snapshot))
    if _delivers(states[0], target) and _delivers(states[-1], target):
        assert all(_delivers(state, target) for state in states)


def _delivers(kernel: Kernel, target: Address) -> bool:
    matching = [route for route in kernel.routes if target in route.prefix]
    if not matching:
        return False
    longest = max(route.prefix.prefixlen for route in matching)
    best = min((r for r in matching if r.prefix.prefixlen == longest), key=lambda route: route.metric)
    return best.kind is RouteKind.UNICAST


@given(snapshot=KNOWN, before=KNOWN, destination=facts.PREFIXES)
def test_law_4_a_failover_takes_nothing_that_the_plan_keeps(
    snapshot: Snapshot, before: Snapshot, destination: Prefix
) -> None:
    """Whatever the last plan was: what the failover takes from a route, the new plan does not give it."""
    assert snapshot.kernel is not None
    kernel, plan = snapshot.kernel, make_plan(snapshot)
    last = replace(make_plan(replace(before, kernel=kernel)), routes=plan.routes)
    for change in failover(last, kernel, kernel.next_hops, snapshot.speaker):
        kernel = carried_out(kernel, change)
    target = destination.network_address
    if _delivers(snapshot.kernel, target) and _delivers(_states(snapshot)[-1], target):
        assert _delivers(kernel, target)
    planned = {route.prefix: set(route.next_hops) for route in plan.routes or ()}
    was = {route.prefix: set(route.next_hops) for route in snapshot.kernel.routes if is_ours(route)}
    for route in filter(is_ours, kernel.routes):
        assert not (was[route.prefix] - set(route.next_hops)) & planned.get(route.prefix, set())


# --- 5. Convergence, and hands off what is not ours ----------------------------------------------------


@given(snapshot=KNOWN)
def test_law_5_the_diff_converges(snapshot: Snapshot) -> None:
    assert snapshot.kernel is not None
    *_, last = _states(snapshot)
    settled = replace(snapshot, kernel=last)
    plan, before = make_plan(settled), make_plan(snapshot)
    # While an import filter is missing the reports hang on what the kernel has, and a dead link takes that.
    assert replace(plan, imports=(), rejections=()) == replace(before, imports=(), rejections=())
    assert diff(plan, Observed(last, plan.sysctls, plan.blocks, plan.nat)) == ()


@given(snapshot=KNOWN)
def test_law_5_what_is_foreign_stays(snapshot: Snapshot) -> None:
    def foreign(kernel: Kernel) -> tuple[set[KernelRoute], set[NextHopObject]]:
        return (
            {route for route in kernel.routes if not is_ours(route)},
            {each for each in kernel.next_hops if not object_is_ours(each)},
        )

    states = list(_states(snapshot))
    for state in states:
        assert foreign(state) == foreign(states[0])


@given(snapshot=KNOWN)
def test_law_5_no_object_is_left_that_no_route_needs(snapshot: Snapshot) -> None:
    *_, last = _states(snapshot)
    if make_plan(snapshot).routes is None:
        return
    used = {route.by for route in last.routes}
    members = {member for each in last.next_hops for member in each.members}
    for each in filter(object_is_ours, last.next_hops):
        assert each.id in (used if each.members else members)
    assert all(route.by is not None for route in last.routes if is_ours(route) and route.next_hops)


@given(snapshot=KNOWN)
def test_law_5_an_id_that_another_took_is_told(snapshot: Snapshot) -> None:
    plan = make_plan(snapshot)
    if plan.routes is None or snapshot.kernel is None:
        return
    taken = {each.id for each in snapshot.kernel.next_hops if not object_is_ours(each)} & {*NEXT_HOP_IDS[:20]}
    told = {each.object.name for each in plan.rejections if each.reason is Reason.FOREIGN_NEXT_HOP}
    assert told == set(map(str, taken))


# --- 6. Bounded ----------------------------------------------------------------------------------------


@given(snapshot=KNOWN)
def test_law_6_bounded(snapshot: Snapshot) -> None:
    plan = make_plan(snapshot)
    assert snapshot.declared is not None
    assert snapshot.declared.configuration is not None
    assert len(plan.own_prefixes) <= snapshot.declared.configuration.max_prefixes_per_node
    assert all(prefix.prefixlen > 0 for prefix in plan.own_prefixes)
    assert len(plan.offered) <= snapshot.declared.configuration.max_prefixes_per_node
    assert {each.prefix for each in plan.announcements or ()} <= set(plan.offered)
    rules = {peer.ref: peer.accept for peer in snapshot.declared.peers}
    asked = {rule.prefix for session in plan.sessions or () for rule in rules[session.ref]}
    asked |= {
        each.prefix
        for made in snapshot.declared.filters
        for rule in made.imports
        if rule.accept
        for each in rule.prefixes
    }
    heard = replace(snapshot.speaker or Speaker((), ()), unread=())  # what is kept unheard was judged before
    for route in make_plan(replace(snapshot, speaker=heard)).routes or ():
        assert route.prefix.prefixlen > 0 or route.prefix in asked
        if route.kind is RouteKind.UNICAST:
            assert not any(covers(own, route.prefix) for own in plan.own_prefixes)


@given(snapshot=facts.RACKS)
def test_law_6_nothing_but_the_nodes_own_prefixes_is_announced_whatever_filters_say(
    snapshot: Snapshot,
) -> None:
    plan = make_plan(snapshot)
    assert snapshot.declared is not None
    assert snapshot.kernel is not None
    claimed = {prefix for node in snapshot.declared.nodes if node.name == "n1" for prefix in node.pod_cidrs}
    assert claimed.issuperset(plan.own_prefixes)
    lo = {at.address for link in snapshot.kernel.links if link.name == "lo" for at in link.addresses}
    ours = [*plan.own_prefixes, *map(ip_network, lo)]
    whole = {
        version: list(collapse_addresses([each for each in ours if each.version == version]))  # type: ignore[type-var]
        for version in (4, 6)
    }
    for announcement in plan.announcements or ():
        assert any(covers(each, announcement.prefix) for each in whole[announcement.prefix.version])
        assert announcement.prefix.prefixlen > 0


@given(snapshot=facts.RACKS)
def test_law_3_each_announcement_that_a_filter_refuses_is_told_with_its_rule(snapshot: Snapshot) -> None:
    plan = make_plan(snapshot)
    told = {(each.peer, each.prefix) for each in plan.announcements or ()}
    refused = {(r.object, r.found) for r in plan.rejections if r.reason in ("Filtered", "NoNextHop")}
    for session in plan.sessions or ():
        for prefix in plan.offered if session.exports_known else ():
            if family_of(prefix) in session.families and (session.peer, prefix) not in told:
                named = ObjectRef("Announcement", f"to {session.peer}"), str(prefix)
                assert named in refused or (session.ref, family_of(prefix)) in refused


# --- a kernel that obeys the changes as Linux does -------------------------------------------------------


def _states(snapshot: Snapshot) -> list[Kernel]:
    """The kernel before the first change and after each one."""
    assert snapshot.kernel is not None
    states = [snapshot.kernel]
    for change in diff(make_plan(snapshot), _observed(snapshot.kernel)):
        states.append(carried_out(states[-1], change))
    return states


def _observed(kernel: Kernel) -> Observed:
    return Observed(kernel, (Sysctl("net/ipv4/ip_forward", "0"),), None, None)


def test_the_judge_can_fail() -> None:
    """The little kernel refuses what Linux would let happen by mistake."""
    foreign = facts.kernel_route("192.0.2.0/24", ("10.0.1.1", "eth1"), protocol=4)
    assert _delivers(Kernel((), (foreign,)), facts.address("192.0.2.1"))
    assert not _delivers(Kernel((), ()), facts.address("192.0.2.1"))
    used = NextHopObject(NEXT_HOP_IDS.start, AGENT_PROTOCOL, foreign.next_hops[0])
    kernel = Kernel((), (replace(foreign, by=used.id),), next_hops=(used,))
    with pytest.raises(AssertionError, match="deletes the routes"):
        carried_out(kernel, DeleteNextHop(used.id))
    with pytest.raises(AssertionError, match="EXCL"):
        carried_out(kernel, AddNextHop(used.id, foreign.next_hops[0]))
