"""BGPPeer: a router that the selected nodes peer with."""

from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    Field,
    StrictBool,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from bgpnet.model.crd.fields import SET, Asn, HoldTime, Name, UnicastAddress, each_once, refusal
from bgpnet.model.crd.meta import Manifest, OrEmpty, Strict, Unread
from bgpnet.model.crd.prefixrange import PrefixRange
from bgpnet.model.crd.selector import LabelSelector
from bgpnet.model.net import Family, family_of
from bgpnet.model.rejection import ObjectRef
from bgpnet.model.snapshot import DeclaredPeer


def _file_name(value: str) -> str:
    if not value.isprintable():
        raise refusal("write a file name without line breaks and control characters")
    return value


FileName = Annotated[str, StringConstraints(min_length=1, max_length=4095), AfterValidator(_file_name)]


FilterNames = Annotated[
    tuple[Name, ...], Field(max_length=16, json_schema_extra=SET), AfterValidator(each_once)
]


class PeerFilters(Strict):
    """Names of BGPFilters, in order: their rules are one list, and the first rule that matches decides."""

    imports: FilterNames = Field(default=(), alias="import")
    """For what is learned from it."""
    exports: FilterNames = Field(default=(), alias="export")
    """For what is announced to it."""


class BGPPeerSpec(Strict):
    """One router, and how to speak with it."""

    node_selector: LabelSelector = LabelSelector()
    """Nodes that peer with it; left out, all."""
    peer_address: UnicastAddress
    """The router's address."""
    peer_asn: Asn = Field(alias="peerASN")
    """The router's AS number."""
    local_asn: Asn | None = Field(default=None, alias="localASN")
    """The nodes' AS number towards it; left out, that of the BGPConfiguration."""
    source_address: UnicastAddress | None = None
    """Address to speak from; left out, the node's address on the link to the peer."""
    hold_time: HoldTime | None = None
    """Seconds; left out, that of the BGPConfiguration."""
    families: tuple[Family, ...] | None = Field(default=None, max_length=2)
    """Address families that the session carries (RFC 4760); left out, that of `peerAddress`."""
    ttl_security: StrictBool = False
    """Whether only packets of a directly connected router are heard: TTL 255 on both sides (RFC 5082)."""
    password_file: FileName | None = None
    """File whose first line is the TCP MD5 password (RFC 2385); relative to the folder of manifests."""
    accept: tuple[PrefixRange, ...] = Field(default=(), max_length=256)
    """Routes to take from it; left out, those that import filters accept, and none without any.

    With both, both must agree.
    """
    filters: OrEmpty[PeerFilters] = PeerFilters()
    """Policy beyond `accept`, and for what is announced to it."""

    @field_validator("families")
    @classmethod
    def _each_once(cls, families: tuple[Family, ...] | None) -> tuple[Family, ...] | None:
        if families is not None and not 0 < len(families) == len(set(families)):
            raise refusal("write ipv4, ipv6 or both, each once")
        return families

    @field_validator("source_address")
    @classmethod
    def _same_family(cls, source: UnicastAddress | None, info: ValidationInfo) -> UnicastAddress | None:
        peer: UnicastAddress | None = info.data.get("peer_address")
        if source is not None and peer is not None and source.version != peer.version:
            raise refusal(f"write an IPv{peer.version} address, as peerAddress {peer} is one")
        return source


class BGPPeer(Manifest):
    """A BGP neighbour of the selected nodes."""

    api_version: Literal["bgpnet.io/v1alpha1"]
    kind: Literal["BGPPeer"]
    spec: BGPPeerSpec
    status: Unread = None

    def fact(self, ref: ObjectRef) -> DeclaredPeer:
        """What this object says, without the password: the source that can reach it adds it."""
        spec = self.spec
        return DeclaredPeer(
            ref=ref,
            created=self.metadata.creation_timestamp or "",
            node_selector=spec.node_selector.fact(),
            peer_address=spec.peer_address,
            peer_asn=spec.peer_asn,
            local_asn=spec.local_asn,
            source_address=spec.source_address,
            hold_time=spec.hold_time,
            families=spec.families or (family_of(spec.peer_address),),
            ttl_security=spec.ttl_security,
            password=None,
            password_error="",
            accept=tuple(rule.fact() for rule in spec.accept),
            import_filters=spec.filters.imports,
            export_filters=spec.filters.exports,
        )
