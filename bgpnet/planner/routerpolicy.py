"""What goes over the sessions of a BGPPeer, told from the router's side."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from bgpnet.model.declared import (
    AcceptRule,
    Declared,
    DeclaredConfiguration,
    DeclaredNode,
    DeclaredPeer,
    DeclaredPool,
)
from bgpnet.model.net import Family, Prefix, covers, default_prefix, family_of, prefix_order
from bgpnet.model.rejection import ObjectRef, Rejection
from bgpnet.model.router import DeclaredRouter, DefaultWhen
from bgpnet.model.routerconfig import Accepted, DefaultRoute, FamilyPolicy
from bgpnet.planner.prefixes import granted_prefixes


@dataclass(frozen=True, slots=True)
class Fabric:
    """What the nodes may announce, by the node's name: a range of prefixes and the object that allows it."""

    announced: Mapping[str, tuple[Accepted, ...]]
    budget: int
    refused: tuple[Rejection, ...]

    @classmethod
    def of(cls, declared: Declared, default_budget: int) -> Self:
        """The prefixes of all nodes.

        With pools a router accepts the pool at the blocks' lengths, so that it need not know of each node;
        without pools each node's prefixes by themselves. Any address of the
        loopback ranges may be any node's.
        """
        budget = declared.configuration.max_prefixes_per_node if declared.configuration else default_budget
        granted, refused = granted_prefixes(declared.nodes, declared.pools, budget)
        pools = sorted(declared.pools, key=lambda pool: (-pool.cidr.prefixlen, prefix_order(pool.cidr)))
        loopbacks = _loopbacks(declared.configuration)
        announced = {
            node.name: (*(_accepted(node, prefix, pools) for prefix in granted[node.name]), *loopbacks)
            for node in declared.nodes
        }
        return cls(announced, budget, refused)


def _loopbacks(configuration: DeclaredConfiguration | None) -> tuple[Accepted, ...]:
    """Single addresses out of the ranges of the nodes' loopbacks."""
    if configuration is None:
        return ()
    return tuple(
        Accepted(AcceptRule(each, each.max_prefixlen, each.max_prefixlen), configuration.ref)
        for each in configuration.loopbacks
    )


def _accepted(node: DeclaredNode, prefix: Prefix, pools: list[DeclaredPool]) -> Accepted:
    pool = next((pool for pool in pools if covers(pool.cidr, prefix)), None)
    if pool is None:
        return Accepted(AcceptRule(prefix, prefix.prefixlen, prefix.prefixlen), node.ref)
    return Accepted(AcceptRule(pool.cidr, prefix.prefixlen, prefix.prefixlen), pool.ref)


def policies(
    peer: DeclaredPeer,
    router: DeclaredRouter,
    nodes: Iterable[DeclaredNode],
    fabric: Fabric,
    declared: Declared,
) -> tuple[FamilyPolicy, ...]:
    """The policy of each family of the peer."""
    by_family: defaultdict[Family, dict[AcceptRule, ObjectRef]] = defaultdict(dict)
    for node in nodes:
        for each in fabric.announced[node.name]:
            by_family[family_of(each.rule.prefix)].setdefault(each.rule, each.cause)
    wanted = asked_for(peer, declared)
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


def asked_for(peer: DeclaredPeer, declared: Declared) -> tuple[AcceptRule, ...]:
    """What the nodes take from this router: `accept`, or the prefixes that its import filters accept."""
    rules = set(peer.accept)
    if not rules:
        filters = {each.ref.name: each for each in declared.filters}
        for name in peer.import_filters:
            told = filters[name].imports if name in filters else ()
            rules |= {prefixes for rule in told if rule.accept for prefixes in rule.prefixes}
    return tuple(sorted(rules, key=rule_order))


def rule_order(rule: AcceptRule) -> tuple[int, int, int, int, int]:
    """Sort key of ranges."""
    return (*prefix_order(rule.prefix), rule.min_length, rule.max_length)


def _stable(rule: AcceptRule, cause: ObjectRef) -> tuple[str, str, tuple[int, ...]]:
    """Sort key under which a node that changes its prefix moves no other node's line."""
    return (cause.kind, cause.name, rule_order(rule))


def meet(one: AcceptRule, other: AcceptRule) -> bool:
    """Whether a prefix lies in both ranges."""
    if not (covers(one.prefix, other.prefix) or covers(other.prefix, one.prefix)):
        return False
    least = max(one.min_length, other.min_length, one.prefix.prefixlen, other.prefix.prefixlen)
    return least <= min(one.max_length, other.max_length)


def _default(family: Family, wanted: tuple[AcceptRule, ...], router: DeclaredRouter) -> DefaultRoute | None:
    prefix = default_prefix(family)
    if not any(rule.prefix == prefix and rule.min_length == 0 for rule in wanted):
        return None
    tracked = tuple(sorted((each for each in router.tracked if family_of(each) is family), key=prefix_order))
    if router.default_when is DefaultWhen.TRACKED and not tracked:
        return DefaultRoute(prefix, DefaultWhen.LEARNED)
    return DefaultRoute(prefix, router.default_when, tracked)
