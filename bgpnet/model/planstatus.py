"""What `bgpnet plan` tells: plain values only, so that JSON and YAML show the same names."""

from dataclasses import dataclass

from bgpnet.model.status import RejectionStatus


@dataclass(frozen=True, slots=True)
class PlannedAnnouncement:
    """One prefix as a peer would be told of it."""

    prefix: str
    next_hop: str
    attributes: tuple[str, ...]
    """What it carries besides, in words."""


@dataclass(frozen=True, slots=True)
class PlannedSession:
    """One session that would be configured."""

    peer: str
    object: str
    """The BGPPeer that asks for it, as kind/name."""
    peer_asn: int
    """0: whatever number the peer says, if it is another one."""
    local_address: str
    local_asn: int
    link: str
    hold_time: int
    """Seconds."""
    families: tuple[str, ...]
    bfd: bool
    password: bool
    announcements: tuple[PlannedAnnouncement, ...]


@dataclass(frozen=True, slots=True)
class PlanStatus:
    """What an agent would do on this host with these objects."""

    node: str
    version: str
    prefixes: tuple[str, ...]
    sessions: tuple[PlannedSession, ...]
    sysctls: tuple[str, ...]
    """`PATH = VALUE`, below /proc/sys."""
    rejections: tuple[RejectionStatus, ...]
    """Something to mend."""
    refused_announcements: tuple[RejectionStatus, ...]
    """What policy keeps from routers, as it is told to."""
    undecided: str = ""
    """Why it cannot be said which sessions there ought to be; empty when it can."""

    @property
    def fine(self) -> bool:
        """Exit code 0 of `bgpnet plan`."""
        return not self.undecided and not self.rejections
