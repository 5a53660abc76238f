"""When a drain goes on to its next step. A drain is asked for by the Node's label or by `bgpnet drain`."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from bgpnet.drivers import atomic
from bgpnet.model.drain import END_SESSIONS, Drain

SETTLING: Final = 2.0
"""Seconds from the withdrawals to the end of the sessions: ExaBGP says that they are queued, not sent."""


class Draining:
    """Remembers since when.

    Args:
        marker: a file that is there while `bgpnet drain` asks for it; it outlives the agent, not a boot.
        clock: monotonic seconds.
        later: called with the seconds to the next step.
    """

    def __init__(self, marker: Path, clock: Callable[[], float], later: Callable[[float], None]) -> None:
        self._marker = marker
        self._clock = clock
        self._later = later
        self._since: float | None = None
        self._asked: str | None = None

    def stage(self, label: str | None, wait: float) -> Drain | None:
        """How far it is; None: the node is in service. `label`: what the Node says, `wait` in seconds.

        An agent that starts anew begins anew: what it finds withdrawn stays so, as a leaving node announces
        only what its peers have already.
        """
        asked = label if label is not None else self.by_command()
        if asked is None:
            self._since = None
            return None
        now = self._clock()
        if self._since is None:
            self._since = now
        moments = [self._since + wait] + [self._since + wait + SETTLING] * (asked == END_SESSIONS)
        left = [moment - now for moment in moments if moment > now]
        if left:
            self._later(left[0])
        return Drain(withdrawn=now >= moments[0], ended=len(moments) > 1 and now >= moments[1])

    def by_command(self) -> str | None:
        """What the command asked for; None: nothing. A file that cannot be read says what it said before."""
        try:
            self._asked = self._marker.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            self._asked = None
        except OSError:
            return self._asked
        return self._asked

    def ask(self, what: str) -> None:
        """Drain the node.

        Raises:
            OSError: it cannot be remembered, and so it is not begun.
        """
        atomic.replace(self._marker, f"{what}\n".encode("ascii"), 0o644)

    def undo(self) -> None:
        """Put the node back in service, if nothing else asks for the drain.

        Raises:
            OSError: the file cannot be removed.
        """
        with suppress(FileNotFoundError):
            self._marker.unlink()
