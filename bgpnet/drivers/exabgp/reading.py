"""A table of a peer's that is being read: when it has been read whole."""

from dataclasses import dataclass
from typing import Final

QUIET: Final = 5.0
"""Seconds without an UPDATE after which a peer that sends no mark is taken to have told everything."""

MARK_LATE: Final = 60.0
"""Seconds of such quiet for a peer that announced an end mark."""

LONGEST: Final = 180.0
"""Seconds after which a table counts as read, though the peer was never quiet."""


@dataclass(slots=True)
class Reading:
    """One family's table is being read."""

    refresh: bool
    """Whether the peer has to be asked; otherwise it tells unasked, after the session came up."""
    asked: bool = False
    quiet_limit: float | None = None
    """Seconds without an UPDATE that end the reading; None while the clock does not run."""
    heard: float = 0.0
    until: float = float("inf")
    """When it ends in any case."""

    def begin(self, quiet_limit: float, now: float) -> None:
        """The clock runs from now on."""
        self.quiet_limit, self.heard = quiet_limit, now
        self.until = min(self.until, now + LONGEST)

    @property
    def end(self) -> float:
        """When it ends if nothing is heard."""
        if self.quiet_limit is None:
            return float("inf")
        return min(self.heard + self.quiet_limit, self.until)
