"""Prefixes of the node's own that would cut it off: a part of an uplink's subnet, with who is there."""

from collections.abc import Iterable
from dataclasses import replace

from bgpnet.model.declared import DeclaredNode
from bgpnet.model.kernel import Link
from bgpnet.model.net import Address, Prefix, covers
from bgpnet.model.plan import Session
from bgpnet.model.rejection import Reason, Rejection
from bgpnet.planner.blocks import NodeBlocks


def without_crossed(
    node: DeclaredNode, mine: NodeBlocks, sessions: Iterable[Session], links: Iterable[Link]
) -> NodeBlocks:
    """The blocks without those that are a part of an uplink's subnet and hold its router, or the node.

    The discard route of such a block would take what is sent to that router, and a pod would get its address.
    """
    by_name = {link.name: link for link in links}
    uplinks = [(each.peer, by_name[each.link]) for each in sessions if each.link in by_name]
    crossed = {prefix: address for prefix in mine.own if (address := _held(prefix, uplinks)) is not None}
    if not crossed:
        return mine
    refused = tuple(_refusal(node, prefix, address) for prefix, address in crossed.items())
    return replace(
        mine,
        own=tuple(each for each in mine.own if each not in crossed),
        giving=tuple(each for each in mine.giving if each not in crossed),
        rejections=(*mine.rejections, *refused),
    )


def _held(prefix: Prefix, uplinks: Iterable[tuple[Address, Link]]) -> Address | None:
    around = (
        (peer, at.address)
        for peer, link in uplinks
        for at in link.addresses
        if at.prefix.prefixlen < prefix.prefixlen and covers(at.prefix, prefix)
    )
    return next((address for pair in around for address in pair if address in prefix), None)


def _refusal(node: DeclaredNode, prefix: Prefix, address: Address) -> Rejection:
    return Rejection(
        node.ref,
        "",
        str(prefix),
        Reason.LINK_ADDRESS,
        f"it holds {address}, which is on an uplink of the node, and would cut the node off from it; "
        "give pods another range than the nodes' subnets",
    )
