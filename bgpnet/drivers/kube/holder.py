"""What one agent does for the whole cluster, the holder of the Lease."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from bgpnet.drivers.kube.judge import refusal
from bgpnet.drivers.kube.lease import HELD, LEASE, Lease
from bgpnet.drivers.kube.patience import Patience
from bgpnet.model.errors import ApiError
from bgpnet.model.rejection import Rejection

RENEW: Final = 15.0
"""Seconds between two renewals."""

LOOK: Final = 15.0
"""Seconds between two looks of the duties."""

ASK: Final = (61, 90)
"""Seconds until an agent that is not the holder looks whether there is one: longer than a Lease counts, so
that who sees the same one twice may take it; less than a request a minute."""

log = logging.getLogger(__name__)


class Duty(Protocol):
    """Something to do for the whole cluster, during one term."""

    async def run(self) -> None:
        """Follow what has to be known, until cancelled."""

    async def look(self) -> None:
        """Do what is due."""

    def refused(self) -> tuple[Rejection, ...]:
        """What the API server refuses of it just now."""


class Holder:
    """One agent's part in it."""

    def __init__(
        self,
        lease: Lease,
        patience: Patience,
        duties: Callable[[], Sequence[Duty]],
        refused: Callable[[tuple[Rejection, ...]], None],
        clock: Callable[[], float],
    ) -> None:
        """`duties` makes those of one term; `refused` hears what the API server refuses; `clock`: seconds."""
        self._lease = lease
        self._patience = patience
        self._duties = duties
        self._refused = refused
        self._clock = clock

    async def run(self) -> None:
        """Hold the Lease when nobody does, and then do the duties, until cancelled."""
        await asyncio.sleep(self._patience.between(0, int(RENEW)))
        while True:
            try:
                holds = await self._lease.take()
            except ApiError as error:
                log.debug("lease not taken error=%r", str(error))
                self._tell(error)
                holds = False
            else:
                self._refused(())
            if holds:
                await self._hold()
            else:
                await asyncio.sleep(self._patience.between(*ASK))

    async def _hold(self) -> None:
        log.info("lease held lease=%s", LEASE)
        duties = self._duties()
        following = [asyncio.create_task(duty.run()) for duty in duties]
        renewed = self._clock()
        try:
            while True:
                for duty in duties:
                    await duty.look()
                self._refused(tuple(each for duty in duties for each in duty.refused()))
                await asyncio.sleep(min(LOOK, RENEW))
                if self._clock() - renewed >= RENEW:
                    if not await self._renewed(renewed):
                        log.warning("lease not held any more lease=%s", LEASE)
                        return
                    renewed = self._clock()
        finally:
            for each in following:
                each.cancel()
            await asyncio.gather(*following, return_exceptions=True)

    async def _renewed(self, before: float) -> bool:
        """Whether it still is ours: an outage changes nothing while nobody else can have it."""
        while True:
            try:
                taken = await self._lease.take()
            except ApiError as error:
                log.debug("lease not renewed error=%r", str(error))
                self._tell(error)
                if self._clock() - before >= HELD:
                    return False
                await self._patience.wait(error.retry_after)
            else:
                self._patience.rest()
                return taken

    def _tell(self, error: ApiError) -> None:
        self._refused((refusal("Lease", error),) if error.status else ())
