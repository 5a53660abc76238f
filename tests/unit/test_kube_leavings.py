"""What `bgpnet forget` takes away of a cluster, and what it leaves."""

import asyncio

from bgpnet.drivers.kube.leavings import forget
from bgpnet.model.errors import ApiError
from tests.unit.apiserver import Asked, Json, PlayedServer

OURS = "/apis/bgpnet.io/v1alpha1"

LEASE = "/apis/coordination.k8s.io/v1/namespaces/bgpnet-system/leases/bgpnet-quarantine"


class Server(PlayedServer):
    """Lists what a test puts there, one object a page, and keeps what it is told to change."""

    def __init__(self, lists: dict[str, list[Json]]) -> None:
        self._lists = lists
        self.changed: list[tuple[str, str, object]] = []

    def answer(self, asked: Asked) -> Json:
        path = asked.path
        if asked.method != "GET":
            self.changed.append((asked.method, path, asked.body))
            if path.endswith("-gone") or path == LEASE:
                raise ApiError(404, "NotFound", "not found")
            return {}
        if path not in self._lists:
            raise ApiError(404, "NotFound", "the server could not find the requested resource")
        at = int((asked.query or {}).get("continue", 0))
        found = self._lists[path]
        more = {"continue": str(at + 1)} if at + 1 < len(found) else {}
        return {"metadata": more, "items": found[at : at + 1]}


def node(name: str, ready: str = "True", *, marked: bool = False) -> Json:
    foreign = {"key": "example.org/mine", "effect": "NoSchedule"}
    taints = [foreign, *([{"key": "bgpnet.io/not-ready", "effect": "NoSchedule"}] if marked else [])]
    reason = "RouteReady" if marked else "RouteCreated"
    conditions = [
        {"type": "Ready", "status": ready},
        {"type": "NetworkUnavailable", "status": "False", "reason": reason},
    ]
    return {"metadata": {"name": name}, "spec": {"taints": taints}, "status": {"conditions": conditions}}


def block(name: str, on: str) -> Json:
    metadata = {"name": name, "resourceVersion": "7", "finalizers": ["bgpnet.io/quarantine", "example.org/x"]}
    return {"metadata": metadata, "spec": {"node": on}}


def test_what_agents_made_goes_and_what_others_made_stays() -> None:
    named = [{"metadata": {"name": name}} for name in ("n1", "n3", "n4-gone")]
    server = Server(
        {
            "/api/v1/nodes": [node("n1", marked=True), node("n2"), node("n3", "Unknown")],
            f"{OURS}/ipblocks": [block("b1", "n1"), block("b3", "n3"), block("b-gone", "n9")],
            f"{OURS}/bgpnodestatuses": named,
            f"{OURS}/bgppeers": [{"metadata": {"name": "mine"}}],
        }
    )
    left = asyncio.run(forget(server, "bgpnet-system"))
    assert left.away == ("n3",)
    assert left.users == ("BGPPeer/mine",)
    kept = {"metadata": {"finalizers": ["example.org/x"], "resourceVersion": "7"}}
    assert server.changed == [
        (
            "PATCH",
            "/api/v1/nodes/n1",
            {"spec": {"taints": [{"$patch": "delete", "key": "bgpnet.io/not-ready"}]}},
        ),
        (
            "PATCH",
            "/api/v1/nodes/n1/status",
            {"status": {"conditions": [{"$patch": "delete", "type": "NetworkUnavailable"}]}},
        ),
        ("PATCH", f"{OURS}/ipblocks/b1", kept),
        ("DELETE", f"{OURS}/ipblocks/b1", None),
        ("PATCH", f"{OURS}/ipblocks/b-gone", kept),
        ("DELETE", f"{OURS}/ipblocks/b-gone", None),
        ("DELETE", f"{OURS}/bgpnodestatuses/n1", None),
        ("DELETE", f"{OURS}/bgpnodestatuses/n4-gone", None),
        ("DELETE", LEASE, None),
    ]


def test_a_cluster_without_our_kinds_has_nothing_to_forget() -> None:
    server = Server({"/api/v1/nodes": []})
    left = asyncio.run(forget(server, "bgpnet-system"))
    assert (left.away, left.users) == ((), ())
