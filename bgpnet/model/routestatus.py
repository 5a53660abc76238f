"""What `bgpnet routes` tells: plain values only, so that JSON and YAML show the same names."""

from dataclasses import dataclass, replace
from enum import StrEnum


class Verdict(StrEnum):
    """What became of a path."""

    BEST = "best"
    MULTIPATH = "multipath"
    """As good as the best, and used together with it."""
    WORSE = "worse"
    UNUSABLE = "unusable"
    """Its link is down or without carrier."""
    REFUSED = "refused"
    """By the import policy."""
    UNDECIDED = "undecided"
    """Nobody can judge it: its peer is not configured any more, or the node's configuration is not known."""


class RouteState(StrEnum):
    """A route in the kernel's table main."""

    INSTALLED = "installed"
    HIDDEN = "hidden"
    """Installed, but another program's route to the same prefix is preferred."""
    PENDING = "pending"
    """Planned, and not in the kernel, or not so."""
    FOREIGN = "foreign"
    """Another program's route stands in its place."""
    LEFTOVER = "leftover"
    """In the kernel, and not planned: it goes as soon as that is sure."""
    NONE = "none"
    """Not planned: no path is usable."""


@dataclass(frozen=True, slots=True)
class PathStatus:
    """One path to a prefix."""

    peer: str
    object: str
    """The BGPPeer that brought it, as kind/name; empty when it is not configured any more."""
    next_hop: str
    link: str
    as_path: tuple[int, ...]
    origin: str
    med: int | None
    local_preference: int
    internal: bool
    """Whether it came over iBGP."""
    communities: tuple[str, ...]
    """Standard and large ones, in order."""
    verdict: Verdict
    reason: str
    """The step of the decision process (RFC 4271 §9.1) that parted it from the best, or a refusal's name."""
    because: str
    """The same in words."""


@dataclass(frozen=True, slots=True)
class RouteDetail:
    """One prefix: own or learned."""

    prefix: str
    own: bool
    """One of the node's own prefixes; its route discards what no pod has."""
    state: RouteState
    because: str
    """What keeps it from being installed, or hides it; empty when nothing does."""
    next_hops: tuple[str, ...]
    """`GATEWAY via LINK`, sorted."""
    paths: tuple[PathStatus, ...]
    """The best first, then those used with it, then the others."""


@dataclass(frozen=True, slots=True)
class RoutesStatus:
    """The routes of one node, as its agent sees them."""

    node: str
    version: str
    routes: tuple[RouteDetail, ...]
    more: bool = False
    """Whether there are more behind the last one: ask for those after it."""
    undecided: str = ""
    """Why it cannot be said which routes there ought to be; those in force stay. Empty when it can."""

    def joined(self, following: "RoutesStatus") -> "RoutesStatus":
        """This and what follows it."""
        return replace(following, routes=self.routes + following.routes)

    @property
    def fine(self) -> bool:
        """Exit code 0 of `bgpnet routes`: each prefix with a taken path is in the kernel and in use."""
        return not self.undecided and all(
            route.state is RouteState.INSTALLED or (route.state is RouteState.NONE and not route.because)
            for route in self.routes
        )
