"""Claims to blocks: what a node wants of the API server, and what became of it."""

from dataclasses import dataclass

from bgpnet.model.net import Prefix
from bgpnet.model.rejection import Rejection


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """One more block of a pool: any free one, or exactly `block`, in which the node has pods."""

    pool: str
    cidr: Prefix
    """The pool's."""
    length: int
    """Prefix length of its blocks."""
    block: Prefix | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one node wants."""

    node: str
    node_uid: str
    """Of the Node object that shall own the blocks."""
    claims: tuple[Claim, ...] = ()
    adopted: tuple[Prefix, ...] = ()
    """Blocks of ours that an earlier Node object of this name owns."""
    released: tuple[Prefix, ...] = ()
    """Blocks of ours that are empty and not needed: given back when that lasts."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """What became of it."""

    contested: tuple[tuple[Prefix, str], ...] = ()
    """Blocks in which this node has pods and which another node, named here, has claimed."""
    closing: tuple[Prefix, ...] = ()
    """Blocks about to be given back: no new address may come from them."""
    returning: tuple[Prefix, ...] = ()
    """Blocks of ours, with pods, that left the quarantine to be claimed anew: for a moment nobody's."""
    full: tuple[str, ...] = ()
    """Names of pools without a free block."""
    refused: tuple[Rejection, ...] = ()
    """What the API server refused."""
