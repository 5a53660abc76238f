"""The whole agent between a real API server and a real router: from an object to the router's kernel."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

import pytest

from tests.cluster.blocks import drop
from tests.cluster.controlplane import ControlPlane, manifest, until
from tests.cluster.rack import MERGE, OURS, Rack, declared, pss, rack

pytestmark = pytest.mark.cluster

NODES = 5000

AWAY = 60.0
"""Seconds without the API server."""


@pytest.fixture
def running(rack_of_module: Rack) -> Iterator[Rack]:
    """The rack with its line whole, whatever a test that failed left."""
    yield rack_of_module
    rack_of_module.line.mend()


@pytest.fixture(scope="module")
def rack_of_module(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rack]:
    """Node n1 with a block, a session, and its prefix in the router's kernel."""
    with declared(plane), rack(plane, tmp_path_factory.mktemp("rack")) as made:
        until(made.routes, "the router has a route", made.log)
        yield made


def block(number: int) -> tuple[str, dict[str, Any]]:
    """A block of a part of the pool that the agent hardly tries, given to n1 by an administrator."""
    cidr = f"10.1.{number}.0/26"
    return cidr, manifest("IPBlock", cidr.replace("/", "-"), {"cidr": cidr, "node": "n1", "pool": "pods"})


def requests(plane: ControlPlane, since: float) -> list[str]:
    """What the agent asked of the API server since then, but watches and the Lease."""
    found = []
    for line in plane.audit_log.read_text().splitlines():
        entry = json.loads(line)
        ours = entry.get("userAgent", "").startswith("bgpnet/") and entry["verb"] != "watch"
        late = entry["stageTimestamp"] > time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(since))
        if ours and late and entry["objectRef"]["resource"] != "leases":
            found.append(f"{entry['verb']} {entry['requestURI']}")
    return found


def quiet(plane: ControlPlane) -> bool:
    """Whether the agent has asked nothing for longer than it takes between two reports, or two looks."""
    return not requests(plane, time.time() - 20)


def judged(plane: ControlPlane, plural: str) -> bool:
    """Whether every object of a kind says if the nodes take it."""
    items = plane.request("GET", f"{OURS}/{plural}")[1]["items"]
    return all(item.get("status", {}).get("conditions") for item in items)


def test_the_node_becomes_ready_and_says_so(plane: ControlPlane, running: Rack) -> None:
    def report() -> Any:  # noqa: ANN401 - decoded JSON
        code, found = plane.request("GET", f"{OURS}/bgpnodestatuses/n1")
        return found.get("status", {}) if code == HTTPStatus.OK else {}

    until(lambda: report().get("sessionsUp") == 1, "the report says that the session is up", running.log)
    (only,) = running.routes()
    assert report()["prefixes"] == [only]


def heard(running: Rack, cidr: str) -> Callable[[], float | None]:
    """When the router's kernel last spoke of a prefix."""
    return lambda: next((at for at, line in running.events if cidr in line), None)


