"""What is announced of a node's own: its blocks, their summary or its pods' addresses, and its loopback."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import collapse_addresses

from bgpnet.model.declared import Advertise, DeclaredNode, DeclaredPool
from bgpnet.model.kernel import KernelRoute
from bgpnet.model.net import POD_PROTOCOL, Family, Prefix, covers, family_of, prefix_order
from bgpnet.model.rejection import ObjectRef, Reason, Rejection
from bgpnet.planner.loopbacks import Loopbacks
from bgpnet.planner.refusals import SHOWN_PER_PEER
from bgpnet.planner.selectors import selects


@dataclass(frozen=True, slots=True)
class Advertised:
    """Prefixes to announce, and why others of the node's are not."""

    prefixes: tuple[Prefix, ...]
    rejections: tuple[Rejection, ...]


def pod_addresses(routes: Iterable[KernelRoute]) -> tuple[Prefix, ...]:
    """The pods' addresses as prefixes of full length; the kernel is the record of who has which."""
    return tuple(
        route.prefix
        for route in routes
        if route.protocol == POD_PROTOCOL and route.prefix.prefixlen == route.prefix.max_prefixlen
    )


def advertised(
    node: DeclaredNode,
    own: tuple[Prefix, ...],
    pools: Iterable[DeclaredPool],
    loopbacks: Loopbacks,
    pods: Iterable[Prefix],
    budget: int,
) -> Advertised:
    """At most `budget` prefixes: loopback addresses come first, then blocks and summaries, then pods.

    How a prefix is announced says the smallest pool that holds it; without any, it is announced as it is. A
    summary holds exactly the node's own addresses: nothing else's, and never all of a family.
    """
    by_way: defaultdict[Advertise, list[tuple[Prefix, DeclaredPool | None]]] = defaultdict(list)
    pools = tuple(pools)
    for prefix in own:
        pool = pool_of(prefix, node, pools)
        by_way[pool.advertise if pool else Advertise.BLOCKS].append((prefix, pool))
    blocks = [prefix for prefix, _ in by_way[Advertise.BLOCKS]]
    rejections = []
    for pool in pools:
        parts = [prefix for prefix, of in by_way[Advertise.AGGREGATE] if of is pool]
        summaries = _summaries(parts)
        blocks += summaries
        rejections += [_part(prefix, summaries, pool) for prefix in parts if prefix not in summaries]
    single = by_way[Advertise.ADDRESSES]
    addresses = [pod for pod in pods if any(covers(prefix, pod) for prefix, _ in single)]
    for prefix, of in (*single, *by_way[Advertise.NONE]):
        rejections.append(_not_advertised(prefix, of))
    ordered = (
        *loopbacks.prefixes,
        *sorted(blocks, key=prefix_order),
        *sorted(addresses, key=prefix_order),
    )
    wanted = tuple(dict.fromkeys(ordered))
    rejections += _over_budget(node, wanted[budget:], budget)
    return Advertised(tuple(sorted(wanted[:budget], key=prefix_order)), tuple(rejections))


def pool_of(prefix: Prefix, node: DeclaredNode, pools: tuple[DeclaredPool, ...]) -> DeclaredPool | None:
    """The smallest pool that holds the prefix and selects the node."""
    labels = dict(node.labels)
    holding = [each for each in pools if covers(each.cidr, prefix) and selects(each.node_selector, labels)]
    return min(holding, key=lambda pool: (-pool.cidr.prefixlen, pool.ref), default=None)


def _summaries(parts: list[Prefix]) -> list[Prefix]:
    found: list[Prefix] = []
    for family in Family:
        of_family = [prefix for prefix in parts if family_of(prefix) is family]
        merged: list[Prefix] = list(collapse_addresses(of_family))  # type: ignore[type-var]
        found += merged if all(prefix.prefixlen for prefix in merged) else of_family
    return found


def _part(prefix: Prefix, summaries: list[Prefix], pool: DeclaredPool) -> Rejection:
    whole = next(summary for summary in summaries if covers(summary, prefix))
    remedy = f"{whole} is announced instead, as {pool.ref} says `advertise: {pool.advertise}`"
    return _left_out(prefix, Reason.AGGREGATED, remedy)


def _not_advertised(prefix: Prefix, pool: DeclaredPool | None) -> Rejection:
    ref, way = (pool.ref, pool.advertise) if pool else ("", Advertise.NONE)
    instead = "its pods' addresses are announced" if way is Advertise.ADDRESSES else "nobody is told"
    return _left_out(prefix, Reason.NOT_ADVERTISED, f"{ref} says `advertise: {way}`: {instead}")


def _left_out(prefix: Prefix, reason: Reason, remedy: str) -> Rejection:
    return Rejection(ObjectRef("Announcement", "to all peers"), "prefix", str(prefix), reason, remedy)


def _over_budget(node: DeclaredNode, excess: tuple[Prefix, ...], budget: int) -> list[Rejection]:
    remedy = (
        f"the node announces {budget} prefixes already; announce blocks or their aggregate instead of "
        "addresses, or raise BGPConfiguration spec.maxPrefixesPerNode after asking who owns the routers"
    )
    shown = [str(prefix) for prefix in excess[:SHOWN_PER_PEER]]
    more = len(excess) - SHOWN_PER_PEER
    shown += [f"{more} more"] if more > 0 else []
    return [Rejection(node.ref, "spec.podCIDRs", text, Reason.OVER_BUDGET, remedy) for text in shown]
