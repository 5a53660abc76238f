"""IPPool: the addresses that pods of the selected nodes may have."""

from typing import Annotated, Final, Literal, Self

from pydantic import Field, StrictBool, model_validator

from bgpnet.model.crd.fields import refusal
from bgpnet.model.crd.meta import Manifest, Strict, Unread
from bgpnet.model.crd.prefixfield import RoutedPrefix
from bgpnet.model.crd.selector import LabelSelector
from bgpnet.model.declared import Advertise, DeclaredPool
from bgpnet.model.rejection import ObjectRef

BLOCK_BITS: Final = 6
"""Of a block where the pool does not say: 64 addresses."""


class IPPoolSpec(Strict):
    """A range of addresses, and the nodes it serves."""

    cidr: RoutedPrefix
    """The addresses."""
    node_selector: LabelSelector = LabelSelector()
    """Nodes whose prefixes may lie in it; left out, all."""
    namespace_selector: LabelSelector = LabelSelector()
    """Namespaces whose pods get addresses of it; left out, all. A pod whose namespace some pool selects gets
    its addresses of that family from such pools alone."""
    advertise: Advertise = Advertise.BLOCKS
    """What is announced of a node's prefixes in it: each, their summary, the pods' addresses, or nothing."""
    nat_outgoing: StrictBool = False
    """Whether connections that its pods open get an address of the node, towards destinations that are in no
    IPPool, not in natExcept of the BGPConfiguration, and not asked for by a BGPPeer of the node."""
    block_size: Annotated[int, Field(strict=True, ge=8, le=128)] | None = None
    """Prefix length of the blocks that nodes claim; left out, 26 for IPv4 and 122 for IPv6: 64 addresses."""

    @model_validator(mode="after")
    def _blocks_fit(self) -> Self:
        least, most = self.cidr.prefixlen, self.cidr.max_prefixlen
        if self.block_size is not None and not least <= self.block_size <= most:
            raise refusal(f"write a blockSize from {least} (the whole pool) to {most} (one address)")
        return self


class IPPool(Manifest):
    """A range of pod addresses."""

    api_version: Literal["bgpnet.io/v1alpha1"]
    kind: Literal["IPPool"]
    spec: IPPoolSpec
    status: Unread = None

    def fact(self, ref: ObjectRef) -> DeclaredPool:
        """What this object says, as the planner knows it."""
        return DeclaredPool(
            ref=ref,
            created=self.metadata.creation_timestamp or "",
            cidr=self.spec.cidr,
            node_selector=self.spec.node_selector.fact(),
            namespace_selector=self.spec.namespace_selector.fact(),
            block_length=self._block_length(),
            advertise=self.spec.advertise,
            nat_outgoing=self.spec.nat_outgoing,
        )

    def _block_length(self) -> int:
        cidr = self.spec.cidr
        return self.spec.block_size or max(cidr.prefixlen, cidr.max_prefixlen - BLOCK_BITS)
