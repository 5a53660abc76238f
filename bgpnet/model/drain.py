"""Draining a node: the only thing by which a node withdraws its prefixes."""

from dataclasses import dataclass
from typing import Final

DRAIN_LABEL: Final = "bgpnet.io/drain"
"""Of the Node object: any value but `false` drains the node; `sessions` ends its sessions, too."""

END_SESSIONS: Final = "sessions"

DEFAULT_WAIT: Final = 10
"""Seconds for the routers to lead traffic elsewhere before the prefixes are withdrawn."""


@dataclass(frozen=True, slots=True)
class Drain:
    """How far a node that is being drained has come."""

    withdrawn: bool = False
    """The time for routers to find other ways is over: no prefix of pods is announced any more."""
    ended: bool = False
    """The withdrawals had their time, too, and it was asked for the end of the sessions."""

    def __str__(self) -> str:
        if self.ended:
            return "drained, without sessions"
        return "drained" if self.withdrawn else "leaving"
