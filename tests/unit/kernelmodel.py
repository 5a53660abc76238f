"""A little kernel that obeys changes of routes and nexthop objects as Linux does, but not mistakes."""

from dataclasses import replace

from bgpnet.drivers.netlink.nexthops import ways
from bgpnet.model.diff import AddNextHop, Change, DeleteNextHop, DeleteRoute, PutGroup, PutRoute
from bgpnet.model.kernel import Kernel, KernelRoute, NextHopObject
from bgpnet.model.net import AGENT_METRICS, AGENT_PROTOCOL, NEXT_HOP_IDS


def carried_out(kernel: Kernel, change: Change) -> Kernel:
    """The kernel after a change; others than those of routing leave it as it is."""
    match change:
        case AddNextHop(number, hop):
            _free(kernel, number)
            made = NextHopObject(number, AGENT_PROTOCOL, hop)
            return replace(kernel, next_hops=(*kernel.next_hops, made))
        case PutGroup():
            return _put_group(kernel, change)
        case PutRoute():
            return _put_route(kernel, change)
        case DeleteRoute(prefix, metric):
            kept = tuple(
                r for r in kernel.routes if not (r.prefix == prefix and r.metric == metric and is_ours(r))
            )
            return replace(kernel, routes=kept)
        case DeleteNextHop(number):
            (found,) = (each for each in kernel.next_hops if each.id == number)
            assert object_is_ours(found), "Linux deletes whatever has the id"
            assert not any(route.by == number for route in kernel.routes), "Linux deletes the routes, too"
            assert not any(number in each.members for each in kernel.next_hops), "Linux narrows the groups"
            return replace(kernel, next_hops=tuple(each for each in kernel.next_hops if each.id != number))
        case _:
            return kernel


def is_ours(route: KernelRoute) -> bool:
    return route.protocol == AGENT_PROTOCOL and route.metric in AGENT_METRICS


def object_is_ours(found: NextHopObject) -> bool:
    return found.protocol == AGENT_PROTOCOL and found.id in NEXT_HOP_IDS


def resolved(kernel: Kernel) -> Kernel:
    """Each route with the next hops of the object that it refers to."""
    known = ways(kernel.next_hops)
    return replace(
        kernel,
        routes=tuple(
            route if route.by is None else replace(route, next_hops=known[route.by])
            for route in kernel.routes
        ),
    )


def _free(kernel: Kernel, number: int) -> None:
    assert number in NEXT_HOP_IDS
    assert not any(each.id == number for each in kernel.next_hops), "NLM_F_EXCL"


def _put_group(kernel: Kernel, change: PutGroup) -> Kernel:
    singles = {each.id for each in kernel.next_hops if not each.members}
    assert singles.issuperset(change.members)
    assert change.members
    if not change.replaces:
        _free(kernel, change.id)
    else:
        (before,) = (each for each in kernel.next_hops if each.id == change.id)
        assert object_is_ours(before), "Linux replaces whatever has the id"
        assert before.members, "a group cannot replace a next hop"
        users = [route for route in kernel.routes if route.by == change.id]
        assert all(map(is_ours, users)), "the group of another's route"
    made = NextHopObject(change.id, AGENT_PROTOCOL, None, change.members)
    others = (each for each in kernel.next_hops if each.id != change.id)
    return resolved(replace(kernel, next_hops=(*others, made)))


def _put_route(kernel: Kernel, change: PutRoute) -> Kernel:
    route = change.route
    assert bool(route.next_hops) == (change.by is not None)
    hops = ways(kernel.next_hops)[change.by] if change.by is not None else ()
    assert set(hops) == set(route.next_hops)
    new = KernelRoute(
        route.prefix, AGENT_PROTOCOL, route.metric, route.kind, hops, route.preferred_source, change.by
    )
    same_key = [r for r in kernel.routes if r.prefix == route.prefix and r.metric == route.metric]
    assert bool(same_key) == change.replaces, "NLM_F_EXCL and NLM_F_REPLACE must be told apart"
    assert all(is_ours(r) for r in same_key), "Linux replaces whatever has the key"
    return replace(kernel, routes=(*(r for r in kernel.routes if r not in same_key), new))
