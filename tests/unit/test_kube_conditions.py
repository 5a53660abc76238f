"""What the holder of the Lease writes into users' objects, and how much of it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from bgpnet.drivers.kube.conditions import MOST, SETTLE, Conditions
from bgpnet.drivers.kube.patience import Patience
from bgpnet.drivers.kube.verdicts import kept
from bgpnet.model.errors import ApiError

NOT_CONNECTED = {
    "object": "BGPPeer/tor0", "field": "spec.peerAddress", "found": "192.0.2.1", "reason": "NotConnected",
    "remedy": "add a link",
}  # fmt: skip


class World:
    """An API server, the objects in it, and a holder that looks at it."""

    def __init__(self, peers: int = 1) -> None:
        self.now = 0.0
        self.peers = {f"tor{number}": self._metadata(number) for number in range(peers)}
        self.whole = True
        self.found: list[Any] = []
        """What earlier holders wrote."""
        self.asked: list[tuple[str, str, Any]] = []
        self.refusal: ApiError | None = None
        client: Any = self
        self.conditions = Conditions(
            client, "n1", Patience(lambda: 0.5), self, lambda: self.now, lambda: 1e9 + self.now
        )
        self.report()

    @staticmethod
    def _metadata(number: int) -> dict[str, Any]:
        return {"metadata": {"name": f"tor{number}", "uid": f"u{number}", "generation": 1}}

    def report(self, *refused: dict[str, str]) -> None:
        """What node n1 says."""
        metadata = {"name": "n1", "resourceVersion": "1"}
        told = kept({"metadata": metadata, "status": {"rejections": list(refused)}})
        self.conditions._reports.objects = {"n1": told}  # noqa: SLF001 - as its watch would
        self.conditions._reports.synced = True  # noqa: SLF001 - likewise

    def objects(self, kind: str) -> Mapping[str, Any]:
        return self.peers if kind == "BGPPeer" else {}

    def settled(self) -> bool:
        return self.whole

    async def pages(self, path: str) -> AsyncIterator[Any]:
        yield {"metadata": {}, "items": self.found if path.endswith("/bgppeers") else []}

    async def call(
        self, method: str, path: str, query: object = None, *, body: object = None, kind: str = ""
    ) -> None:
        del query, kind
        if self.refusal is not None:
            raise self.refusal
        self.asked.append((method, path, body))

    def look(self, after: float = 0.0) -> list[tuple[str, str, Any]]:
        """What a look after so many seconds asks."""
        self.now += after
        self.asked = []
        asyncio.run(self.conditions.look())
        return self.asked


def condition(asked: list[tuple[str, str, Any]]) -> Any:  # noqa: ANN401 - decoded JSON
    (body,) = [body for method, _, body in asked if method == "PATCH"]
    return body["status"]["conditions"][0]


def test_an_object_is_judged_when_the_reports_can_be_about_it_and_once() -> None:
    world = World()
    assert world.look() == []
    told = condition(world.look(SETTLE))
    assert (told["status"], told["observedGeneration"]) == ("True", 1)
    assert world.look(60) == []
    world.peers["tor0"] = {"metadata": {"name": "tor0", "uid": "u0", "generation": 2}}
    assert world.look(1) == []
    assert condition(world.look(SETTLE))["observedGeneration"] == 2


def test_a_refusal_turns_the_condition_and_is_an_event_once() -> None:
    world = World()
    world.look()
    before = condition(world.look(SETTLE))["lastTransitionTime"]
    world.report(NOT_CONNECTED)
    asked = world.look(30)
    turned = condition(asked)
    assert (turned["status"], turned["reason"]) == ("False", "NotConnected")
    assert turned["lastTransitionTime"] > before
    (event,) = [body for method, _, body in asked if method == "POST"]
    assert event["regarding"] == {
        "apiVersion": "bgpnet.io/v1alpha1", "kind": "BGPPeer", "name": "tor0", "uid": "u0"
    }  # fmt: skip
    world.report(NOT_CONNECTED | {"found": "192.0.2.2"})
    asked = world.look(30)
    assert condition(asked)["lastTransitionTime"] == turned["lastTransitionTime"]  # still refused
    world.report()
    assert condition(world.look(30))["status"] == "True"


def test_no_look_writes_more_than_it_may_and_everybody_has_a_turn() -> None:
    world = World(peers=3 * MOST)
    world.look()
    looks = [world.look(SETTLE) for _ in range(4)]
    assert [len(asked) for asked in looks] == [MOST, MOST, MOST, 0]
    assert len({path for asked in looks for _, path, _ in asked}) == 3 * MOST


def test_what_an_earlier_holder_wrote_stays() -> None:
    world = World()
    world.look()
    written = [body["status"] for _, _, body in world.look(SETTLE)]
    later = World()
    later.now = 1000.0
    later.found = [{"metadata": {"uid": "u0"}, "status": written[0]}]
    later.look()
    assert later.look(SETTLE) == []


def test_nothing_is_judged_by_a_cluster_that_was_not_read_whole() -> None:
    world = World()
    world.whole = False
    world.look()
    assert world.look(SETTLE) == []


def warned(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize("status", [404, 409])
def test_an_object_that_went_meanwhile_or_has_no_status_is_asked_once(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    world = World()
    world.look()
    world.refusal = ApiError(status, "Gone", "gone")
    assert world.look(SETTLE) == []
    assert warned(caplog) == []
    world.refusal = None
    assert world.look(SETTLE) == []
    world.report(NOT_CONNECTED)
    world.refusal = ApiError(403, "Forbidden", "no")
    world.look(SETTLE)
    world.look(SETTLE)
    (said,) = warned(caplog)  # once
    assert "conditions of objects not written" in said
