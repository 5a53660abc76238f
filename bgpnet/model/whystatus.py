"""What `bgpnet why` tells: plain values only, so that JSON and YAML show the same names."""

from dataclasses import dataclass
from enum import StrEnum

from bgpnet.model.routestatus import RouteDetail, RouteState
from bgpnet.model.status import RejectionStatus


class Telling(StrEnum):
    """Whether a peer was told of a prefix."""

    ANNOUNCED = "announced"
    PENDING = "pending"
    """It is to be told, and the session is not up or the speaker has not done it yet."""
    WITHHELD = "withheld"
    """It is not to be told."""
    UNDECIDED = "undecided"
    """What it was told stays as it is."""


@dataclass(frozen=True, slots=True)
class TellingStatus:
    """One session, and what it has to do with the prefix."""

    peer: str
    object: str
    """The BGPPeer that asked for it, as kind/name."""
    telling: Telling
    because: str
    """Why it is not announced; empty when it is."""


@dataclass(frozen=True, slots=True)
class WhyStatus:
    """All that decides how one prefix or address is announced, learned and programmed on one node."""

    node: str
    version: str
    asked: str
    own: str
    """The prefix of the node that holds it; empty when none does."""
    pod: str
    """The link of the pod here that has this address; empty when none has."""
    offered: str
    """The prefix that is announced of it: its own, a summary, a pod's address. Empty: none is."""
    sessions: tuple[TellingStatus, ...]
    """Every session, while a prefix is offered."""
    route: RouteDetail | None
    """The most specific prefix known that holds it, own or learned, with all its paths."""
    rejections: tuple[RejectionStatus, ...]
    """What was refused of it, or of a prefix that holds it."""
    undecided: str = ""
    """Why it cannot be said what there ought to be; everything stays as it is. Empty when it can."""

    @property
    def known(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.own or self.offered or self.route or self.rejections or self.undecided)

    @property
    def fine(self) -> bool:
        """Exit code 0: a router was told of it, or it was learned, and nothing of it waits or is refused."""
        announced = any(each.telling is Telling.ANNOUNCED for each in self.sessions)
        waits = any(each.telling in (Telling.PENDING, Telling.UNDECIDED) for each in self.sessions)
        in_force = self.route is not None and self.route.state is RouteState.INSTALLED
        served = announced if self.own or self.offered else in_force
        return served and not (waits or self.rejections or self.undecided)