def test_a_change_in_the_api_is_in_the_routers_kernel_at_once(plane: ControlPlane, running: Rack) -> None:
    delays = []
    for number in range(1, 51):
        cidr, body = block(number)
        for method, path, state in (("POST", "", True), ("DELETE", f"/{body['metadata']['name']}", False)):
            began = time.monotonic()
            running.events.clear()
            sent = body if state else None
            assert plane.request(method, f"{OURS}/ipblocks{path}", sent)[0] in (200, 201)
            what = f"{cidr} {'comes' if state else 'goes'}"
            delays.append(until(heard(running, cidr), what, running.log) - began)
    delays.sort()
    p50, p99 = delays[len(delays) // 2], delays[int(len(delays) * 0.99) - 1]
    print(f"API request to kernel route, {len(delays)} changes: p50 {p50:.3f} s, p99 {p99:.3f} s")
    assert p50 < 0.1
    assert p99 < 0.4


def test_while_the_api_is_away_nothing_changes_on_the_wire(plane: ControlPlane, running: Rack) -> None:
    until(lambda: quiet(plane), "the agent has said all that it had to", running.log)
    before = running.routes()
    running.events.clear()
    running.line.cut()
    gone = time.monotonic()
    cidr, body = block(60)
    assert plane.request("POST", f"{OURS}/ipblocks", body)[0] == 201
    try:
        _away_and_back(plane, running, gone, before, cidr)
    finally:
        running.line.mend()
        drop(plane, body["metadata"]["name"])
        until(lambda: running.routes() == before, "all is as before", running.log)


def _away_and_back(plane: ControlPlane, running: Rack, gone: float, before: set[str], cidr: str) -> None:
    until(lambda: time.monotonic() - gone > AWAY, "a minute has passed")
    assert running.routes() == before
    assert running.events == []
    back = time.time()
    running.line.mend()
    until(lambda: cidr in running.routes(), "what changed meanwhile is made up for", running.log)
    until(lambda: not running.stale(), "every kind is followed again", running.log)
    mended = time.monotonic()
    until(lambda: time.monotonic() - mended > 10, "what follows is over")
    asked = requests(plane, back)
    print(f"API server away for {AWAY:g} s; requests once it is back, beside watches and lease: {asked}")
    assert len(asked) < 5, asked


def test_an_agent_that_is_killed_and_restarts_without_the_api_changes_nothing(running: Rack) -> None:
    before = running.routes()
    own = min(before)
    pod = f"{own.split('/')[0].rsplit('.', 1)[0]}.{int(own.split('/')[0].rsplit('.', 1)[1]) + 9}/32"
    until((running.folder / "run" / "cni.sock").exists, "the CNI server is up", running.log)
    running.node.ip("link", "add", "pod1", "type", "veth", "peer", "name", "pod2")
    running.node.ip("link", "set", "pod1", "up")
    running.node.ip("route", "add", pod, "dev", "pod1", "proto", "180", "metric", "178")
    running.events.clear()
    running.line.cut()
    agent = running.process("agent")
    running.node.run("kill", "-9", str(agent))
    until(lambda: running.process("agent") not in (0, agent), "the supervisor starts it again", running.log)
    until(lambda: "state that was saved" in running.log(), "it takes the saved state", running.log)
    until(lambda: running.status().get("prefixes") == [own], "it knows its prefix", running.log)
    assert running.routes() == before
    running.line.mend()
    until(lambda: not running.stale(), "the API is read again", running.log)
    assert running.routes() == before
    assert running.events == []
    running.node.ip("link", "del", "pod1")


def test_an_idle_agent_asks_hardly_anything(plane: ControlPlane, running: Rack) -> None:
    """From when it holds the Lease, and has told what the tests before this one did."""

    def holds() -> bool:
        said = running.whole_log().rpartition("agent starts")[2].count("lease held") > 0
        return said and all(judged(plane, plural) for plural in ("bgpconfigurations", "bgppeers", "ippools"))

    until(holds, "the agent holds the Lease and has judged every object", running.log, 180)
    until(lambda: quiet(plane), "the agent has said all", running.log)
    began = time.time()
    until(lambda: time.time() - began > 60, "a minute has passed")
    asked = requests(plane, began)
    print(f"requests of an idle agent in 60 s, beside watches and lease: {len(asked)} {asked}")
    assert len(asked) < 1


IMAGES = [{"names": [f"registry.example/{n}@sha256:{'0' * 64}"], "sizeBytes": 1} for n in range(20)]

SESSION = {
    "peer": "10.0.1.1", "object": "BGPPeer/tor", "peerASN": 65001, "state": "Established",
    "announced": 1, "received": 1,
}  # fmt: skip

REPORT = {
    "ready": True,
    "version": "1",
    "sessionsUp": 2,
    "sessionsWanted": 2,
    "sessions": [SESSION] * 2,
    "refused": 0,
}


def crowd(plane: ControlPlane, numbers: range) -> None:
    """Nodes with what their agents report."""
    connection = plane.connection()
    headers = {"Authorization": "Bearer admin-token"}

    def ask(method: str, path: str, body: dict[str, Any], kind: str = "application/json") -> None:
        connection.request(method, path, json.dumps(body), headers | {"Content-Type": kind})
        answer = connection.getresponse()
        answer.read()
        assert answer.status in (200, 201)

    try:
        for number in numbers:
            metadata = {"metadata": {"name": f"other{number}"}}
            cidr = f"10.{64 + number // 256}.{number % 256}.0/24"
            node = {
                "apiVersion": "v1",
                "kind": "Node",
                "spec": {"podCIDR": cidr},
                "status": {"images": IMAGES},
            }
            ask("POST", "/api/v1/nodes", node | metadata)
            told = {"apiVersion": "bgpnet.io/v1alpha1", "kind": "BGPNodeStatus"} | metadata
            ask("POST", f"{OURS}/bgpnodestatuses", told)
            ask("PATCH", f"{OURS}/bgpnodestatuses/other{number}/status", {"status": REPORT}, MERGE)
    finally:
        connection.close()


def test_thousands_of_nodes_cost_no_memory(plane: ControlPlane, running: Rack) -> None:
    """Neither an agent as it starts, nor the one that reads what all of them report."""
    before = pss(running.process("agent"))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda first: crowd(plane, range(first, NODES, 8)), range(8)))
    running.node.run("kill", "-9", str(running.process("agent")))
    until(lambda: running.status().get("ready"), "an agent that starts now is ready", running.log)
    started = pss(running.process("agent"))

    def summed() -> bool:
        told = plane.request("GET", f"{OURS}/bgppeers/tor")[1].get("status", {})
        return bool(told.get("sessionsWanted") == 2 * NODES + 1)

    until(summed, "the holder of the Lease has read every report", running.log, 180)
    holder = pss(running.process("agent"))
    print(
        f"agent with {NODES} Nodes in the cluster: {started:.1f} MiB PSS as it starts, {holder:.1f} as the "
        f"Lease's holder that has read their reports ({before:.1f} before, with one Node)"
    )
    assert max(started, holder) < 70
