"""What `bgpnet await` makes of the pods and nodes that the API server tells of."""

import asyncio

import pytest

from bgpnet.drivers.kube.rollout import gone, ready
from bgpnet.model.errors import ApiError, NotThereError
from tests.unit.apiserver import Asked, Json, PlayedServer


class Server(PlayedServer):
    """Answers from what a test puts there."""

    def __init__(
        self, pods: list[Json], wanted: int | None, away: tuple[str, ...] = (), seen: int = 1
    ) -> None:
        self._pods = pods
        self._wanted = wanted
        self._away = away
        self._seen = seen

    def answer(self, asked: Asked) -> Json:
        path = asked.path
        assert (asked.method, asked.body, asked.kind, asked.accept) == ("GET", None, "", "")
        if path.endswith("/pods"):
            assert asked.query == {
                "labelSelector": "app.kubernetes.io/name=bgpnet,app.kubernetes.io/component=drain"
            }
            return {"items": self._pods}
        if path == "/api/v1/nodes":
            states = {"n1": "True", "n2": "False"} | dict.fromkeys(self._away, "Unknown")
            return {
                "items": [
                    {
                        "metadata": {"name": name},
                        "status": {"conditions": [{"type": "Ready", "status": status}]},
                    }
                    for name, status in states.items()
                ]
            }
        if self._wanted is None:
            raise ApiError(404, "NotFound", path)
        status = {"desiredNumberScheduled": self._wanted, "observedGeneration": self._seen}
        return {"metadata": {"generation": 1}, "status": status}


def pod(node: str, *, is_ready: bool = True, ending: bool = False, why: str = "") -> Json:
    meta: Json = {"deletionTimestamp": "2026-01-01T00:00:00Z"} if ending else {}
    status: Json = {"conditions": [{"type": "Ready", "status": str(is_ready)}]}
    if why:
        state = {
            "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"message": why}},
        }
        status["initContainerStatuses"] = [{"name": "restore", "ready": False, **state}]
    return {"metadata": meta, "spec": {"nodeName": node}, "status": status}


def waited(server: Server) -> tuple[str, ...]:
    return asyncio.run(ready(server, "bgpnet-system", "bgpnet-drain", 0.0))


def test_all_pods_are_ready_also_on_a_node_that_is_not() -> None:
    """A node whose network is taken away is NotReady, and no less there."""
    assert waited(Server([pod("n1"), pod("n2")], 2)) == ()


def test_a_node_that_is_away_is_named_and_not_waited_for() -> None:
    assert waited(Server([pod("n1"), pod("n2"), pod("n3", is_ready=False)], 3, away=("n3",))) == ("n3",)


@pytest.mark.parametrize(
    ("server", "told"),
    [
        (Server([pod("n1")], 2), "1 of 2 pods are ready"),
        (Server([], 0, seen=0), "0 of yet unknown pods"),
        (Server([], None), "0 of yet unknown pods"),
        (
            Server([pod("n1"), pod("n2", is_ready=False, why="it stays: Permission denied")], 2),
            "n2: container restore: CrashLoopBackOff it stays: Permission denied",
        ),
        (Server([pod("n1"), pod("n2", is_ready=False)], 2), "n2: unknown"),
        (Server([pod("n1"), pod("n2", ending=True)], 2), "n2: it is ending"),
    ],
)
def test_what_is_missing_is_told(server: Server, told: str) -> None:
    with pytest.raises(NotThereError, match=told):
        waited(server)


def test_nothing_is_left_when_daemonset_and_pods_are_gone() -> None:
    async def left(server: Server) -> tuple[str, ...]:
        return await gone(server, "bgpnet-system", "bgpnet-drain", 0.0)

    assert asyncio.run(left(Server([], None))) == ()
    assert asyncio.run(left(Server([pod("n3")], None, away=("n3",)))) == ("n3",)
    for server in (Server([], 2), Server([pod("n1", ending=True)], None), Server([pod("n1")], None)):
        with pytest.raises(NotThereError, match="still there"):
            asyncio.run(left(server))
