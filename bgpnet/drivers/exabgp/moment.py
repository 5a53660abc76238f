"""Moments of the monotonic clock, told as seconds since the epoch."""

from typing import Final

_SLACK: Final = 1.0
"""Seconds that the clocks may drift apart before a moment is told anew: what is told does not tremble."""


class Moment:
    """One moment as it is shown. A clock that is set moves it, so that it stays as long ago as it is."""

    def __init__(self) -> None:
        self._at = self._shown = float("nan")

    def shown(self, at: float, now: float, wall: float) -> float:
        """Seconds since the epoch at `at`, when it is `now` and the clock on the wall says `wall`."""
        fresh = wall - (now - at)
        if at != self._at or abs(fresh - self._shown) > _SLACK:
            self._at, self._shown = at, fresh
        return self._shown
