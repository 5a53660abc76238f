"""Plan and what was observed -> the changes that lead from one to the other, in a safe order."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from bgpnet.model.diff import (
    Change,
    DeleteNextHop,
    DeleteRoute,
    Observed,
    PutRoute,
    SetSysctl,
    WriteBlocks,
    WriteNat,
)
from bgpnet.model.kernel import Kernel, KernelRoute
from bgpnet.model.net import AGENT_METRICS, AGENT_PROTOCOL, Prefix, prefix_order
from bgpnet.model.plan import Plan, Route
from bgpnet.planner.nexthopobjects import Hops, Objects

Key = tuple[Prefix, int]
"""What a route is known by: its prefix and its metric."""


def diff(plan: Plan, observed: Observed) -> tuple[Change, ...]:
    """The changes still to be made; empty when all is as planned.

    Settings first (a route is no use without forwarding), then next hops, groups of them and the routes that
    refer to these, then what pods need: translations, and the blocks that addresses come from (the discard
    routes of which are there by now). Deletions are last, in the other order, so that no step drops a packet
    which the old and the new state both deliver.
    """
    now = {sysctl.path: sysctl.value for sysctl in observed.sysctls}
    changes: list[Change] = [
        SetSysctl(sysctl) for sysctl in plan.sysctls if now.get(sysctl.path, sysctl.value) != sysctl.value
    ]
    routes = None if plan.routes is None else _Routes(plan.routes, observed.kernel)
    if routes is not None:
        changes += routes.puts()
    if plan.nat is not None and plan.nat != observed.nat:
        changes.append(WriteNat(plan.nat))
    if plan.blocks is not None and plan.blocks != observed.blocks:
        changes.append(WriteBlocks(plan.blocks))
    if routes is not None:
        changes += routes.deletes()
    return tuple(changes)


def is_ours(route: KernelRoute) -> bool:
    """Whether a route of the kernel is the agent's: by protocol number *and* metric."""
    return route.protocol == AGENT_PROTOCOL and route.metric in AGENT_METRICS


def key(route: Route | KernelRoute) -> Key:
    """What a route is known by."""
    return (route.prefix, route.metric)


def _order(key: Key) -> tuple[tuple[int, int, int], int]:
    return (prefix_order(key[0]), key[1])


class _Routes:
    """The routes that are wanted, beside those that are there."""

    def __init__(self, wanted: Iterable[Route], kernel: Kernel) -> None:
        self._kernel = kernel
        self._objects = Objects(kernel.next_hops)
        self._ours = {key(route): route for route in kernel.routes if is_ours(route)}
        self._late: list[Route] = []
        left = dict(self._ours)
        for route in wanted:
            found = left.pop(key(route), None)
            if not self._is_there(route, found):
                self._late.append(route)
        self._gone = sorted(left, key=_order)
        self._refers: dict[Key, int | None] = {}

    def puts(self) -> list[Change]:
        """Next hops, groups and routes to make or change."""
        followed = self._changed_groups()
        made = []
        for route in self._late:
            found = self._ours.get(key(route))
            hops = frozenset(route.next_hops)
            if found is not None and found.by in followed and self._is_like(route, found):
                continue
            by = self._objects.group(hops) if hops else None
            self._refers[key(route)] = by
            made.append(PutRoute(route, replaces=found is not None, by=by))
        return [*self._objects.changes, *made]

    def deletes(self) -> list[Change]:
        """Routes that are not wanted, and then the groups and next hops that nothing refers to."""
        gone = set(self._gone)
        used = {
            route.by
            for route in self._kernel.routes
            if not is_ours(route) or (key(route) not in gone and key(route) not in self._refers)
        }
        used.update(self._refers.values())
        return [
            *(DeleteRoute(prefix, metric) for prefix, metric in self._gone),
            *map(DeleteNextHop, self._objects.unused(each for each in used if each is not None)),
        ]

    def _changed_groups(self) -> frozenset[int]:
        """Groups whose routes all go over to the same other next hops: the groups change, not the routes."""
        targets: defaultdict[int, Counter[Hops]] = defaultdict(Counter)
        for route in self._late:
            found = self._ours.get(key(route))
            if found is not None and found.by is not None and route.next_hops:
                targets[found.by][frozenset(route.next_hops)] += 1
        users = Counter(route.by for route in self._kernel.routes) if targets else Counter()
        gone = Counter(self._ours[each].by for each in self._gone) if targets else Counter()
        changed = set()
        for group, wanted in targets.items():
            whole = sum(wanted.values()) + gone[group] == users[group]
            if whole and len(wanted) == 1 and self._objects.content(group) is not None:
                (hops,) = wanted
                self._objects.change(group, hops)
                changed.add(group)
        return frozenset(changed)

    def _is_there(self, route: Route, found: KernelRoute | None) -> bool:
        return (
            found is not None
            and self._is_like(route, found)
            and set(found.next_hops) == set(route.next_hops)
            and (self._objects.content(found.by) is not None) == bool(route.next_hops)
        )

    @staticmethod
    def _is_like(route: Route, found: KernelRoute) -> bool:
        """Whether nothing but the next hops differs."""
        return found.kind is route.kind and found.preferred_source == route.preferred_source
