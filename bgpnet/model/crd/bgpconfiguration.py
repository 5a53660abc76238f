"""BGPConfiguration `default`: what all nodes have in common."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StrictBool

from bgpnet.model.crd.fields import (
    Asn,
    Communities,
    HoldTime,
    RouterId,
    UnicastAddress,
    each_once,
)
from bgpnet.model.crd.meta import Manifest, Metadata, OrEmpty, Strict, Unread
from bgpnet.model.crd.prefixfield import PrefixField, RoutedPrefix
from bgpnet.model.declared import DeclaredConfiguration
from bgpnet.model.drain import DEFAULT_WAIT
from bgpnet.model.probe import RouteReady
from bgpnet.model.rejection import ObjectRef


class DefaultMetadata(Metadata):
    """There is one configuration."""

    name: Literal["default"]


ProbeTargets = Annotated[tuple[UnicastAddress, ...], Field(max_length=16), AfterValidator(each_once)]


class RouteReadySpec(Strict):
    """What a node needs before it takes pods."""

    min_sessions: Annotated[int, Field(strict=True, ge=1, le=128)] = 1
    """Sessions of each family of its prefixes that are up with everything announced."""
    probe: StrictBool = True
    """Whether a ping from the node's own block has to be answered, of each family."""
    targets: ProbeTargets = ()
    """Whom to ping; left out, the routers of the node's sessions."""

    def fact(self) -> RouteReady:
        """The same, as the planner knows it."""
        return RouteReady(self.min_sessions, self.probe, self.targets)


class BGPConfigurationSpec(Strict):
    """The numbers that a peer or a node does not set itself."""

    local_asn: Asn = Field(alias="localASN")
    """The nodes' AS number, where a BGPPeer does not set another."""
    router_id: RouterId | None = Field(default=None, alias="routerID")
    """Of every node; left out, each node takes its first IPv4 address."""
    hold_time: HoldTime = 9
    """Seconds after which a silent peer is taken for dead."""
    graceful_restart_time: Annotated[int, Field(strict=True, ge=1, le=4095)] = 120
    """Seconds that peers keep our routes while the speaker restarts (RFC 4724 §3: 12 bits)."""
    max_prefixes_per_node: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] = 100
    """The fabric budget: no node announces more prefixes than this to a peer."""
    mtu: Annotated[int, Field(strict=True, ge=1280, le=65535)] | None = None
    """Of pod links, bytes (RFC 8200 §5 asks for 1280); left out, that of the uplink."""
    communities: Communities = ()
    """Of every announcement (RFC 1997, RFC 8092)."""
    loopbacks: Annotated[tuple[RoutedPrefix, ...], Field(max_length=16), AfterValidator(each_once)] = Field(
        default=(), alias="loopbackCIDRs"
    )
    """Addresses of the link lo in these ranges are announced, and preferred as source on learned routes."""
    default_route: Literal["above", "below"] = "below"
    """Where a learned default route stands, beside one that another program made."""
    nat_except: Annotated[tuple[PrefixField, ...], Field(max_length=128), AfterValidator(each_once)] = ()
    """Destinations towards which pods of IPPools with natOutgoing keep their own addresses, beside those that
    BGPPeers ask for."""
    drain_wait: Annotated[int, Field(strict=True, ge=0, le=3600)] = DEFAULT_WAIT
    """Seconds that routers have to lead traffic away from a drained node before it withdraws."""
    route_ready: OrEmpty[RouteReadySpec] = RouteReadySpec()
    """When a node may take pods."""


class BGPConfiguration(Manifest):
    """The cluster-wide BGP configuration."""

    api_version: Literal["bgpnet.io/v1alpha1"]
    kind: Literal["BGPConfiguration"]
    metadata: DefaultMetadata
    spec: BGPConfigurationSpec
    status: Unread = None

    def fact(self, ref: ObjectRef) -> DeclaredConfiguration:
        """What this object says, as the planner knows it."""
        spec = self.spec
        return DeclaredConfiguration(
            ref=ref,
            local_asn=spec.local_asn,
            router_id=spec.router_id,
            hold_time=spec.hold_time,
            restart_time=spec.graceful_restart_time,
            max_prefixes_per_node=spec.max_prefixes_per_node,
            mtu=spec.mtu,
            communities=spec.communities,
            loopbacks=spec.loopbacks,
            default_route_above=spec.default_route == "above",
            route_ready=spec.route_ready.fact(),
            nat_except=spec.nat_except,
            drain_wait=spec.drain_wait,
        )
