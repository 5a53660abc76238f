"""Blocks that a node claims from IPPools: which it has, which it gives addresses from, which it wants."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from bgpnet.model.blockpick import block_of
from bgpnet.model.claims import Claim, Claimed, Wanted
from bgpnet.model.declared import Declared, DeclaredNode, DeclaredPool
from bgpnet.model.kernel import Kernel
from bgpnet.model.net import Prefix, covers, prefix_order
from bgpnet.model.podrange import pod_range
from bgpnet.model.rejection import ObjectRef, Reason, Rejection
from bgpnet.planner.advertised import pod_addresses
from bgpnet.planner.namespaces import Group, groups
from bgpnet.planner.selectors import selects

HEADROOM = 8
"""Another block is claimed when less than a part in so many of the addresses is free."""


@dataclass(frozen=True, slots=True)
class NodeBlocks:
    """The blocks of one node. All are sorted."""

    own: tuple[Prefix, ...] = ()
    """To announce."""
    giving: tuple[Prefix, ...] = ()
    """Of those the ones that new addresses come from."""
    wanted: Wanted | None = None
    rejections: tuple[Rejection, ...] = ()
    growing: bool = False
    """Whether another one is claimed, and to be had as far as is known, when addresses run short."""


@dataclass(frozen=True, slots=True)
class _View:
    """What the claims of a node are decided on."""

    node: DeclaredNode
    pods: tuple[Prefix, ...]
    pools: tuple[DeclaredPool, ...]
    """Sound ones, of which no two overlap."""
    own: tuple[Prefix, ...]
    giving: tuple[Prefix, ...]
    claimed: Claimed
    room: bool
    """Whether the budget has room for another block."""


@dataclass(slots=True)
class _Asked:
    """What is asked for and refused, as it is found."""

    claims: set[Claim] = field(default_factory=set)
    released: list[Prefix] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)


def node_blocks(
    node: DeclaredNode,
    declared: Declared,
    kernel: Kernel,
    claimed: Claimed,
    budget: int,
    cidrs: tuple[Prefix, ...],
) -> NodeBlocks:
    """The node's blocks, where the source takes claims.

    With no IPPool `cidrs`, those of `spec.podCIDRs` that can be used, are the node's. With IPPools they are
    only while they have pods, and so are blocks of pools that no longer serve the node: no address comes from
    them, and they are given back once they are empty.

    A block in which the kernel has a pod is never given up: if the API server deleted it with an earlier Node
    object it is claimed anew, and announced meanwhile; if another node has it it is contested. No address
    comes from it.
    """
    pods = pod_addresses(kernel.routes)
    pools, overlapping = sound_pools(declared.pools)
    mine = sorted(
        (block for block in declared.blocks if block.node == node.name),
        key=lambda block: prefix_order(block.prefix),
    )
    serving = [pool for pool in pools if selects(pool.node_selector, dict(node.labels))]
    held = [prefix for prefix in cidrs if not pools or _pods_in(prefix, pods)]
    held += [block.prefix for block in mine if not block.released or _pods_in(block.prefix, pods)]
    returning = {prefix for prefix in claimed.returning if _pods_in(prefix, pods)}
    returning -= {block.prefix for block in declared.blocks}
    held += returning
    own, over = _within(node, held, pods, budget)
    unfit = {block.prefix for block in mine if block.released} | set(claimed.closing) | returning
    served = {prefix for prefix in own if any(covers(pool.cidr, prefix) for pool in serving)}
    sources = served - set(cidrs) - unfit if pools else set(cidrs) & set(own)
    giving = tuple(prefix for prefix in own if prefix in sources)
    view = _View(node, pods, pools, own, giving, claimed, room=len(own) < budget)
    asked = _Asked(rejections=[*overlapping, *claimed.refused, *over])
    for block in mine:
        if block.released and block.prefix in own:
            asked.claims |= _again(block.prefix, [pool for pool in pools if pool.ref.name == block.pool])
    for prefix in returning:
        asked.claims |= _again(prefix, pools)
    _ask_for_stranded(view, asked)
    asked.released += [
        block.prefix
        for block in mine
        if not block.released and block.prefix not in served and not _pods_in(block.prefix, pods)
    ]
    if pools and not serving:
        asked.rejections.append(_no_pool(node))
    found = groups(serving, declared.namespaces)
    for group in found:
        _ask_for_group(group, view, asked)
    wanted = Wanted(
        node.name,
        node.uid,
        tuple(sorted(asked.claims, key=_claim_order)),
        tuple(block.prefix for block in mine if not block.released and block.node_uid != node.uid),
        tuple(asked.released),
    )
    growing = view.room and bool(found) and all(_open_pools(group.pools, claimed) for group in found)
    return NodeBlocks(own, giving, wanted, tuple(asked.rejections), growing)


def sound_pools(pools: Iterable[DeclaredPool]) -> tuple[tuple[DeclaredPool, ...], tuple[Rejection, ...]]:
    """Pools of which no two overlap: the older wins whole, then the first by name."""
    sound: list[DeclaredPool] = []
    refused = []
    for pool in sorted(pools, key=lambda pool: (pool.created, pool.ref.name)):
        other = next((each for each in sound if _overlap(each.cidr, pool.cidr)), None)
        if other is None:
            sound.append(pool)
            continue
        remedy = (
            f"it overlaps {other.ref} ({other.cidr}), which is older or first by name and stays whole; "
            "no block is claimed from this one: delete it, and make one beside the other"
        )
        refused.append(Rejection(pool.ref, "spec.cidr", str(pool.cidr), Reason.POOL_CONFLICT, remedy))
    return tuple(sound), tuple(refused)


def _within(
    node: DeclaredNode, prefixes: list[Prefix], pods: tuple[Prefix, ...], budget: int
) -> tuple[tuple[Prefix, ...], list[Rejection]]:
    """At most `budget` of them, those with pods first."""
    ordered = sorted(prefixes, key=lambda prefix: (not _pods_in(prefix, pods), prefix_order(prefix)))
    remedy = (
        f"the node has its {budget} prefixes already; use larger blocks or raise BGPConfiguration "
        "spec.maxPrefixesPerNode after asking who owns the routers"
    )
    over = [Rejection(node.ref, "", str(prefix), Reason.OVER_BUDGET, remedy) for prefix in ordered[budget:]]
    return tuple(sorted(ordered[:budget], key=prefix_order)), over


def _ask_for_stranded(view: _View, asked: _Asked) -> None:
    """Pods whose block is not the node's: the block is claimed back, unless another node has it."""
    stranded: dict[Prefix, DeclaredPool] = {}
    for pod in view.pods:
        if any(covers(prefix, pod) for prefix in view.own):
            continue
        pool = next((pool for pool in view.pools if covers(pool.cidr, pod)), None)
        if pool is None:
            asked.rejections.append(stranded_pod(pod))
        else:
            stranded[block_of(pool.cidr, pool.block_length, pod)] = pool
    contested = dict(view.claimed.contested)
    for block, pool in stranded.items():
        asked.claims.add(Claim(pool.ref.name, pool.cidr, pool.block_length, block))
        if block in contested:
            remedy = (
                f"pods of this node have addresses of it, and Node/{contested[block]} has claimed it: it is "
                "not announced from here and gives no new address; delete those pods"
            )
            asked.rejections.append(Rejection(view.node.ref, "", str(block), Reason.CONTESTED, remedy))


