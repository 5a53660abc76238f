"""Path attributes that policy sets on what is announced."""

from dataclasses import dataclass
from typing import Final

from bgpnet.model.community import Community

DEFAULT_LOCAL_PREFERENCE: Final = 100
"""Of a path that carries none, and of every path from another AS (RFC 4271 §5.1.5)."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """What an announcement carries besides its next hop."""

    communities: tuple[Community, ...] = ()
    """Standard and large ones. Kept sorted and each once, so that equal sets compare equal."""
    med: int | None = None
    """MULTI_EXIT_DISC (RFC 4271 §4.3), 32 bits; None: not sent."""
    as_path: tuple[int, ...] = ()
    """The AS_PATH on the wire; empty: what BGP makes of it, our own AS to an external peer, nothing to an
    internal one (RFC 4271 §5.1.2)."""
    local_preference: int | None = None
    """LOCAL_PREF towards internal peers (RFC 4271 §5.1.5), 32 bits; None: 100, which is what BGP sends."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "communities", tuple(sorted(set(self.communities))))
        if self.local_preference == DEFAULT_LOCAL_PREFERENCE:
            object.__setattr__(self, "local_preference", None)


PLAIN: Final = Attributes()
"""Nothing beyond what BGP itself asks for."""
