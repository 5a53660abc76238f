"""What goes over the sessions of a BGPPeer, told from the router's side."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from bgpnet.model.declared import (
    AcceptRule,
    Advertise,
    Declared,
    DeclaredConfiguration,
    DeclaredNode,
    DeclaredPeer,
    DeclaredPool,
    Selector,
)
from bgpnet.model.net import Family, Prefix, covers, default_prefix, family_of, prefix_order
from bgpnet.model.rejection import ObjectRef, Reason, Rejection
from bgpnet.model.router import DeclaredRouter, DefaultWhen
from bgpnet.model.routerconfig import Accepted, DefaultRoute, FamilyPolicy
from bgpnet.planner.advertised import pool_of
from bgpnet.planner.blocks import sound_pools
from bgpnet.planner.prefixes import granted_prefixes
from bgpnet.planner.routerasked import rule_order
from bgpnet.planner.selectors import least_labels, selects


@dataclass(frozen=True, slots=True)
class Fabric:
    """What the nodes may announce, by the node's name: a range of prefixes and the object that allows it."""

    announced: Mapping[str, tuple[Accepted, ...]]
    budget: int
    refused: tuple[Rejection, ...]
    pools: tuple[DeclaredPool, ...]
    """From which nodes claim blocks."""
    loopbacks: tuple[Accepted, ...]

    @classmethod
    def of(cls, declared: Declared, default_budget: int) -> Self:
        """The prefixes of all nodes.

        Of a pool that serves a node a router accepts what the pool's nodes may announce, whoever has which
        block: so it need not know of each node, nor of the blocks that nodes claim. Without pools each node's
        prefixes by themselves. Any address of the loopback ranges may be any node's. Of two pools that
        overlap nodes claim blocks from one alone; the other counts only for prefixes that nodes were given.
        """
        budget = declared.configuration.max_prefixes_per_node if declared.configuration else default_budget
        granted, refused = granted_prefixes(declared.nodes, declared.pools, budget)
        sound, overlapping = sound_pools(declared.pools)
        loopbacks = _loopbacks(declared.configuration)
        announced = {
            node.name: (
                *_claimed(dict(node.labels), sound),
                *_given(node, granted[node.name], declared.pools),
                *loopbacks,
            )
            for node in declared.nodes
        }
        # Where nodes claim blocks, podCIDRs outside the pools are no fault; where not, the agents say so.
        refused = tuple(each for each in refused if each.reason is not Reason.OUTSIDE_POOLS)
        given = [prefix for prefixes in granted.values() for prefix in prefixes]
        idle = {pool.ref for pool in declared.pools if not any(covers(pool.cidr, prefix) for prefix in given)}
        refused += tuple(each for each in overlapping if each.object in idle)
        return cls(announced, budget, refused, sound, loopbacks)

    def of_nodes(self, nodes: Iterable[DeclaredNode], selector: Selector) -> Iterator[Accepted]:
        """What these nodes may announce; where there are none yet, what the first may that is selected."""
        names = [node.name for node in nodes]
        for name in names:
            yield from self.announced[name]
        if not names:
            yield from _claimed(least_labels(selector), self.pools)
            yield from self.loopbacks


def _claimed(labels: Mapping[str, str], pools: tuple[DeclaredPool, ...]) -> Iterator[Accepted]:
    """Blocks that a node with these labels may claim."""
    for pool in pools:
        if selects(pool.node_selector, labels):
            yield from _of_pool(pool, pool.block_length)


def _given(
    node: DeclaredNode, granted: Iterable[Prefix], pools: tuple[DeclaredPool, ...]
) -> Iterator[Accepted]:
    """The prefixes that the node was given."""
    for prefix in granted:
        holder = pool_of(prefix, node, pools)
        if holder is None:
            yield Accepted(AcceptRule(prefix, prefix.prefixlen, prefix.prefixlen), node.ref)
        else:
            yield from _of_pool(holder, prefix.prefixlen)


def _of_pool(pool: DeclaredPool, length: int) -> Iterator[Accepted]:
    """What is announced of the pool by nodes that have prefixes of this length in it."""
    least, most = {
        Advertise.BLOCKS: (length, length),
        Advertise.AGGREGATE: (max(1, pool.cidr.prefixlen), length),
        Advertise.ADDRESSES: (pool.cidr.max_prefixlen, pool.cidr.max_prefixlen),
        Advertise.NONE: (1, 0),
    }[pool.advertise]
    if least <= most:
        yield Accepted(AcceptRule(pool.cidr, least, most), pool.ref)


def _loopbacks(configuration: DeclaredConfiguration | None) -> tuple[Accepted, ...]:
    """Single addresses out of the ranges of the nodes' loopbacks."""
    if configuration is None:
        return ()
    return tuple(
        Accepted(AcceptRule(each, each.max_prefixlen, each.max_prefixlen), configuration.ref)
        for each in configuration.loopbacks
    )


def policies(
    peer: DeclaredPeer,
    router: DeclaredRouter,
    nodes: Iterable[DeclaredNode],
    fabric: Fabric,
    wanted: tuple[AcceptRule, ...],
) -> tuple[FamilyPolicy, ...]:
    """The policy of each family of the peer, whose nodes take what is wanted."""
    by_family: defaultdict[Family, dict[AcceptRule, ObjectRef]] = defaultdict(dict)
    for each in fabric.of_nodes(nodes, peer.node_selector):
        by_family[family_of(each.rule.prefix)].setdefault(each.rule, each.cause)
    return tuple(
        FamilyPolicy(
            family,
            accepts=tuple(
                Accepted(rule, cause)
                for rule, cause in sorted(by_family[family].items(), key=lambda entry: _stable(*entry))
            ),
            sends=tuple(
                rule for rule in wanted if family_of(rule.prefix) is family and rule.prefix.prefixlen
            ),
            default=_default(family, wanted, router),
            max_prefixes=fabric.budget,
        )
        for family in sorted(set(peer.families))
    )


def _stable(rule: AcceptRule, cause: ObjectRef) -> tuple[str, str, tuple[int, ...]]:
    """Sort key under which a node that changes its prefix moves no other node's line."""
    return (cause.kind, cause.name, rule_order(rule))


def _default(family: Family, wanted: tuple[AcceptRule, ...], router: DeclaredRouter) -> DefaultRoute | None:
    prefix = default_prefix(family)
    if not any(rule.prefix == prefix and rule.min_length == 0 for rule in wanted):
        return None
    tracked = tuple(sorted((each for each in router.tracked if family_of(each) is family), key=prefix_order))
    if router.default_when is DefaultWhen.TRACKED and not tracked:
        return DefaultRoute(prefix, DefaultWhen.LEARNED)
    return DefaultRoute(prefix, router.default_when, tracked)
