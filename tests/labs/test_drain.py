"""What withdraws a node's prefixes, as its ToR sees it: a drain, in the right order, and nothing else."""

import json
import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.labs.roughrack import BLOCK, NODES, VM, RoughRack, never_without, rough_rack, until
from tests.netlab import demo, faults

pytestmark = pytest.mark.lab

WAIT = 2.0
"""Seconds, as the manifest says."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RoughRack]:
    with rough_rack(tmp_path_factory.mktemp("drain")) as rack:
        path = rack.manifests / "00-bgp.yaml"
        text = path.read_text(encoding="utf-8")
        path.write_text(
            text.replace("localASN: 64512\n", "localASN: 64512\n  drainWait: 2\n"), encoding="utf-8"
        )
        yield rack


@pytest.fixture
def rack(running: RoughRack) -> RoughRack:
    running.settled()
    return running


def paths(rack: RoughRack) -> list[dict[str, Any]]:
    shown = rack.tor.run("vtysh", "-c", f"show bgp ipv4 unicast {BLOCK} json").stdout or "{}"
    return list(json.loads(shown).get("paths", []))


def asks_to_be_left_alone(rack: RoughRack) -> bool:
    found = paths(rack)
    return len(found) == len(NODES) and all(
        "gracefulShutdown" in path.get("community", {}).get("list", []) for path in found
    )


def watched(rack: RoughRack) -> tuple[float, float]:
    """Seconds until every path asks to be left alone, and from then until there is none."""
    begun = time.monotonic()
    until(lambda: asks_to_be_left_alone(rack), "graceful-shutdown on every path", within=15)
    led = time.monotonic()
    until(lambda: not paths(rack), "the withdrawals", within=20)
    return led - begun, time.monotonic() - led


def health(rack: RoughRack, page: str) -> str:
    """Status and text of a page of the agent's."""
    curl = ("curl", "-s", "-w", "%{http_code}", "--unix-socket", "/run/bgpnet/agent.sock")
    told = rack.node.run(*curl, f"http://agent/{page}").stdout
    return f"{told[-3:]} {told[:-3].strip()}"


def test_pain_point_8_a_drain_leads_traffic_away_before_it_withdraws(rack: RoughRack) -> None:
    before = rack.up_since()
    process = rack.node.spawn(demo.BGPNET, "drain", "node1")
    led, withdrawn = watched(rack)
    # From the command on: however late this process sees the one, the other is no sooner for it.
    assert led + withdrawn > WAIT - 0.1
    assert process.wait(20) == 0
    assert rack.same_sessions(before), "sessions stay"
    assert len(rack.ways(VM)) == len(NODES), "what the node has learned stays"
    assert rack.status()["drain"] == "drained"
    assert rack.node.run(demo.BGPNET, "status").code == 1
    assert health(rack, "readyz").startswith("503 the node is drained")
    assert health(rack, "settled") == "200 drained"
    faults.kill(rack.node, "agent")
    until(lambda: rack.status().get("drain", "") != "", "a new agent knows of it")
    time.sleep(WAIT + 1)
    assert not paths(rack), "and announces nothing anew"
    assert rack.node.run(demo.BGPNET, "drain", "node1", "--undo").code == 0
    rack.settled()
    assert health(rack, "settled") == "200 ready"
    assert not asks_to_be_left_alone(rack)


def test_the_label_drains_and_with_its_value_ends_the_sessions(rack: RoughRack) -> None:
    path = rack.manifests / "21-node1.yaml"
    text = path.read_text(encoding="utf-8")
    label = "metadata: {name: node1, labels: {bgpnet.io/drain: sessions}}"
    path.write_text(text.replace("metadata: {name: node1}", label), encoding="utf-8")
    try:
        watched(rack)
        until(lambda: not rack.up_since(), "no session is left")
        told = rack.node.run(demo.BGPNET, "drain", "node1", "--undo")
        assert (told.code, "label" in told.stderr) == (1, True)
    finally:
        path.write_text(text, encoding="utf-8")
    rack.settled()


def test_another_nodes_name_drains_nothing(rack: RoughRack) -> None:
    told = rack.node.run(demo.BGPNET, "drain", "node2")
    assert told.code == 1
    assert "this is node node1, not node2" in told.stderr
    assert rack.status()["drain"] == ""


@pytest.mark.parametrize("role", ["agent", "cni", "speaker", "relay"])
def test_sigterm_withdraws_nothing(rack: RoughRack, role: str) -> None:
    """An upgrade and a stop look the same: the ToR's kernel keeps its route all the while."""
    with never_without(rack):
        for process in faults.having(rack.node, role):
            os.kill(process.pid, signal.SIGTERM)
        time.sleep(1)
        rack.settled()
