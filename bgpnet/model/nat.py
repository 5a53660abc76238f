"""Source address translation of what leaves the pods: towards networks that know no way back to them."""

from dataclasses import dataclass
from typing import Final

from bgpnet.model.net import Address, Family, Prefix
from bgpnet.model.rejection import ObjectRef

TABLE: Final = "bgpnet"
"""Our table of nftables, of the family inet. It has one writer, the agent, and no rule of anybody else's."""

TABLE_REF: Final = ObjectRef("Table", f"inet {TABLE}")


@dataclass(frozen=True, slots=True)
class Translation:
    """Connections that pods of this node open to other networks get an address of the node, of one family."""

    family: Family
    pods: tuple[Prefix, ...]
    """The node's prefixes whose pods are meant; sorted, of which none touches another."""
    kept: tuple[Prefix, ...]
    """Destinations towards which they keep their own addresses; likewise."""
    source: Address | None
    """What they get; None: the address of the link that they leave by."""
