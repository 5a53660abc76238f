"""Who does what is done once for the whole cluster, over an API server that comes and goes."""

import asyncio
import heapq
import random
import ssl
from collections.abc import Iterator
from typing import Any

import pytest

from bgpnet.drivers.kube.access import Access
from bgpnet.drivers.kube.client import Client, Json
from bgpnet.drivers.kube.holder import ASK, RENEW, Holder
from bgpnet.drivers.kube.lease import HELD, Lease
from bgpnet.drivers.kube.patience import Patience
from bgpnet.model.errors import ApiError
from bgpnet.model.rejection import Reason, Rejection

AWAY = ApiError(0, "Unreachable", "nobody there")

OURS, ANOTHERS = True, False


class Clock(Patience):
    """Seconds that pass while one waits."""

    def __init__(self) -> None:
        super().__init__(lambda: 0.5)
        self.now = 0.0

    async def wait(self, least: float = 0.0) -> None:
        self.now += max(least, 15.0)


class Answers(Lease):
    """A Lease whose API server answers as told."""

    def __init__(self, *answers: "bool | ApiError") -> None:
        self._answers: Iterator[bool | ApiError] = iter(answers)

    async def take(self) -> bool:
        answer = next(self._answers)
        if isinstance(answer, ApiError):
            raise answer
        return answer


def renewed(*answers: "bool | ApiError", since: float = 0.0) -> bool:
    clock = Clock()
    holder = Holder(Answers(*answers), clock, lambda: (), lambda _: None, lambda: clock.now)
    return asyncio.run(holder._renewed(since))  # noqa: SLF001 - one renewal


def test_an_outage_does_not_cost_the_lease_while_nobody_else_can_have_it() -> None:
    assert renewed(AWAY, AWAY, AWAY, OURS)
    assert not renewed(AWAY, AWAY, ANOTHERS)


def test_an_outage_that_lasts_does() -> None:
    assert not renewed(*[AWAY] * int(HELD / 15 + 1))
    assert not renewed(AWAY, since=-HELD)


@pytest.mark.parametrize(
    ("answer", "told"),
    [(AWAY, []), (ApiError(403, "Forbidden", "cannot get leases"), [Reason.API_REFUSED]), (False, [])],
)
def test_what_keeps_an_agent_from_the_lease_is_named(answer: "bool | ApiError", told: list[Reason]) -> None:
    async def story() -> tuple[Rejection, ...]:
        heard: asyncio.Queue[tuple[Rejection, ...]] = asyncio.Queue()
        holder = Holder(Answers(answer), Patience(lambda: 0.0), lambda: (), heard.put_nowait, lambda: 0.0)
        work = asyncio.create_task(holder.run())
        first = await heard.get()
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        return first

    assert [rejection.reason for rejection in asyncio.run(asyncio.wait_for(story(), 5))] == told


class OneLease(Client):
    """An API server that has nothing but the Lease."""

    def __init__(self) -> None:
        super().__init__(Access("https://none", ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)), "test")
        self.lease: Json | None = None

    async def call(self, method: str, path: str, query: object = None, **sent: Any) -> Json:  # noqa: ANN401
        del path, query
        if method != "GET":
            version = int(self.lease["metadata"]["resourceVersion"]) if self.lease else 0
            self.lease = sent["body"] | {"metadata": {"resourceVersion": str(version + 1)}}
        if self.lease is None:
            raise ApiError(404, "NotFound", "there is none")
        return self.lease


async def takeover(others: int, seed: random.Random) -> float:
    """Seconds from the last renewal of a holder that dies to the first other that has the Lease."""
    now = 0.0
    async with OneLease() as server:
        holder = Lease(server, "holder", "here", lambda: now)
        leases = [Lease(server, f"n{number}", "here", lambda: now) for number in range(others)]
        looks = [(seed.uniform(1, ASK[1]), number) for number in range(others)]
        died = RENEW * seed.randint(20, 40)
        renewals = [RENEW * turn for turn in range(int(died / RENEW) + 1)]
        heapq.heapify(looks)
        while True:
            at, number = heapq.heappop(looks)
            for due in [each for each in renewals if each <= at]:
                now = due
                renewals.remove(due)
                assert await holder.take()
            now = at
            if await leases[number].take():
                assert not renewals, "it was taken from a holder that lives"
                return now - died
            heapq.heappush(looks, (now + seed.uniform(*ASK), number))


@pytest.mark.parametrize(("others", "most"), [(1, 2 * ASK[1]), (10, 2 * HELD), (250, 1.2 * HELD)])
def test_the_death_of_the_holder_is_soon_made_up_for(others: int, most: float) -> None:
    """However few are left; and with many it takes hardly longer than the Lease counts."""
    took = [asyncio.run(takeover(others, random.Random(seed))) for seed in range(20)]
    assert min(took) >= HELD
    assert max(took) <= most
