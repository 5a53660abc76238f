"""What ought to be: the outcome of `planner.make_plan`, in canonical order, comparable with ==."""

from dataclasses import dataclass
from ipaddress import IPv4Address

from bgpnet.model.attributes import PLAIN, Attributes
from bgpnet.model.bfd import BfdSession
from bgpnet.model.blocks import Blocks
from bgpnet.model.claims import Wanted
from bgpnet.model.declared import MaxPrefix
from bgpnet.model.kernel import NextHop, RouteKind
from bgpnet.model.nat import Translation
from bgpnet.model.net import ROUTE_METRIC, Address, Family, Prefix
from bgpnet.model.probe import Probe
from bgpnet.model.rejection import ObjectRef, Reason, Rejection
from bgpnet.model.secret import Secret


@dataclass(frozen=True, slots=True)
class Session:
    """A BGP session to configure in the speaker."""

    ref: ObjectRef
    peer: Address
    """A link-local one names its link: `fe80::1%eth1`."""
    peer_asn: int
    """0: whatever number the peer says, if it is not `local_asn`."""
    local_address: Address
    local_asn: int
    router_id: IPv4Address
    hold_time: int
    """Seconds; ExaBGP sends a keepalive every third of it."""
    restart_time: int
    """Seconds (RFC 4724)."""
    families: tuple[Family, ...]
    password: Secret | None
    link: str
    """Name of the link that connects the peer, or over which it is reached; empty while there is no route."""
    ttl_security: int = 0
    """Hops at most that packets may have come: those with a lower TTL than 256 less this are not heard, ours
    are sent with 255 (RFC 5082). 0: no such check."""
    exports_known: bool = True
    """False while an export filter is missing: what the peer was told stays as it is."""
    multihop: int = 0
    """TTL of packets to the peer; 0: the kernel's own."""
    extended_next_hop: bool = False
    """Whether IPv4 routes may have IPv6 next hops, in both directions (RFC 8950)."""
    max_prefix: MaxPrefix | None = None
    """What the peer may announce at most; None: nothing is counted."""

    @property
    def internal(self) -> bool:
        """Whether it is an iBGP session."""
        return self.peer_asn == self.local_asn

    @property
    def far(self) -> bool:
        """Whether peer and next hops may be beyond connected subnets: then the kernel's routes are asked."""
        return self.internal or max(self.multihop, self.ttl_security) > 1


@dataclass(frozen=True, slots=True)
class Announcement:
    """One route of a peer's Adj-RIB-Out."""

    peer: Address
    prefix: Prefix
    next_hop: Address
    attributes: Attributes = PLAIN


@dataclass(frozen=True, slots=True)
class Route:
    """A route of the agent's (protocol AGENT_PROTOCOL, table main)."""

    prefix: Prefix
    kind: RouteKind
    next_hops: tuple[NextHop, ...] = ()
    preferred_source: Address | None = None
    metric: int = ROUTE_METRIC
    """One of AGENT_METRICS."""


@dataclass(frozen=True, slots=True)
class Sysctl:
    """A kernel setting below /proc/sys, by its path: `net/ipv4/ip_forward`."""

    path: str
    value: str


@dataclass(frozen=True, slots=True)
class Tally:
    """How many of a peer's paths the import policy took, or of our prefixes the export policy tells it."""

    peer: Address
    accepted: int
    refused: tuple[tuple[Reason, int], ...]
    """The others, by reason."""
    filtered: tuple[tuple[str, int], ...]
    """Of those the ones that filters refused, by filter and rule."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole desired state of one node.

    A part that is None is not known well enough to be touched (law 2): nothing of it is changed.
    """

    node_name: str
    own_prefixes: tuple[Prefix, ...] = ()
    sessions: tuple[Session, ...] | None = None
    announcements: tuple[Announcement, ...] | None = None
    routes: tuple[Route, ...] | None = None
    sysctls: tuple[Sysctl, ...] = ()
    blocks: Blocks | None = None
    nat: tuple[Translation, ...] | None = None
    wanted: Wanted | None = None
    """Claims to blocks; None where none are taken."""
    imports: tuple[Tally, ...] = ()
    exports: tuple[Tally, ...] = ()
    offered: tuple[Prefix, ...] = ()
    """What every session of the family is told, filters permitting: of the own prefixes, and of lo."""
    probes: tuple[Probe, ...] = ()
    """The return-path probe, a family each."""
    rejections: tuple[Rejection, ...] = ()
    advertise: tuple[str, ...] = ()
    """Links on which the speaker tells of itself with router advertisements, as routers there peer with who
    is heard."""
    bfd: tuple[BfdSession, ...] | None = None
    failed: tuple[Address, ...] = ()
    """Peers to which the path has failed, by BFD: their session ends, and no path of theirs is used."""