def _ask_for_group(group: Group, view: _View, asked: _Asked) -> None:
    """One more block when the addresses run out, one less when more than enough are free.

    Pools that are for no namespace there is need none.
    """
    pools = group.pools
    mine = [prefix for prefix in view.giving if _in(prefix, pools)]
    sizes = {prefix: len(pod_range(prefix)) for prefix in mine}
    used = {prefix: _pods_in(prefix, view.pods) for prefix in mine}
    size = sum(sizes.values())
    free = size - sum(used.values())
    closing = [block for block in view.claimed.closing if _in(block, pools) and block not in asked.released]
    if group.namespaces is not None and not group.namespaces:
        asked.released += [block for block in (*mine, *closing) if not _pods_in(block, view.pods)]
        return
    if free * HEADROOM <= size:
        if _comes_back(pools, view, asked):
            return
        left = _open_pools(pools, view.claimed)
        if view.room:
            # A full pool is asked for all the same: a block may have come free.
            first = (left or pools)[0]
            asked.claims.add(Claim(first.ref.name, first.cidr, first.block_length))
        if not left:
            asked.rejections.append(_full(view.node, pools))
        return
    if closing:
        asked.released += [block for block in closing if not _pods_in(block, view.pods)]
        return
    for prefix in reversed(mine):
        rest, rest_free = size - sizes[prefix], free - sizes[prefix]
        if used[prefix] == 0 and rest and rest_free * HEADROOM > 2 * rest:
            asked.released.append(prefix)
            return


def _comes_back(pools: tuple[DeclaredPool, ...], view: _View, asked: _Asked) -> bool:
    """Whether a block with room is asked for again: that of a Node that was made anew, as a rule."""
    contested = dict(view.claimed.contested)
    back = [
        claim.block
        for claim in asked.claims
        if claim.block is not None and claim.block not in contested and _in(claim.block, pools)
    ]
    size = sum(len(pod_range(block)) for block in back)
    return (size - sum(_pods_in(block, view.pods) for block in back)) * HEADROOM > size


def _open_pools(pools: tuple[DeclaredPool, ...], claimed: Claimed) -> tuple[DeclaredPool, ...]:
    """Those that are not known to be full."""
    return tuple(pool for pool in pools if pool.ref.name not in claimed.full)


def _in(prefix: Prefix, pools: tuple[DeclaredPool, ...]) -> bool:
    return any(covers(pool.cidr, prefix) for pool in pools)


def _again(block: Prefix, pools: Iterable[DeclaredPool]) -> set[Claim]:
    found = (pool for pool in pools if covers(pool.cidr, block))
    return {Claim(pool.ref.name, pool.cidr, block.prefixlen, block) for pool in found}


def stranded_pod(pod: Prefix) -> Rejection:
    """A pod that nobody can reach: its address is in no prefix of the node."""
    remedy = "its address is in no prefix of this node, so nobody reaches it: delete the pod"
    return Rejection(ObjectRef("Pod", str(pod)), "", "", Reason.STRANDED_POD, remedy)


def _pods_in(prefix: Prefix, pods: tuple[Prefix, ...]) -> int:
    return sum(covers(prefix, pod) for pod in pods)


def _overlap(one: Prefix, other: Prefix) -> bool:
    return covers(one, other) or covers(other, one)


def _claim_order(claim: Claim) -> tuple[str, bool, tuple[int, int, int]]:
    block = claim.block or claim.cidr
    return (claim.pool, claim.block is not None, prefix_order(block))


def _no_pool(node: DeclaredNode) -> Rejection:
    remedy = (
        "no IPPool selects this node, so it has no addresses for pods; widen a nodeSelector, or add an IPPool"
    )
    return Rejection(node.ref, "", "", Reason.NO_POOL, remedy)


def _full(node: DeclaredNode, pools: tuple[DeclaredPool, ...]) -> Rejection:
    names = ", ".join(str(pool.ref) for pool in pools)
    remedy = f"no block is free in {names}; add an IPPool, or delete Nodes that are gone"
    return Rejection(node.ref, "", "", Reason.POOL_FULL, remedy)
