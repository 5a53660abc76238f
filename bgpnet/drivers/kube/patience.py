"""How long to wait after a failure: doubled each time, and never the same for two agents."""

import asyncio
from collections.abc import Callable
from typing import Final

FIRST, MOST = 0.2, 15.0
"""Seconds."""

JITTER: Final = 0.5
"""Of a wait, up to so much less or more: thousands of agents must not come back in one moment."""


class Patience:
    """One series of failures. `random` gives numbers from 0 to 1."""

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._next = FIRST

    def rest(self) -> None:
        """It went well: the next failure is the first."""
        self._next = FIRST

    async def wait(self, least: float = 0.0) -> None:
        """Wait out one failure; `least`: seconds that the server asks for, which all agents exceed."""
        random = self._random()
        delay = least * (1 + JITTER * random) + self._next * (1 + JITTER * (2 * random - 1))
        self._next = min(self._next * 2, MOST)
        await asyncio.sleep(delay)

    def between(self, least: int, most: int) -> int:
        """A whole number from `least` to `most`."""
        return least + int(self._random() * (most - least))
