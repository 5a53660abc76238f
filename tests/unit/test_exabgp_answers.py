"""How ExaBGP's own process carries out what API commands schedule."""

import asyncio
from collections.abc import Iterator

import pytest
from exabgp.reactor.asynchronous import ASYNC

from bgpnet.speaker.exabgp_daemon import carry_out


def test_what_is_scheduled_is_carried_out_without_an_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """An event loop needs descriptors, and without any left ExaBGP ended itself."""
    monkeypatch.setattr(asyncio, "new_event_loop", lambda: pytest.fail("it makes an event loop"))
    seen: list[int] = []

    def answer() -> Iterator[None]:
        for number in range(ASYNC.LIMIT + 1):
            seen.append(number)
            yield

    scheduled = ASYNC()
    assert carry_out(scheduled) is False
    scheduled._async.append(("relay", answer()))  # noqa: SLF001 - `schedule` wants ExaBGP's log
    assert carry_out(scheduled) is True, "as much of it as in one go of ExaBGP's"
    assert len(seen) == ASYNC.LIMIT
    assert carry_out(scheduled) is False
    assert len(seen) == ASYNC.LIMIT + 1
    assert scheduled.ready()
