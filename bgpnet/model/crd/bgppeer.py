"""BGPPeer: a router that the selected nodes peer with."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from bgpnet.model.bfd import BfdTimers
from bgpnet.model.crd.fields import (
    SET,
    Asn,
    HoldTime,
    Name,
    PeerAsn,
    SecretKey,
    UnicastAddress,
    each_once,
    not_empty,
    refusal,
)
from bgpnet.model.crd.meta import Manifest, OrEmpty, Strict, Unread
from bgpnet.model.crd.prefixrange import PrefixRange
from bgpnet.model.crd.router import RouterSpec
from bgpnet.model.crd.selector import LabelSelector
from bgpnet.model.declared import DeclaredPeer, MaxPrefix
from bgpnet.model.net import Family, family_of
from bgpnet.model.rejection import ObjectRef


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


LinkName = Annotated[str, StringConstraints(pattern=r"^[^\s/%:;{}\"']{1,15}$")]
"""The name of a link, or a pattern of names as in a shell. 15 characters are the kernel's limit."""

LinkNames = Annotated[
    tuple[LinkName, ...],
    Field(max_length=32, json_schema_extra=SET),
    AfterValidator(not_empty),
    AfterValidator(each_once),
]

Hops = Annotated[int, Field(strict=True, ge=1, le=255)]

Families = Annotated[tuple[Family, ...], Field(max_length=2, json_schema_extra=SET)]


def _families(families: tuple[Family, ...]) -> tuple[Family, ...]:
    if not 0 < len(families) == len(set(families)):
        raise refusal("write ipv4, ipv6 or both, each once")
    return families


_NOT_SUPPLIED: Final = "the source of the objects does not read passwords"


class DefaultGateway(Strict):
    """The default gateways of the node: of the default routes in table main that bgpnet did not make."""

    families: Annotated[Families, AfterValidator(_families)] = (Family.IPV4, Family.IPV6)
    """Of these families; left out, of both."""


class PasswordSecret(Strict):
    """Where a Secret has the password."""

    name: Name
    """The Secret's name."""
    key: SecretKey = "password"
    """The key of its data."""


class PeerBfd(Strict):
    """Bidirectional forwarding detection over one hop (RFC 5880, RFC 5881), without authentication."""

    min_interval: Annotated[int, Field(strict=True, ge=50, le=10_000)] = 300
    """Milliseconds between two packets, both ways; where the router asks for more, that."""
    multiplier: Annotated[int, Field(strict=True, ge=1, le=50)] = 3
    """Intervals without a packet of ours after which the router takes the path for failed, and so do we for
    the router's."""


