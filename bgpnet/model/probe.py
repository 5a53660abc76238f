"""The return-path probe: a ping from an address of the node's own block. An answer proves the way back."""

from dataclasses import dataclass
from typing import Final

from bgpnet.model.net import Address, Family

LOST: Final = 3
"""Probes in a row without an answer after which a target counts as one that does not answer."""


@dataclass(frozen=True, slots=True)
class RouteReady:
    """What a node needs before pods may come, as declared."""

    min_sessions: int = 1
    """Sessions of each family that are up with every prefix announced."""
    probe: bool = True
    """Whether the return-path probe has to be answered."""
    targets: tuple[Address, ...] = ()
    """Whom to probe; empty: each router."""


DEFAULT_ROUTE_READY: Final = RouteReady()


@dataclass(frozen=True, slots=True)
class ProbeTarget:
    """Who is asked. `link` is of use for a link-local address."""

    address: Address
    link: str = ""

    def __str__(self) -> str:
        return f"{self.address}%{self.link}" if self.address.is_link_local else str(self.address)


@dataclass(frozen=True, slots=True)
class Probe:
    """One family's probe: from which address, to whom."""

    family: Family
    source: Address | None
    """None: no block of the family has an address to spare."""
    targets: tuple[ProbeTarget, ...]
    """Empty while there is nobody to ask: no session is up, or no address of a router is known."""


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What became of the probes to one target."""

    source: Address
    target: ProbeTarget
    answered_at: float
    """Of the last answer, seconds since the epoch; 0: there was none yet."""
    round_trip: float
    """Of the last answer, seconds."""
    missed: int
    """Probes since then without an answer."""
    obstacle: str = ""
    """Why nothing can be sent; empty when it can."""

    @property
    def answering(self) -> bool:
        """Whether the fabric forwards to the block, as far as this target can tell."""
        return self.answered_at > 0 and self.missed < LOST
