"""IPBlock: a node's claim to a block of an IPPool. The agents write it; its name is the lock."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from bgpnet.model.blockname import block_name
from bgpnet.model.crd.fields import Name, refusal
from bgpnet.model.crd.meta import Lenient, Manifest, Metadata, OrEmpty, Strict, Unread
from bgpnet.model.crd.prefixfield import PrefixField
from bgpnet.model.declared import DeclaredBlock
from bgpnet.model.rejection import ObjectRef


class OwnerReference(Lenient):
    """Whose end is the object's end."""

    kind: str
    uid: Annotated[str, StringConstraints(max_length=128)] = ""


class BlockMetadata(Metadata):
    """Name, age and owner."""

    uid: str = ""
    deletion_timestamp: str | None = None
    owner_references: tuple[OwnerReference, ...] = Field(default=(), max_length=16)


class IPBlockSpec(Strict):
    """Which addresses, and whose they are."""

    cidr: PrefixField
    """The block."""
    node: Name
    """The Node that has it."""
    pool: Name
    """The IPPool that it was taken from."""


class IPBlock(Manifest):
    """A node's claim to a block of addresses. Made and deleted by the agents."""

    api_version: Literal["bgpnet.io/v1alpha1"]
    kind: Literal["IPBlock"]
    metadata: OrEmpty[BlockMetadata]
    spec: IPBlockSpec
    status: Unread = None

    @model_validator(mode="after")
    def _name_is_the_block(self) -> Self:
        name = block_name(self.spec.cidr)
        if self.metadata.name != name:
            raise refusal(f"write metadata.name {name}: an IPBlock's name is its block")
        return self

    def fact(self, ref: ObjectRef) -> DeclaredBlock:
        """What this object says, as the planner knows it."""
        owners = (owner.uid for owner in self.metadata.owner_references if owner.kind == "Node")
        return DeclaredBlock(
            ref=ref,
            created=self.metadata.creation_timestamp or "",
            prefix=self.spec.cidr,
            node=self.spec.node,
            pool=self.spec.pool,
            node_uid=next(owners, ""),
            uid=self.metadata.uid,
            released=self.metadata.deletion_timestamp or "",
        )
