"""Whether somebody else announces addresses of this node: another cluster on the same fabric, mostly."""

from collections.abc import Iterable

from bgpnet.model.bgp import LearnedPath
from bgpnet.model.declared import DeclaredNode
from bgpnet.model.net import Prefix, address_order, covers, prefix_order
from bgpnet.model.rejection import Reason, Rejection

SHOWN = 10
"""Paths that are told of one by one."""


def elsewhere(
    node: DeclaredNode, own: Iterable[Prefix], inside: Iterable[LearnedPath]
) -> tuple[Rejection, ...]:
    """A rejection for each path that leads packets for the node's pods away from it.

    `inside`: learned paths to parts of what is the node's and that it did not announce itself. Only what a
    router sends can be seen, and only inside the node's own prefixes is it certain: an aggregate around them
    is the fabric's own business, and what lies in other blocks of a pool may be another node's.
    """
    blocks = tuple(own)
    found = [path for path in inside if any(covers(block, path.prefix) for block in blocks)]
    found.sort(key=lambda path: (prefix_order(path.prefix), address_order(path.peer)))
    return tuple(_rejection(node, path) for path in found[:SHOWN])


def _rejection(node: DeclaredNode, path: LearnedPath) -> Rejection:
    way = " ".join(map(str, path.as_path)) or "empty"
    who = f"AS {path.as_path[-1]}" if path.as_path else "a router of our own AS"
    remedy = (
        f"router {path.peer} has it from elsewhere, with AS path {way}: packets for this node's pods may go "
        f"there; find who announces it ({who}), and give one of the two clusters another range"
    )
    return Rejection(node.ref, "", str(path.prefix), Reason.ANNOUNCED_ELSEWHERE, remedy)
