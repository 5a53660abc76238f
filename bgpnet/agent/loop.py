"""When a step is due: at once after an event, in bursts only so often, and now and then unasked."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from bgpnet.agent.reconciler import Outcome
from bgpnet.drivers.memory import give_back
from bgpnet.model.errors import KernelError

COALESCE = 0.01
"""Seconds from an event to the step: events of one burst make one step."""

REST_MOST = 0.25
"""Seconds. A step is followed by a rest as long as itself, up to this: while thousands of prefixes are being
announced each answer of the speaker calls for a step, and the speaker has to get its turn."""

AUDIT = 30.0
"""Seconds after which a step is taken though nothing was heard: no event is relied on for ever."""

QUIET = 0.25
"""Seconds without an event after which the memory that the last steps needed is given back."""

RETRY_FIRST, RETRY_MOST = 0.5, 30.0
"""Seconds to the next try after a failure; doubled each time up to the most."""

log = logging.getLogger(__name__)


class Loop:
    """Runs steps. `wake` may be called from any callback of the event loop, as often as one likes."""

    def __init__(self, step: Callable[[], Awaitable[Outcome]], done: Callable[[Outcome], None]) -> None:
        self._step = step
        self._done = done
        self._event = asyncio.Event()
        self._event.set()
        self._timer: asyncio.TimerHandle | None = None

    def wake(self) -> None:
        """Something changed: take a step soon."""
        self._event.set()

    def wake_in(self, seconds: float) -> None:
        """A step will be due then. There is one such moment: the last that was told."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self.wake)

    async def run(self) -> None:
        """Take steps for ever. A step that cannot read the kernel is logged and tried again."""
        retry = RETRY_FIRST
        clock = asyncio.get_running_loop().time
        while True:
            failed, began = False, clock()
            self._event.clear()
            try:
                outcome = await self._step()
            except (KernelError, OSError) as error:
                log.warning("step failed error=%r retry=%ss", str(error), retry)
                failed = True
            else:
                self._done(outcome)
                failed = bool(outcome.failures)
            rested = clock() + min(clock() - began, REST_MOST)
            await self._due(retry if failed else AUDIT)
            retry = min(retry * 2, RETRY_MOST) if failed else RETRY_FIRST
            await asyncio.sleep(max(COALESCE, rested - clock()))

    async def _due(self, at_most: float) -> None:
        if not await self._woken(QUIET):
            give_back()
            await self._woken(at_most - QUIET)

    async def _woken(self, within: float) -> bool:
        """Whether something happened within so many seconds."""
        try:
            async with asyncio.timeout(within):
                await self._event.wait()
        except TimeoutError:
            return False
        return True
