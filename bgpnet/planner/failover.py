"""What cannot wait for a whole plan: next hops that nobody announces any more leave their groups."""

from collections.abc import Collection, Iterable

from bgpnet.model.bfd import Bfd
from bgpnet.model.bgp import LearnedPath, Speaker
from bgpnet.model.diff import PutGroup
from bgpnet.model.kernel import Kernel, NextHop, NextHopObject
from bgpnet.model.net import Address
from bgpnet.model.plan import Plan
from bgpnet.planner.bfd import failed_peers
from bgpnet.planner.diff import is_ours as is_our_route
from bgpnet.planner.nexthopobjects import is_ours
from bgpnet.planner.nexthops import Resolver
from bgpnet.planner.unread import Unread


def failover(
    plan: Plan,
    kernel: Kernel,
    found: Iterable[NextHopObject],
    speaker: Speaker | None,
    bfd: Bfd | None = None,
) -> tuple[PutGroup, ...]:
    """Groups without the next hops that no learned path leads to any more, where others are left in them.

    A plan has no next hops but those of learned paths, so this is a part of whatever the plan now is; what
    becomes of the routes of a group with nothing left is for that to say.

    Args:
        plan: the last one. Where it leaves routes alone, so does this.
        kernel: as it was for that plan. A group that another's route refers to is not changed.
        found: the nexthop objects as they are now.
        speaker: what it says now.
        bfd: what it says now: a peer to which the path has failed announces nothing.
    """
    if plan.routes is None or plan.sessions is None or speaker is None:
        return ()
    objects = sorted(filter(is_ours, found), key=lambda each: each.id)
    failed = failed_peers(plan.bfd or (), bfd)
    announced = _announced(plan, kernel, speaker, failed)
    unread = Unread.of(plan.sessions, speaker, failed)
    lost = {
        each.id
        for each in objects
        if each.next_hop is not None
        and each.next_hop not in announced
        and not unread.may_have_told(each.next_hop)
    }
    if not lost:
        return ()
    foreign = {route.by for route in kernel.routes if route.by is not None and not is_our_route(route)}
    changes = []
    for each in objects:
        left = tuple(member for member in each.members if member not in lost)
        if left and left != each.members and each.id not in foreign:
            changes.append(PutGroup(each.id, left, replaces=True))
    return tuple(changes)


def _announced(
    plan: Plan, kernel: Kernel, speaker: Speaker, failed: Collection[Address]
) -> frozenset[NextHop]:
    """Where the learned paths lead: there are few such places, however many paths."""
    sessions = {session.peer: session for session in plan.sessions or ()}
    told = {(path.peer, path.next_hop) for path in _one_of_each(speaker)}
    resolver = Resolver(kernel)
    return frozenset(
        hop
        for peer, next_hop in told
        if peer in sessions and peer not in failed
        for hop in resolver.of_session(sessions[peer], next_hop)
    )


def _one_of_each(speaker: Speaker) -> Iterable[LearnedPath]:
    """A path of every peer and next hop; by identity, as hashing ten thousand addresses takes long."""
    return {(id(path.peer), id(path.next_hop)): path for path in speaker.paths}.values()
