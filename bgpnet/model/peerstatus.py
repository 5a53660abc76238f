"""What `bgpnet peers` tells: plain values only, so that JSON and YAML show the same names."""

from dataclasses import dataclass, field, replace

from bgpnet.model.status import RejectionStatus

ESTABLISHED = "Established"
REJECTED = "Rejected"
"""State of a declared peer that got no session."""


@dataclass(frozen=True, slots=True)
class CapabilityStatus:
    """What an Established session can do: hold time and families as agreed, the rest as the peer offers."""

    hold_time: int
    """Seconds; 0: the session is never timed out."""
    families: tuple[str, ...]
    router_id: str
    """The peer's BGP identifier; empty when not known."""
    four_byte_asn: bool
    route_refresh: str
    """none, plain (RFC 2918) or enhanced (RFC 7313)."""
    graceful_restart: bool
    restart_time: int
    """Seconds for which the peer asks its routes to be kept while it restarts."""
    extended_next_hop: bool
    """IPv4 routes with IPv6 next hops (RFC 8950)."""


UP = "Up"
UNKNOWN = "Unknown"
ADMIN_DOWN = "AdminDown"


@dataclass(frozen=True, slots=True)
class BfdStatus:
    """The BFD session beside a BGP session (RFC 5880)."""

    state: str
    """Up, Init, Down, AdminDown; Unknown while `bgpnet bfd` does not tell."""
    remote_state: str = ""
    """The router's, as it said last."""
    since: float = 0
    """Seconds since the epoch at which it entered `state`; 0 when not known."""
    failed: bool = False
    """It was up and ended, not on purpose: the peer is not used."""
    reason: str = ""
    """Why it is not up; empty when it is."""
    last_error: str = ""
    """Why it was lost last; empty when it never was."""
    last_error_at: float = 0
    flaps: int = 0
    configured_interval: int = 0
    """Milliseconds."""
    multiplier: int = 0
    interval: float = 0
    """Milliseconds between our packets, agreed."""
    detection: float = 0
    """Milliseconds of the router's silence that end the session, agreed."""
    remote_independent: bool = False
    """The router's C bit."""
    sent: int = 0
    received: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    """Packets of the router's address that were not taken, by reason."""

    @property
    def fine(self) -> bool:
        """Whether it is up, or taken down on purpose."""
        return self.state == UP or ADMIN_DOWN in (self.state, self.remote_state)


@dataclass(frozen=True, slots=True)
class PeerStatus:
    """One session of a BGPPeer, as this node has it. Without a session, what belongs to one is empty or 0."""

    object: str
    """kind/name. One that means several routers has several sessions: `peer` and `link` tell them apart."""
    peer: str
    """Its address, a link-local one with the link: `fe80::1%eth1`. Empty while it is not known."""
    peer_asn: int
    state: str
    """RFC 4271 §8.2.2, Unknown, or Rejected."""
    since: float = 0
    """Seconds since the epoch at which it entered the state; 0 when not known."""
    reason: str = ""
    """Why the session is not up; empty when it is."""
    last_error: str = ""
    """Why it was lost last, also when it is up again; empty when it never was."""
    last_error_at: float = 0
    """Seconds since the epoch; 0 when there was none."""
    flaps: int = 0
    """Times it left Established since the agent first saw it."""
    local_address: str = ""
    local_asn: int = 0
    link: str = ""
    hold_time: int = 0
    """Seconds, as configured."""
    restart_time: int = 0
    """Seconds that the peer is asked to keep our routes."""
    password: bool = False
    """Whether the session has a TCP MD5 key."""
    capabilities: CapabilityStatus | None = None
    """None while the session is not up."""
    received: int = 0
    """Paths in the peer's Adj-RIB-In."""
    table_read: bool = False
    """Whether the peer's table was read whole; before, what the kernel has of it stays."""
    accepted: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    """Paths that the import policy left out, by reason."""
    filtered: dict[str, int] = field(default_factory=dict)
    """Of those the ones that BGPFilters refused, by filter and rule."""
    announced: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    """Prefixes that ought to be announced and are not yet."""
    withheld: dict[str, int] = field(default_factory=dict)
    """Prefixes of ours that BGPFilters keep from the peer, by filter and rule."""
    end_of_rib_sent: bool = False
    bfd: BfdStatus | None = None
    """None: its BGPPeer does not ask for BFD."""
    rejections: tuple[RejectionStatus, ...] = ()
    """What was refused of the object, and of what it asks for."""
    multihop: int = 0
    """TTL of packets to the peer; 0: the kernel's own."""
    ttl_security: int = 0
    """Hops that its packets may have come at most; 0: not checked."""

    @property
    def fine(self) -> bool:
        """Whether the session is up and used, watched as asked for, and nothing of the object was refused."""
        watched = self.bfd is None or self.bfd.fine
        return self.state == ESTABLISHED and not self.reason and watched and not self.rejections

    @property
    def name(self) -> str:
        """The object's name."""
        return self.object.partition("/")[2]


@dataclass(frozen=True, slots=True)
class PeersStatus:
    """The peers of one node, as its agent sees them."""

    node: str
    version: str
    peers: tuple[PeerStatus, ...]
    undecided: str = ""
    """Why it cannot be said which sessions there ought to be; those in force stay. Empty when it can."""

    @property
    def fine(self) -> bool:
        """Exit code 0 of `bgpnet peers`."""
        return not self.undecided and all(peer.fine for peer in self.peers)

    def only(self, wanted: str) -> "PeersStatus":
        """The peers with this address, on this link, or of the object with this name or kind/name."""
        found = (peer for peer in self.peers if wanted in (peer.peer, peer.link, peer.name, peer.object))
        return replace(self, peers=tuple(found))
