"""When it is known of a password what is there: an agent that restarts must not take its session away."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, cast

import pytest

from bgpnet.drivers.files.contents import SecretKey
from bgpnet.drivers.kube.client import Client
from bgpnet.drivers.kube.patience import Patience
from bgpnet.drivers.kube.saved import KeptPasswords
from bgpnet.drivers.kube.secrets import Secrets
from bgpnet.model.errors import ApiError

PLACE = SecretKey("rack1", "password")


class Refusing:
    """An API server that answers each list with an error; 0: with nothing."""

    def __init__(self, status: int | None) -> None:
        self._status = status

    async def pages(self, *_args: Any, **_more: Any) -> AsyncGenerator[Any, None]:  # noqa: ANN401 - whatever
        if self._status is not None:
            raise ApiError(self._status, "Reason", "message")
        yield {}


@pytest.mark.parametrize(
    ("status", "soon"), [(403, True), (0, False), (503, False)], ids=["forbidden", "no answer", "starting"]
)
def test_what_may_still_be_answered_is_waited_for(tmp_path: Path, status: int, *, soon: bool) -> None:
    async def story() -> None:
        failed = asyncio.Event()
        secrets = Secrets(
            cast("Client", Refusing(status)),
            "bgpnet-system",
            KeptPasswords(tmp_path / "passwords.json"),
            lambda: Patience(lambda: 0.5),
            failed.set,
        )
        secrets.follow([PLACE.name])
        assert not secrets.read([PLACE])
        await asyncio.wait_for(failed.wait(), 10)
        assert secrets.read([PLACE]) is soon
        secrets.patient = False
        assert secrets.read([PLACE])
        secrets.stop()

    asyncio.run(story())