class BGPPeerSpec(Strict):
    """Which routers, and how to speak with them."""

    node_selector: LabelSelector = LabelSelector()
    """Nodes that peer with it; left out, all."""
    peer_address: UnicastAddress | None = None
    """One router. In place of it: the next two."""
    from_default_gateway: DefaultGateway | None = None
    """Every default gateway of the node."""
    from_interface: LinkNames | None = None
    """The router at the other end of each of these links (IPv6 link-local addresses, RFC 8950)."""
    peer_asn: PeerAsn = Field(alias="peerASN")
    """Its AS number, or `external`: whatever it says, but ours."""
    local_asn: Asn | None = Field(default=None, alias="localASN")
    """The nodes' AS number towards it; left out, that of the BGPConfiguration."""
    source_address: UnicastAddress | None = None
    """Address to speak from, also one of the loopback; left out, the node's on the link to the peer."""
    hold_time: HoldTime | None = None
    """Seconds; left out, that of the BGPConfiguration."""
    families: Annotated[Families, AfterValidator(_families)] | None = None
    """Address families that the session carries (RFC 4760); left out, that of the router's address, and over
    an interface both."""
    multihop: Hops | None = None
    """TTL of packets to a router that is some hops away."""
    ttl_security: Hops | None = None
    """Hops at most that its packets may have come; both sides send with TTL 255 (RFC 5082)."""
    password_file: FileName | None = None
    """File whose first line is the TCP MD5 password (RFC 2385); relative to the folder of manifests."""
    password_secret: PasswordSecret | None = None
    """The same in a Secret."""
    accept: tuple[PrefixRange, ...] = Field(default=(), max_length=256)
    """Routes to take from it; left out, those that import filters accept, and none without any.

    With both, both must agree.
    """
    filters: OrEmpty[PeerFilters] = PeerFilters()
    """Policy beyond `accept`, and for what is announced to it."""
    router: RouterSpec | None = None
    """The router itself, for the generator of its configuration."""
    allow_own_asn: Annotated[int, Field(strict=True, ge=0, le=10)] = Field(default=0, alias="allowOwnASN")
    """Times that our AS may stand in the path of what is learned: for nodes of one AS behind a router."""
    max_prefix: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] = 20_000
    """Prefixes of one family that it may announce, before any policy; with more the session is stopped."""
    max_prefix_warning: Annotated[int, Field(strict=True, ge=1, le=100)] = 80
    """Percent of `maxPrefix` above which it is told of."""
    max_prefix_idle_time: Annotated[int, Field(strict=True, ge=1, le=86_400)] = 300
    """Seconds for which a stopped session stays down."""
    bfd: PeerBfd | None = None
    """Watches the path to it; `{}` with the defaults; left out, not at all."""

    elsewhere: ClassVar[Mapping[str, str]] = {
        "keepaliveTime": "remove it: a keepalive is sent every third of holdTime, so set that",
        "connectRetryTime": "remove it: a router that does not answer is tried again after 1 to 5 s",
    }

    @field_validator("source_address")
    @classmethod
    def _same_family(cls, source: UnicastAddress | None, info: ValidationInfo) -> UnicastAddress | None:
        peer: UnicastAddress | None = info.data.get("peer_address")
        if source is not None and peer is not None and source.version != peer.version:
            raise refusal(f"write an IPv{peer.version} address, as peerAddress {peer} is one")
        return source

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        routers = ("peer_address", "from_default_gateway", "from_interface")
        if sum(getattr(self, name) is not None for name in routers) != 1:
            raise refusal("set exactly one of peerAddress, fromDefaultGateway and fromInterface")
        if self.multihop is not None and self.ttl_security is not None:
            raise refusal("remove multihop or ttlSecurity: a TTL that is checked is 255 (RFC 5082)")
        if self.peer_address is None:
            self._next_door()
        if self.router is not None and self.router.interfaces and self.from_interface is None:
            raise refusal(
                "remove router.interfaces, or peer fromInterface: over its links without addresses a router "
                "peers with link-local addresses"
            )
        for each in self.router.gateways if self.router is not None else ():
            if self.from_default_gateway is None:
                raise refusal(
                    "write router.nodeSubnet in place of router.gateways, or peer fromDefaultGateway"
                )
            if family_of(each.address) not in self.from_default_gateway.families:
                raise refusal(
                    f"remove the gateway {each.address}, or add its family to fromDefaultGateway.families"
                )
        if self.password_file is not None and self.password_secret is not None:
            raise refusal("remove passwordFile or passwordSecret: there is one password")
        if self.from_interface and self.families == (Family.IPV4,):
            raise refusal(
                "add ipv6 to families: over an interface IPv4 routes have IPv6 next hops, which the speaker "
                "offers only together with IPv6 routes"
            )
        return self

    def _next_door(self) -> None:
        """A router that is found by a gateway or a link is on the link."""
        if self.source_address is not None:
            raise refusal("remove sourceAddress, or set peerAddress: here the link decides on the source")
        if max(self.multihop or 1, self.ttl_security or 1) > 1:
            raise refusal("write 1 hop, or set peerAddress: a gateway is on the link")


class BGPPeer(Manifest):
    """A BGP neighbour of the selected nodes, or several."""

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
            families=spec.families or (),
            ttl_security=spec.ttl_security or 0,
            password=None,
            password_error=_NOT_SUPPLIED if spec.password_file or spec.password_secret else "",
            accept=tuple(rule.fact() for rule in spec.accept),
            import_filters=spec.filters.imports,
            export_filters=spec.filters.exports,
            gateways=spec.from_default_gateway.families if spec.from_default_gateway else (),
            interfaces=spec.from_interface or (),
            multihop=spec.multihop or 0,
            password_field="spec.passwordSecret" if spec.password_secret else "spec.passwordFile",
            router=spec.router.fact() if spec.router else None,
            allow_own_asn=spec.allow_own_asn,
            max_prefix=MaxPrefix(spec.max_prefix, spec.max_prefix_warning, spec.max_prefix_idle_time),
            bfd=BfdTimers(spec.bfd.min_interval, spec.bfd.multiplier) if spec.bfd else None,
        )
