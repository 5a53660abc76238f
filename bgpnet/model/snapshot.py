"""The facts: everything a plan is made from, immutable and typed.

`None` for a source means *not known yet*, which is not the same as empty (law 2).
Tuples are in no particular order; the planner sorts (law 1).
"""

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address

from bgpnet.model.attributes import DEFAULT_LOCAL_PREFERENCE
from bgpnet.model.bfd import Bfd, BfdTimers
from bgpnet.model.claims import Claimed
from bgpnet.model.community import Community
from bgpnet.model.drain import DEFAULT_WAIT, Drain
from bgpnet.model.net import Address, Family, Prefix
from bgpnet.model.probe import DEFAULT_ROUTE_READY, ProbeResult, RouteReady
from bgpnet.model.rejection import ObjectRef, Rejection
from bgpnet.model.router import DeclaredRouter
from bgpnet.model.secret import Secret

# --- what the users declared ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LabelRequirement:
    """One term of a Kubernetes label selector. `operator`: In, NotIn, Exists, DoesNotExist."""

    key: str
    operator: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Selector:
    """A Kubernetes label selector: all requirements hold. No requirement selects everything."""

    requirements: tuple[LabelRequirement, ...] = ()


@dataclass(frozen=True, slots=True)
class DeclaredConfiguration:
    """BGPConfiguration `default`."""

    ref: ObjectRef
    local_asn: int
    router_id: IPv4Address | None
    hold_time: int
    """Seconds (RFC 4271 §4.2); the speaker sends a keepalive every third of it."""
    restart_time: int
    """Seconds that peers keep our routes while the speaker restarts (RFC 4724 §3)."""
    max_prefixes_per_node: int
    """The fabric budget: a node never announces more prefixes than this to a peer."""
    mtu: int | None
    """MTU of pod links, bytes; None: that of the uplink."""
    communities: tuple[Community, ...] = ()
    """Of every announcement."""
    loopbacks: tuple[Prefix, ...] = ()
    """Ranges in which addresses of the link lo are announced, and preferred as source."""
    default_route_above: bool = False
    """Whether a learned default route wins over one of another program."""
    route_ready: RouteReady = DEFAULT_ROUTE_READY
    drain_wait: int = DEFAULT_WAIT
    """Seconds between leading traffic away from a drained node and withdrawing its prefixes."""


@dataclass(frozen=True, slots=True)
class DeclaredNode:
    """A Node. `created` is its RFC 3339 creation time, empty when the source knows none."""

    ref: ObjectRef
    name: str
    created: str
    labels: tuple[tuple[str, str], ...]
    addresses: tuple[Address, ...]
    """InternalIP addresses, in the order of `status.addresses`: the first of a family counts."""
    pod_cidrs: tuple[Prefix, ...]
    """In the order of `spec.podCIDRs`: where a budget cuts, the last are refused."""
    uid: str = ""
    """Of the object; '' where the source knows none."""
    local_asn: int | None = None
    """Of this node alone; None: the BGPConfiguration's."""
    router_id: IPv4Address | None = None
    """Of this node alone; None: the BGPConfiguration's, or one made from what the node is."""


class Advertise(StrEnum):
    """What is announced of a node's prefixes in a pool."""

    BLOCKS = "blocks"
    AGGREGATE = "aggregate"
    """The fewest prefixes that hold exactly the same addresses."""
    ADDRESSES = "addresses"
    """Each pod's own address, as a prefix of full length."""
    NONE = "none"


@dataclass(frozen=True, slots=True)
class DeclaredPool:
    """An IPPool."""

    ref: ObjectRef
    created: str
    cidr: Prefix
    node_selector: Selector
    block_length: int = 26
    """Prefix length of the blocks that nodes claim."""
    advertise: Advertise = Advertise.BLOCKS


@dataclass(frozen=True, slots=True)
class DeclaredBlock:
    """An IPBlock: a node's claim."""

    ref: ObjectRef
    created: str
    prefix: Prefix
    node: str
    pool: str
    node_uid: str
    """UID of the Node that owns it; '' when none is named."""
    uid: str
    released: str
    """RFC 3339, when it was deleted; it is in quarantine until the finalizer goes. '' while it is held."""


@dataclass(frozen=True, slots=True)
class AcceptRule:
    """Prefixes inside `prefix`, with a length from `min_length` to `max_length` (both count)."""

    prefix: Prefix
    min_length: int
    max_length: int


@dataclass(frozen=True, slots=True)
class Changes:
    """What a filter's rule gives to what it accepts."""

    add_communities: tuple[Community, ...] = ()
    replace_communities: tuple[Community, ...] | None = None
    """Instead of all that were there; None: those stay."""
    med: int | None = None
    local_preference: int | None = None
    prepend: int = 0
    """Times that our AS stands in the AS_PATH besides the first."""


@dataclass(frozen=True, slots=True)
class FilterRule:
    """One rule. What is not set matches everything."""

    prefixes: tuple[AcceptRule, ...]
    """One of them holds the prefix."""
    communities: tuple[Community, ...]
    """All of them are there."""
    accept: bool
    changes: Changes = Changes()


