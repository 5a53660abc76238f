"""What an agent writes about its Node, in each life of that."""

import asyncio

from bgpnet.drivers.kube.patience import Patience
from bgpnet.drivers.kube.reporter import Reporter
from bgpnet.model.rejection import Rejection
from bgpnet.model.status import NodeStatus
from tests.unit.apiserver import Asked, Json, PlayedServer

READY = NodeStatus("n1", "1", True, (), (), (), (), (), ())  # noqa: FBT003 - a field's value

CONDITION = "/api/v1/nodes/n1/status"


class Server(PlayedServer):
    """Keeps the paths that it is told to change."""

    def __init__(self) -> None:
        self.changed: list[str] = []

    def answer(self, asked: Asked) -> Json:
        if asked.method != "GET":
            self.changed.append(asked.path)
        return {}


class Followed:
    """The Node as it was last told."""

    def __init__(self) -> None:
        self.node: Json = {}

    def object(self, kind: str, name: str) -> Json | None:
        assert (kind, name) == ("Node", "n1")
        return self.node

    def settled(self) -> bool:
        return True

    def refused(self, by: str, rejections: tuple[Rejection, ...]) -> None:
        raise AssertionError((by, rejections))


def life(uid: str, *conditions: Json) -> Json:
    """A Node of this uid."""
    return {"metadata": {"name": "n1", "uid": uid}, "status": {"conditions": list(conditions)}}


def test_a_node_that_is_deleted_and_joins_again_is_cleared_again() -> None:
    """`kubectl delete node`, and the kubelet restarts: the agent sees another uid."""
    server, followed = Server(), Followed()
    reporter = Reporter(server, Patience(lambda: 0.5), lambda: READY, followed, lambda: 0.0)
    lost = {"type": "NetworkUnavailable", "status": "True", "reason": "NoRouteCreated"}
    written = []
    # Somebody else's word in the middle of a life stands.
    for node in (life("a"), life("a"), life("a", lost), life("b"), life("b"), life("c", lost)):
        followed.node = node
        assert asyncio.run(reporter.report()) == []
        written.append(server.changed.count(CONDITION))
    assert written == [1, 1, 1, 2, 2, 3]
