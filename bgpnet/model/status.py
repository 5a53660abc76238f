"""What `bgpnet status` tells: plain values only, so that JSON and YAML show the same names."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SessionStatus:
    """One session of the node."""

    peer: str
    object: str
    """The BGPPeer that asked for it, as kind/name."""
    peer_asn: int
    local_address: str
    local_asn: int
    link: str
    state: str
    """RFC 4271 §8.2.2, or Unknown."""
    since: float
    """Seconds since the epoch; 0 when not known."""
    reason: str
    """Why the session is not up; empty when it is."""
    flaps: int
    announced: tuple[str, ...]
    """Prefixes queued to the peer and acknowledged by the speaker."""
    pending: tuple[str, ...]
    """Prefixes that ought to be announced and are not yet."""
    received: int
    """Paths in the peer's Adj-RIB-In."""


@dataclass(frozen=True, slots=True)
class RouteStatus:
    """One route of ours in the kernel's table main."""

    prefix: str
    kind: str
    next_hops: tuple[str, ...]
    """`GATEWAY via LINK`, sorted."""
    installed: bool


@dataclass(frozen=True, slots=True)
class RejectionStatus:
    """One thing that was refused, in words."""

    object: str
    field: str
    found: str
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class PodStatus:
    """A pod's attachment, as the CNI server recorded it. `pod` is namespace/name, '' without Kubernetes."""

    pod: str
    uid: str
    container: str
    interface: str
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BlockStatus:
    """A prefix of the node: addresses that pods have, of those that pods can have."""

    prefix: str
    used: int
    size: int
    note: str = ""
    """Whose pods get addresses of it; empty: those of any namespace."""


@dataclass(frozen=True, slots=True)
class ProbeStatus:
    """One target of the return-path probe, or why a family is not probed."""

    family: str
    source: str
    target: str
    answered_at: float
    """Of the last answer, seconds since the epoch; 0: there was none yet."""
    round_trip_ms: float
    missed: int
    """Probes since the last answer."""
    note: str
    """Why nothing is sent; empty when it is."""


@dataclass(frozen=True, slots=True)
class NatStatus:
    """Whose connections to other networks get an address of the node, of one family."""

    family: str
    pods: tuple[str, ...]
    """Prefixes of the node."""
    source: str
    """What they get; empty: the address of the link that they leave by."""
    kept: tuple[str, ...]
    """Destinations towards which pods keep their own addresses."""
    in_place: bool
    """False: the rejections tell why."""


@dataclass(frozen=True, slots=True)
class RefusedPodsStatus:
    """How often a pod was refused its network since the run directory is there, by the CNI answer's code."""

    code: int
    meaning: str
    times: int


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """The state of one node, as its agent sees it."""

    node: str
    version: str
    ready: bool
    not_ready_because: tuple[str, ...]
    prefixes: tuple[str, ...]
    sessions: tuple[SessionStatus, ...]
    routes: tuple[RouteStatus, ...]
    rejections: tuple[RejectionStatus, ...]
    """Objects and routes refused: something to mend."""
    refused_paths: tuple[RejectionStatus, ...]
    """Learned paths that the import policy left out, as it was told to."""
    refused_announcements: tuple[RejectionStatus, ...] = ()
    """Prefixes that an export filter keeps from a peer, as it was told to."""
    blocks: tuple[BlockStatus, ...] = ()
    pods: tuple[PodStatus, ...] = ()
    probes: tuple[ProbeStatus, ...] = ()
    """The return-path probe."""
    nat: tuple[NatStatus, ...] = ()
    refused_pods: tuple[RefusedPodsStatus, ...] = ()
    drain: str = ""
    """How far the node's drain is; empty: it is in service."""

    @property
    def fine(self) -> bool:
        """Whether nothing needs anybody's attention: exit code 0 of `bgpnet status`."""
        return self.ready and not self.rejections and all(session.reason == "" for session in self.sessions)