@dataclass(frozen=True, slots=True)
class MaxPrefix:
    """How many prefixes of one family a peer may announce, before any policy."""

    limit: int = 20_000
    warning: int = 80
    """Percent of the limit from which on it is told of."""
    idle_time: int = 300
    """Seconds for which the session of a peer that announced more stays down."""

    @property
    def near(self) -> int:
        """The number above which it is told of."""
        return self.limit * self.warning // 100


@dataclass(frozen=True, slots=True)
class DeclaredFilter:
    """A BGPFilter. Rules are in order: the first that matches decides."""

    ref: ObjectRef
    imports: tuple[FilterRule, ...]
    exports: tuple[FilterRule, ...]


@dataclass(frozen=True, slots=True)
class DeclaredSecret:
    """A Secret: what sources take passwords from. The planner never sees it."""

    ref: ObjectRef
    values: tuple[tuple[str, Secret | None], ...]
    """By key: a character for each byte (latin-1); None where the value cannot be read."""


@dataclass(frozen=True, slots=True)
class DeclaredPeer:
    """A BGPPeer. `None` takes the BGPConfiguration's value.

    The routers are one at `peer_address`, else the default gateways of the families in `gateways`, else those
    heard on the links that `interfaces` names.
    """

    ref: ObjectRef
    created: str
    node_selector: Selector
    peer_address: Address | None
    peer_asn: int
    """0: whatever number the router says, if it is not ours."""
    local_asn: int | None
    source_address: Address | None
    hold_time: int | None
    families: tuple[Family, ...]
    """Empty: that of the router's address; on an interface both."""
    ttl_security: int
    """Hops at most that its packets may have come, by their TTL (RFC 5082); 0: any number."""
    password: Secret | None
    password_error: str
    """Why the password could not be read; empty when it could or none was asked for."""
    accept: tuple[AcceptRule, ...]
    import_filters: tuple[str, ...] = ()
    """Names of BGPFilters, in order."""
    export_filters: tuple[str, ...] = ()
    gateways: tuple[Family, ...] = ()
    interfaces: tuple[str, ...] = ()
    """Names of links, or patterns of names as in a shell."""
    multihop: int = 0
    """TTL of packets to it; 0: not given. Above 1 it need not be on a connected subnet."""
    password_field: str = "spec.passwordFile"  # noqa: S105 - the name of a field
    """The field that says where the password is."""
    router: DeclaredRouter | None = None
    """The router, for the generator of its configuration; a node's plan does not look at it."""
    max_prefix: MaxPrefix = MaxPrefix()
    allow_own_asn: int = 0
    """Times that our AS may stand in the AS_PATH of what is learned."""
    bfd: BfdTimers | None = None
    """How it is watched; None: not with BFD."""


