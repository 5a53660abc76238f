"""Which prefixes are a node's own.

Every node's claims are judged, not this node's alone: all agents see the same winner of a conflict.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from bgpnet.model.declared import DeclaredNode, DeclaredPool
from bgpnet.model.martians import is_martian
from bgpnet.model.net import Prefix, prefix_order
from bgpnet.model.rejection import Reason, Rejection
from bgpnet.planner.selectors import selects


@dataclass(frozen=True, slots=True)
class OwnPrefixes:
    """The prefixes of one node, sorted, and what was refused to any node."""

    prefixes: tuple[Prefix, ...]
    rejections: tuple[Rejection, ...]


def own_prefixes(
    node_name: str, nodes: Iterable[DeclaredNode], pools: Iterable[DeclaredPool], budget: int
) -> OwnPrefixes:
    """Prefixes that the node may announce and give addresses from.

    With no pool, `spec.podCIDRs` are the node's prefixes; with pools, those of them inside a pool that
    selects the node. Of two nodes that claim overlapping prefixes the older wins, then the smaller name.
    At most `budget` prefixes a node; the last of the list are refused first.
    """
    granted, rejections = granted_prefixes(nodes, pools, budget)
    return OwnPrefixes(tuple(sorted(granted.get(node_name, ()), key=prefix_order)), rejections)


def granted_prefixes(
    nodes: Iterable[DeclaredNode], pools: Iterable[DeclaredPool], budget: int
) -> tuple[dict[str, tuple[Prefix, ...]], tuple[Rejection, ...]]:
    """Prefixes of every node, by its name, by the rules of `own_prefixes`; and what was refused to any."""
    offers = [(_key(pool.cidr), pool) for pool in pools]
    claimed = _Claims()
    every: dict[str, tuple[Prefix, ...]] = {}
    rejections: list[Rejection] = []
    for node in sorted(nodes, key=lambda node: (node.created, node.name)):
        granted: dict[_Key, Prefix] = {}
        for index, prefix in enumerate(node.pod_cidrs):
            key = _key(prefix)
            rejection = _refusal(node, prefix, key, offers, claimed) or (
                _over_budget(node, prefix, budget) if len(granted) >= budget else None
            )
            if rejection is not None:
                rejections.append(replace(rejection, field=f"spec.podCIDRs[{index}]"))
            else:
                granted.setdefault(key, prefix)
        for key in granted:
            claimed.add(key, node.name)
        every[node.name] = tuple(granted.values())
    return every, tuple(rejections)


def _refusal(
    node: DeclaredNode,
    prefix: Prefix,
    key: "_Key",
    offers: list[tuple["_Key", DeclaredPool]],
    claimed: "_Claims",
) -> Rejection | None:
    if prefix.prefixlen == 0:
        return _rejected(
            node,
            prefix,
            Reason.DEFAULT_ROUTE,
            "a default route is never announced; name the node's own block",
        )
    if is_martian(prefix):
        return _rejected(
            node, prefix, Reason.MARTIAN, "nobody routes such addresses (RFC 6890); give pods another range"
        )
    if offers and not any(_holds(cidr, key) and _selects(pool, node) for cidr, pool in offers):
        return _rejected(
            node,
            prefix,
            Reason.OUTSIDE_POOLS,
            "no IPPool that selects the node holds it; change the prefix, or add or widen an IPPool",
        )
    owner = claimed.overlapping(key)
    if owner is not None:
        return _rejected(
            node,
            prefix,
            Reason.PREFIX_CONFLICT,
            f"it overlaps a prefix of Node/{owner}, which is older or first by name and keeps it; "
            "give this node another prefix",
        )
    return None


def _selects(pool: DeclaredPool, node: DeclaredNode) -> bool:
    selector = pool.node_selector
    return not selector.requirements or selects(selector, dict(node.labels))


def _over_budget(node: DeclaredNode, prefix: Prefix, budget: int) -> Rejection:
    return _rejected(
        node,
        prefix,
        Reason.OVER_BUDGET,
        f"the node has its {budget} prefixes already; use larger blocks or raise "
        "BGPConfiguration spec.maxPrefixesPerNode after asking who owns the routers",
    )


def _rejected(node: DeclaredNode, prefix: Prefix, reason: Reason, remedy: str) -> Rejection:
    return Rejection(node.ref, "", str(prefix), reason, remedy)


_Key = tuple[int, int, int]
"""A prefix as version, length, and so many bits: shifted by one they are the prefix of twice the size."""


def _key(prefix: Prefix) -> _Key:
    length = prefix.prefixlen
    return (prefix.version, length, int(prefix.network_address) >> (prefix.max_prefixlen - length))


def _holds(outer: _Key, inner: _Key) -> bool:
    """Whether `inner` lies in `outer`."""
    return outer[0] == inner[0] and outer[1] <= inner[1] and inner[2] >> (inner[1] - outer[1]) == outer[2]


class _Claims:
    """Prefixes granted so far, with a lookup of any that overlaps: dict reads per length, not per node."""

    __slots__ = ("_above", "_granted", "_lengths")

    def __init__(self) -> None:
        self._granted: dict[tuple[int, int, int], str] = {}
        self._above: dict[tuple[int, int, int], str] = {}
        self._lengths: defaultdict[int, set[int]] = defaultdict(set)

    def add(self, key: _Key, owner: str) -> None:
        above, (version, own_length, bits) = self._above, key
        self._granted[version, own_length, bits] = owner
        self._lengths[version].add(own_length)
        for length in range(own_length - 1, -1, -1):
            bits >>= 1
            shorter = (version, length, bits)
            if shorter in above:  # and so is every shorter one
                break
            above[shorter] = owner

    def overlapping(self, key: _Key) -> str | None:
        version, own_length, bits = key
        inside = self._above.get(key)
        if inside is not None:
            return inside
        for length in sorted(self._lengths[version]):
            if length > own_length:
                break
            owner = self._granted.get((version, length, bits >> (own_length - length)))
            if owner is not None:
                return owner
        return None
