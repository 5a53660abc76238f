"""Which prefixes are this node's: what Kubernetes gave it, or what it claimed."""

from dataclasses import replace

from bgpnet.model.claims import Claimed
from bgpnet.model.declared import Declared, DeclaredNode
from bgpnet.model.kernel import Kernel
from bgpnet.model.net import Prefix, covers
from bgpnet.model.rejection import Reason, Rejection
from bgpnet.planner.advertised import pod_addresses
from bgpnet.planner.blocks import NodeBlocks, node_blocks, stranded_pod
from bgpnet.planner.prefixes import own_prefixes
from bgpnet.planner.trust import trusted


def ownership(
    node: DeclaredNode, declared: Declared, kernel: Kernel, claimed: Claimed | None, budget: int
) -> NodeBlocks:
    """The node's prefixes: `spec.podCIDRs`, or blocks where there are IPPools and the source takes claims."""
    claims = claimed is not None and bool(declared.pools or declared.blocks)
    found = own_prefixes(node.name, declared.nodes, () if claims else declared.pools, budget)
    if claimed is not None and claims:
        mine = node_blocks(node, declared, kernel, claimed, budget, found.prefixes)
    else:
        lacking = _without(node, found.prefixes, kernel)
        mine = NodeBlocks(found.prefixes, found.prefixes, None, lacking)
    mine = replace(mine, rejections=(*found.rejections, *mine.rejections))
    if declared.age is None:
        return mine
    kept, doubted = trusted(node, mine.own, declared.age, kernel)
    return NodeBlocks(kept, (), None, (*mine.rejections, *doubted))


def _without(node: DeclaredNode, own: tuple[Prefix, ...], kernel: Kernel) -> tuple[Rejection, ...]:
    """What the prefixes that Kubernetes gave do not cover: the node itself, or pods of an earlier podCIDR."""
    pods = pod_addresses(kernel.routes)
    stranded = tuple(stranded_pod(pod) for pod in pods if not any(covers(prefix, pod) for prefix in own))
    if node.pod_cidrs:
        return stranded
    remedy = (
        "the node has no prefix, so no pod on it gets an address: have the controller manager give each node "
        "one (--allocate-node-cidrs, --cluster-cidr), or add an IPPool"
    )
    return (Rejection(node.ref, "spec.podCIDRs", "not set", Reason.NO_PREFIX, remedy), *stranded)
