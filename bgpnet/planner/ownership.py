"""Which prefixes are this node's: what Kubernetes gave it, or what it claimed."""

from dataclasses import replace

from bgpnet.model.claims import Claimed
from bgpnet.model.declared import Declared, DeclaredNode
from bgpnet.model.kernel import Kernel
from bgpnet.planner.blocks import NodeBlocks, node_blocks
from bgpnet.planner.prefixes import own_prefixes
from bgpnet.planner.trust import trusted


def ownership(
    node: DeclaredNode, declared: Declared, kernel: Kernel, claimed: Claimed | None, budget: int
) -> NodeBlocks:
    """The node's prefixes: `spec.podCIDRs`, or blocks where there are IPPools and the source takes claims."""
    claims = claimed is not None and bool(declared.pools or declared.blocks)
    found = own_prefixes(node.name, declared.nodes, () if claims else declared.pools, budget)
    mine = NodeBlocks(found.prefixes, found.prefixes, None, found.rejections)
    if claimed is not None and claims:
        mine = node_blocks(node, declared, kernel, claimed, budget, found.prefixes)
        mine = replace(mine, rejections=(*found.rejections, *mine.rejections))
    if declared.age is None:
        return mine
    kept, doubted = trusted(node, mine.own, declared.age, kernel)
    return NodeBlocks(kept, (), None, (*mine.rejections, *doubted))
