"""Plan and what was observed -> the changes that lead from one to the other, in a safe order."""

from bgpnet.model.diff import Change, DeleteRoute, Observed, PutRoute, SetSysctl, WriteBlocks
from bgpnet.model.net import AGENT_PROTOCOL, ROUTE_METRIC, Prefix, prefix_order
from bgpnet.model.plan import Plan, Route
from bgpnet.model.snapshot import KernelRoute, NextHop


def diff(plan: Plan, observed: Observed) -> tuple[Change, ...]:
    """The changes still to be made; empty when all is as planned.

    Settings first (a route is no use without forwarding), then routes added and replaced, then the blocks
    from which pods get addresses (their discard routes are there by now), and deletions last, so that no step
    drops a packet which the old and the new state both deliver.
    """
    now = {sysctl.path: sysctl.value for sysctl in observed.sysctls}
    changes: list[Change] = [
        SetSysctl(sysctl) for sysctl in plan.sysctls if now.get(sysctl.path, sysctl.value) != sysctl.value
    ]
    ours = {route.prefix: route for route in observed.kernel.routes if is_ours(route)}
    if plan.routes is not None:
        changes += _puts(plan, ours, _dead(observed))
    if plan.blocks is not None and plan.blocks != observed.blocks:
        changes.append(WriteBlocks(plan.blocks))
    if plan.routes is not None and plan.routes_final:
        wanted = {route.prefix for route in plan.routes}
        changes += [DeleteRoute(prefix) for prefix in sorted(ours, key=prefix_order) if prefix not in wanted]
    return tuple(changes)


def is_ours(route: KernelRoute) -> bool:
    """Whether a route of the kernel is the agent's: by protocol number *and* metric."""
    return route.protocol == AGENT_PROTOCOL and route.metric == ROUTE_METRIC


def _puts(plan: Plan, ours: dict[Prefix, KernelRoute], dead: frozenset[str]) -> list[Change]:
    return [
        PutRoute(route, replaces=route.prefix in ours)
        for route in plan.routes or ()
        if not _is_there(route, ours.get(route.prefix))
        and (plan.routes_final or not _only_narrows(route, ours.get(route.prefix), dead))
    ]


def _is_there(route: Route, found: KernelRoute | None) -> bool:
    return (
        found is not None
        and found.kind is route.kind
        and set(found.next_hops) == set(route.next_hops)
        and found.preferred_source == route.preferred_source
    )


def _only_narrows(route: Route, found: KernelRoute | None, dead: frozenset[str]) -> bool:
    """Whether the change only takes away next hops that may be learned again in a moment.

    A next hop behind a dead link is not kept for that.
    """
    if found is None or found.kind is not route.kind:
        return False
    gone: set[NextHop] = set(found.next_hops) - set(route.next_hops)
    return set(route.next_hops) < set(found.next_hops) and not any(hop.link in dead for hop in gone)


def _dead(observed: Observed) -> frozenset[str]:
    return frozenset(link.name for link in observed.kernel.links if not (link.up and link.carrier))
