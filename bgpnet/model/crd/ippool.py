"""IPPool: the addresses that pods of the selected nodes may have."""

from typing import Literal

from bgpnet.model.crd.fields import PrefixField
from bgpnet.model.crd.meta import Manifest, Strict, Unread
from bgpnet.model.crd.selector import LabelSelector
from bgpnet.model.rejection import ObjectRef
from bgpnet.model.snapshot import DeclaredPool


class IPPoolSpec(Strict):
    """A range of addresses, and the nodes it serves."""

    cidr: PrefixField
    node_selector: LabelSelector = LabelSelector()
    """Nodes whose prefixes may lie in it; left out, all."""


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
        )
