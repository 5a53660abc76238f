"""Node: Kubernetes' own kind, of which we read the pod prefixes and the internal addresses."""

from ipaddress import ip_address
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from bgpnet.model.crd.fields import Asn, RouterId, parse_address
from bgpnet.model.crd.meta import Lenient, Manifest, Metadata, OrEmpty
from bgpnet.model.crd.prefixfield import PrefixField
from bgpnet.model.declared import DeclaredNode
from bgpnet.model.rejection import ObjectRef


class NodeSpec(Lenient):
    """The pod prefixes that Kubernetes gave the node."""

    pod_cidrs: tuple[PrefixField, ...] = Field(default=(), alias="podCIDRs")
    pod_cidr: PrefixField | None = Field(default=None, alias="podCIDR")
    """The first of `podCIDRs`, from the time when there was only one."""


class NodeAddress(Lenient):
    """One entry of `status.addresses`."""

    type: str
    address: str

    @field_validator("address")
    @classmethod
    def _an_address(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("type") == "InternalIP":
            parse_address(value)
        return value


class NodeStatus(Lenient):
    """What the kubelet reports of the node."""

    addresses: tuple[NodeAddress, ...] = ()


def _number(value: object) -> object:
    """An annotation is always a text."""
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value


class NodeAnnotations(Lenient):
    """What is ours of a node's annotations: what Kubernetes has no field for."""

    local_asn: Annotated[Asn, BeforeValidator(_number)] | None = Field(
        default=None, alias="bgpnet.io/local-asn"
    )
    router_id: RouterId | None = Field(default=None, alias="bgpnet.io/router-id")


class NodeMetadata(Metadata):
    """The node's name, labels, annotations and identity."""

    annotations: OrEmpty[NodeAnnotations] = NodeAnnotations()
    uid: str = ""


class Node(Lenient, Manifest):
    """A machine of the cluster."""

    separable: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("spec", "podCIDRs"),
        ("spec", "podCIDR"),
        ("status", "addresses"),
        ("metadata", "annotations"),
    )

    api_version: Literal["v1"]
    kind: Literal["Node"]
    metadata: NodeMetadata
    spec: OrEmpty[NodeSpec] = NodeSpec()
    status: OrEmpty[NodeStatus] = NodeStatus()

    def fact(self, ref: ObjectRef) -> DeclaredNode:
        """What this object says, as the planner knows it."""
        one = (self.spec.pod_cidr,) if self.spec.pod_cidr else ()
        internal = (entry.address for entry in self.status.addresses if entry.type == "InternalIP")
        annotations = self.metadata.annotations
        return DeclaredNode(
            ref=ref,
            name=self.metadata.name,
            created=self.metadata.creation_timestamp or "",
            labels=tuple(sorted(self.metadata.labels.items())),
            addresses=tuple(ip_address(text) for text in internal),
            pod_cidrs=self.spec.pod_cidrs or one,
            uid=self.metadata.uid,
            local_asn=annotations.local_asn,
            router_id=annotations.router_id,
        )
