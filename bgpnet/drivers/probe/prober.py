"""When probes are sent: often while nobody answers, seldom afterwards."""

import asyncio
import errno
from collections.abc import Callable
from itertools import count
from typing import Final

from bgpnet.drivers.netlink import local
from bgpnet.drivers.probe import pinger
from bgpnet.drivers.probe.echo import NONCE_BYTES, SEQUENCES
from bgpnet.drivers.probe.tally import Tally
from bgpnet.drivers.sysctl import Sysctls
from bgpnet.model.errors import KernelError
from bgpnet.model.net import Address
from bgpnet.model.probe import Probe, ProbeResult, ProbeTarget

FIRST_PATIENCE: Final = 0.1
"""Seconds for an answer to the first probe, and until the next: routes take a moment to get round the fabric.
Doubled with each one that has no answer."""

PATIENCE: Final = 1.0
"""Seconds for an answer, and between probes that nobody answers, at most."""

EVERY: Final = 30.0
"""Seconds between probes while somebody answers."""

MENDED: Final = 1.0
"""Seconds after an address of the node's was put back in which it is not: a fight waits for the next step."""


class Prober:
    """Sends what is wanted and remembers what came of it.

    Args:
        sysctls: where the range of groups that may ping is set.
        clock: monotonic seconds.
        wall: seconds since the epoch.
        random: gives as many random bytes as asked for.
        changed: called when a target begins or ceases to answer.
    """

    def __init__(
        self,
        sysctls: Sysctls,
        clock: Callable[[], float],
        wall: Callable[[], float],
        random: Callable[[int], bytes],
        changed: Callable[[], None],
    ) -> None:
        self._sysctls = sysctls
        self._clock = clock
        self._wall = wall
        self._random = random
        self._changed = changed
        self._wanted: tuple[Probe, ...] | None = None
        self._news = asyncio.Event()
        self._answers = asyncio.Event()
        self._tally = Tally()
        self._mended = -MENDED
        self._numbers = count(1)
        self._pingers: dict[Address, pinger.Pinger] = {}
        self._told: dict[tuple[Address, ProbeTarget], tuple[bool, str]] = {}

    def want(self, probes: tuple[Probe, ...]) -> None:
        """What is to be probed; a change is acted upon at once, also one that another program made."""
        if probes != self._wanted:
            self._wanted = probes
            self._news.set()
        elif self._clock() >= self._mended + MENDED:
            self._kept()

    def observed(self) -> tuple[ProbeResult, ...]:
        """What came of it."""
        return self._tally.results

    async def run(self) -> None:
        """Probe until cancelled. The node's own addresses stay the node's."""
        patience = FIRST_PATIENCE
        try:
            while True:
                if self._news.is_set():
                    self._news.clear()
                    patience = FIRST_PATIENCE
                begin = self._clock()
                sources = self._round()
                await self._listen(sources, patience)
                for source in sources:
                    self._tally.judge(source)
                self._tell()
                answered = all(self._tally.answered(source) for source in sources)
                await _until(self._news, begin + (EVERY if answered else patience) - self._clock())
                patience = FIRST_PATIENCE if answered else min(2 * patience, PATIENCE)
        finally:
            self._only(frozenset())

    def _round(self) -> tuple[Address, ...]:
        """Send a probe to each target; the sources that were sent from, or ought to have been."""
        probes = {
            probe.source: probe.targets
            for probe in self._wanted or ()
            if probe.source is not None and probe.targets
        }
        self._tally.only((source, target) for source, targets in probes.items() for target in targets)
        self._only(frozenset(probes))
        failure = self._kept()
        for source, targets in probes.items():
            for target in targets:
                self._send(source, target, failure)
        return tuple(probes)

    def _kept(self) -> str:
        """The sources are the node's own addresses; why they are not, if they are not."""
        wanted = frozenset(probe.source for probe in self._wanted or () if probe.source is not None)
        if self._wanted is None:
            return ""
        try:
            if local.keep(wanted):
                self._mended = self._clock()
        except KernelError as error:
            return str(error)
        return ""

    def _send(self, source: Address, target: ProbeTarget, failure: str) -> None:
        number, nonce = next(self._numbers) % SEQUENCES, self._random(NONCE_BYTES)
        if failure:
            self._tally.failed((source, target), failure)
            return
        try:
            self._tally.sent((source, target), number, nonce, self._clock())
            self._pinger(source).send(target, number, nonce)
        except (OSError, KernelError) as error:
            words = error.strerror if isinstance(error, OSError) else str(error)
            self._tally.failed((source, target), words or str(error))

    def _pinger(self, source: Address) -> pinger.Pinger:
        if source not in self._pingers:
            made = self._pingers[source] = pinger.opened(source, self._sysctls)
            asyncio.get_running_loop().add_reader(made, self._receive, made)
        return self._pingers[source]

    def _only(self, sources: frozenset[Address]) -> None:
        for source in self._pingers.keys() - sources:
            gone = self._pingers.pop(source)
            asyncio.get_running_loop().remove_reader(gone)
            gone.close()

    def _receive(self, from_: pinger.Pinger) -> None:
        while True:
            try:
                found = from_.receive()
            except OSError as error:
                if error.errno == errno.EAGAIN:
                    break
                continue  # what became of an earlier probe; that it has no answer is known
            if found is not None and self._tally.heard(*found, self._clock(), self._wall()):
                self._answers.set()
                self._tell()

    async def _listen(self, sources: tuple[Address, ...], seconds: float) -> None:
        """Return when all have answered, or after so many seconds."""
        end = self._clock() + seconds
        while any(self._tally.waiting(source) for source in sources):
            self._answers.clear()
            if not await _until(self._answers, end - self._clock()):
                return

    def _tell(self) -> None:
        now = {(each.source, each.target): (each.answering, each.obstacle) for each in self._tally.results}
        if now != self._told:
            self._told = now
            self._changed()


async def _until(event: asyncio.Event, seconds: float) -> bool:
    """Wait for the event, at most so many seconds; whether it came."""
    try:
        async with asyncio.timeout(max(0.0, seconds)):
            await event.wait()
    except TimeoutError:
        return False
    return True
