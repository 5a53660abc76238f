"""Plan and what was observed -> the changes that lead from one to the other, in a safe order."""

from bgpnet.model.diff import Change, DeleteRoute, Observed, PutRoute, SetSysctl, WriteBlocks
from bgpnet.model.net import AGENT_METRICS, AGENT_PROTOCOL, Address, Prefix, prefix_order
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
    ours = {(route.prefix, route.metric): route for route in observed.kernel.routes if is_ours(route)}
    if plan.routes is not None:
        changes += _puts(plan, ours, _dead(observed))
    if plan.blocks is not None and plan.blocks != observed.blocks:
        changes.append(WriteBlocks(plan.blocks))
    if plan.routes is not None and plan.routes_final:
        wanted = {(route.prefix, route.metric) for route in plan.routes}
        surplus = sorted(ours.keys() - wanted, key=lambda key: (prefix_order(key[0]), key[1]))
        changes += [DeleteRoute(prefix, metric) for prefix, metric in surplus]
    return tuple(changes)


def is_ours(route: KernelRoute) -> bool:
    """Whether a route of the kernel is the agent's: by protocol number *and* metric."""
    return route.protocol == AGENT_PROTOCOL and route.metric in AGENT_METRICS


def _puts(plan: Plan, ours: dict[tuple[Prefix, int], KernelRoute], dead: frozenset[str]) -> list[Change]:
    return [
        PutRoute(route, replaces=found is not None)
        for route in plan.routes or ()
        if not _is_there(route, found := ours.get((route.prefix, route.metric)))
        and (plan.routes_final or not _only_narrows(route, found, dead, plan.failed))
    ]


def _is_there(route: Route, found: KernelRoute | None) -> bool:
    return (
        found is not None
        and found.kind is route.kind
        and set(found.next_hops) == set(route.next_hops)
        and found.preferred_source == route.preferred_source
    )


def _only_narrows(
    route: Route, found: KernelRoute | None, dead: frozenset[str], failed: tuple[Address, ...]
) -> bool:
    """Whether the change only takes away next hops that may be learned again in a moment.

    A next hop behind a dead link, or one that has failed, is not kept for that.
    """
    if found is None or found.kind is not route.kind:
        return False
    gone: set[NextHop] = set(found.next_hops) - set(route.next_hops)
    return set(route.next_hops) < set(found.next_hops) and not any(
        hop.link in dead or _failed(hop, failed) for hop in gone
    )


def _failed(hop: NextHop, failed: tuple[Address, ...]) -> bool:
    """Whether the next hop is one of these peers; a link-local one names its link."""
    return any(str(peer) in (str(hop.gateway), f"{hop.gateway}%{hop.link}") for peer in failed)


def _dead(observed: Observed) -> frozenset[str]:
    return frozenset(link.name for link in observed.kernel.links if not (link.up and link.carrier))
