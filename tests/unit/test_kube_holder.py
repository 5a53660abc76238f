"""Who does what is done once for the whole cluster, over an API server that comes and goes."""

import asyncio
from collections.abc import Iterator

import pytest

from bgpnet.drivers.kube.holder import Holder
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

    async def wait(self) -> None:
        self.now += 15.0


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
