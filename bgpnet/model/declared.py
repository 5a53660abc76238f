"""What the users declared, as the planner knows it: immutable and typed.

Tuples are in no particular order unless it is said; the planner sorts (law 1).
"""

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address

from bgpnet.model.bfd import BfdTimers
from bgpnet.model.community import Community
from bgpnet.model.drain import DEFAULT_WAIT
from bgpnet.model.net import Address, Family, Prefix
from bgpnet.model.probe import DEFAULT_ROUTE_READY, RouteReady
from bgpnet.model.rejection import ObjectRef, Rejection
from bgpnet.model.router import DeclaredRouter
from bgpnet.model.secret import Secret


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
    nat_except: tuple[Prefix, ...] = ()
    """Destinations towards which pods keep their own addresses, whatever their pool says."""
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


@dataclass(frozen=True, slots=True)
class DeclaredNamespace:
    """A Namespace of pods."""

    ref: ObjectRef
    name: str
    labels: tuple[tuple[str, str], ...]


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
    namespace_selector: Selector = Selector()
    """Namespaces whose pods get addresses of it; no requirement: of all."""
    nat_outgoing: bool = False
    """Whether connections of its pods to networks that do not know it get an address of the node."""


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
    namespaces: tuple[DeclaredNamespace, ...] | None = ()
    """None: there are IPPools with a namespaceSelector, and the namespaces are not known yet."""
    age: float | None = None
    """Seconds since the API server last confirmed all this, where it is of an earlier life of the agent and
    the API server cannot be reached; None: it is in force."""
