"""What BGP says: sessions, what was agreed on, and the paths that were learned."""

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address

from bgpnet.model.attributes import DEFAULT_LOCAL_PREFERENCE
from bgpnet.model.community import Community
from bgpnet.model.declared import MaxPrefix
from bgpnet.model.net import Address, Family, Prefix


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


@dataclass(frozen=True, slots=True)
class Stopped:
    """A peer that announced too many prefixes, while it is kept down."""

    peer: Address
    family: Family
    under: MaxPrefix
    """What it exceeded: under another limit it may come back at once."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """What the speaker told."""

    sessions: tuple[ObservedSession, ...]
    paths: tuple[LearnedPath, ...]
    unread: tuple[Address, ...] = ()
    """Peers whose table was not read whole since events may have been lost: they may have told more."""
    stopped: tuple[Stopped, ...] = ()