@dataclass(frozen=True, slots=True)
class Declared:
    """All that a source (a folder of manifests, the API server) declares after its first full sync."""

    configuration: DeclaredConfiguration | None = None
    nodes: tuple[DeclaredNode, ...] = ()
    pools: tuple[DeclaredPool, ...] = ()
    peers: tuple[DeclaredPeer, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    filters: tuple[DeclaredFilter, ...] = ()
    blocks: tuple[DeclaredBlock, ...] = ()
    """Claims of this node, and no other's where the source is the API server."""
    age: float | None = None
    """Seconds since the API server last confirmed all this, where it is of an earlier life of the agent and
    the API server cannot be reached; None: it is in force."""


# --- what the kernel shows -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LinkAddress:
    """An address on a link."""

    address: Address
    prefix: Prefix


@dataclass(frozen=True, slots=True)
class Link:
    """A network interface of the host's namespace."""

    index: int
    name: str
    up: bool
    """Administratively up (IFF_UP)."""
    carrier: bool
    """IFF_LOWER_UP: the other end is there."""
    mtu: int
    addresses: tuple[LinkAddress, ...] = ()


class RouteKind(StrEnum):
    """`rtm_type` as `ip route` spells it; every other type of the kernel is OTHER."""

    UNICAST = "unicast"
    BLACKHOLE = "blackhole"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class NextHop:
    """Where a packet goes next: a gateway on a link, or the link itself (`gateway` None)."""

    gateway: Address | None
    link: str


@dataclass(frozen=True, slots=True)
class KernelRoute:
    """A route of table main as the kernel dumps it; a multipath route is one with several next hops."""

    prefix: Prefix
    protocol: int
    metric: int
    kind: RouteKind
    next_hops: tuple[NextHop, ...]
    preferred_source: Address | None = None
    by: int | None = None
    """Id of the nexthop object or group that the route refers to; None: its next hops are its own."""


@dataclass(frozen=True, slots=True)
class NextHopObject:
    """A nexthop object of the kernel's (linux/nexthop.h): one next hop, or a group of such objects."""

    id: int
    protocol: int
    next_hop: NextHop | None = None
    """None for a group, and for what is no way to a gateway or link."""
    members: tuple[int, ...] = ()
    """Of a group: ids."""


@dataclass(frozen=True, slots=True)
class HeardRouter:
    """A router whose link-local address the kernel has heard: of its neighbours one that says it routes.

    Source: a router advertisement (RFC 4861 §6.3.4), or the R flag of a neighbour advertisement (§4.4).
    """

    link: str
    address: Address


# --- what BGP says -------------------------------------------------------------------------------------


class SessionState(StrEnum):
    """RFC 4271 §8.2.2, and UNKNOWN before the speaker has told."""

    UNKNOWN = "Unknown"
    IDLE = "Idle"
    CONNECT = "Connect"
    ACTIVE = "Active"
    OPENSENT = "OpenSent"
    OPENCONFIRM = "OpenConfirm"
    ESTABLISHED = "Established"


class RouteRefresh(StrEnum):
    """Whether a peer tells its table again when asked: RFC 2918, and with marks RFC 7313."""

    NONE = "none"
    PLAIN = "plain"
    ENHANCED = "enhanced"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What both sides of a session agreed on, and what else the peer's OPEN offers."""

    hold_time: int
    """Seconds, agreed; 0: the session is never timed out."""
    families: tuple[Family, ...]
    """Agreed."""
    router_id: IPv4Address | None
    """The peer's BGP identifier."""
    four_byte_asn: bool
    """RFC 6793."""
    route_refresh: RouteRefresh
    graceful_restart: bool
    """RFC 4724."""
    restart_time: int
    """Seconds for which the peer asks its own routes to be kept; 0 without graceful restart."""
    extended_next_hop: bool
    """IPv4 routes with IPv6 next hops (RFC 8950)."""


@dataclass(frozen=True, slots=True)
class ObservedSession:
    """A session as the speaker reports it."""

    peer: Address
    state: SessionState
    since: float
    """Seconds since the epoch at which it entered `state`."""
    last_error: str
    """Cause of the last loss in words; empty when there was none."""
    flaps: int
    """Times it left Established since the agent first saw it."""
    announced: tuple[Prefix, ...]
    """Prefixes queued to the peer with every command acknowledged (ExaBGP's `done` means queued)."""
    end_of_rib_sent: bool
    last_error_at: float = 0.0
    """Seconds since the epoch; 0 when there was none."""
    silent: bool = False
    """The present attempt to connect gets no answer at all: what a wrong MD5 key looks like."""
    capabilities: Capabilities | None = None
    """None while the session is not Established."""
    peer_asn: int = 0
    """The AS number that the peer's OPEN tells; 0 before it told one."""
    received: tuple[tuple[Family, int], ...] = ()
    """Prefixes in the peer's Adj-RIB-In, by family."""


class Origin(StrEnum):
    """RFC 4271 §4.3, ORIGIN."""

    IGP = "igp"
    EGP = "egp"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class LearnedPath:
    """One route of a peer's Adj-RIB-In."""

    peer: Address
    prefix: Prefix
    next_hop: Address
    as_path: tuple[int, ...]
    origin: Origin = Origin.IGP
    med: int | None = None
    local_preference: int = DEFAULT_LOCAL_PREFERENCE
    internal: bool = False
    """Whether it came over iBGP."""
    communities: tuple[Community, ...] = ()
    """Standard and large ones, in no order."""
    originator: IPv4Address | None = None
    """Router that brought it into the AS, where a route reflector passed it on (RFC 4456 §8)."""
    clusters: tuple[IPv4Address, ...] = ()
    """Route reflectors that passed it on (RFC 4456 §8)."""
    stale: bool = False
    """Kept while its router restarts: it is used where there is no other."""


# --- the whole -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stopped:
    """A peer that announced too many prefixes, while it is kept down."""

    peer: Address
    family: Family
    under: MaxPrefix
    """What it exceeded: under another limit it may come back at once."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """What the speaker told. `learned_complete`: every session's table was read whole since the last gap."""

    sessions: tuple[ObservedSession, ...]
    paths: tuple[LearnedPath, ...]
    learned_complete: bool
    stopped: tuple[Stopped, ...] = ()


@dataclass(frozen=True, slots=True)
class Kernel:
    """What the host's kernel shows: links, every route of table main, and all nexthop objects."""

    links: tuple[Link, ...]
    routes: tuple[KernelRoute, ...]
    routers: tuple[HeardRouter, ...] = ()
    next_hops: tuple[NextHopObject, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything known at one moment. A part that is None is not known yet."""

    node_name: str
    declared: Declared | None
    kernel: Kernel | None
    speaker: Speaker | None
    unread: tuple[Rejection, ...] = ()
    """What keeps the source from being read, while `declared` is None."""
    probes: tuple[ProbeResult, ...] = ()
    """What became of the return-path probe."""
    bfd: Bfd | None = None
    claimed: Claimed | None = None
    """What became of claims to blocks; None where the source takes none, as a folder does."""
    drain: Drain | None = None
    """None: the node is in service."""
