"""Which of a node's blocks are for pods of which namespaces."""

from collections.abc import Iterable
from dataclasses import dataclass

from bgpnet.model.blocks import Blocks, Reserved
from bgpnet.model.declared import DeclaredNamespace, DeclaredNode, DeclaredPool, Selector
from bgpnet.model.net import Family, Prefix, family_of
from bgpnet.planner.advertised import pool_of
from bgpnet.planner.selectors import selects


@dataclass(frozen=True, slots=True)
class Group:
    """Pools of one family that are for the same pods."""

    family: Family
    pools: tuple[DeclaredPool, ...]
    """In the order in which they were given."""
    namespaces: frozenset[str] | None
    """Those that their selector selects; None: pods of any namespace."""


def groups(
    pools: Iterable[DeclaredPool], namespaces: tuple[DeclaredNamespace, ...] | None
) -> tuple[Group, ...]:
    """Pools by family and namespaceSelector; without those of which it is not known whom they are for."""
    found: dict[tuple[Family, Selector], list[DeclaredPool]] = {}
    for pool in pools:
        found.setdefault((family_of(pool.cidr), pool.namespace_selector), []).append(pool)
    ordered = sorted(found.items(), key=lambda item: (item[0][0], str(item[0][1])))
    return tuple(
        Group(family, tuple(together), _selected(selector, namespaces))
        for (family, selector), together in ordered
        if namespaces is not None or not selector.requirements
    )


def blocks(
    node: DeclaredNode,
    pools: tuple[DeclaredPool, ...],
    giving: tuple[Prefix, ...],
    namespaces: tuple[DeclaredNamespace, ...] | None,
    mtu: int,
) -> Blocks | None:
    """What the CNI server gives addresses from; None while it is not known whose a block is."""
    serving = [pool for pool in pools if selects(pool.node_selector, dict(node.labels))]
    if namespaces is None and any(pool.namespace_selector.requirements for pool in serving):
        return None
    whose = {prefix: pool_of(prefix, node, pools) for prefix in giving}
    reserved = tuple(
        Reserved(group.family, tuple(p for p in giving if whose[p] in group.pools), group.namespaces)
        for group in groups(serving, namespaces)
        if group.namespaces is not None
    )
    everybody = not pools or any(not pool.namespace_selector.requirements for pool in serving)
    return Blocks(giving, mtu, reserved, everybody)


def _selected(selector: Selector, namespaces: tuple[DeclaredNamespace, ...] | None) -> frozenset[str] | None:
    if not selector.requirements:
        return None
    return frozenset(each.name for each in namespaces or () if selects(selector, dict(each.labels)))
