"""How long planning took, counted for a histogram: kept without the library that tells it to Prometheus."""

from bisect import bisect_left
from itertools import accumulate
from typing import Final

BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Seconds."""


class PlanTimes:
    """`sum` is the seconds of all plans together."""

    def __init__(self) -> None:
        self.sum = 0.0
        self._counts = [0] * (len(BOUNDS) + 1)

    def add(self, seconds: float) -> None:
        """A plan took so long."""
        self.sum += seconds
        self._counts[bisect_left(BOUNDS, seconds)] += 1

    @property
    def buckets(self) -> list[tuple[str, float]]:
        """Each bound as a text, and how many plans took at most so long."""
        return list(zip((*map(str, BOUNDS), "+Inf"), accumulate(self._counts), strict=True))
