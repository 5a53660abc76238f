"""natOutgoing, judged by who sees which address: a VM sees pods, a server that knows no way back the node."""

import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.labs.roughrack import until
from tests.netlab import demo, faults, life, reading
from tests.netlab.lab import REPOSITORY, Lab
from tests.netlab.node import RunningNode

pytestmark = pytest.mark.lab

FOLDER = REPOSITORY / "tests" / "labs" / "nat"
VM = {"ipv4": "192.0.2.10", "ipv6": "2001:db8:2::10"}
SERVER = {"ipv4": "203.0.113.10", "ipv6": "2001:db8:3::10"}
POD = {"ipv4": "10.244.1.1", "ipv6": "fd00:244:1::1"}
NODE = {"ipv4": "10.0.1.11", "ipv6": "2001:db8:1::11"}
FIRST = {"ipv4": "10.244.1.0", "ipv6": "fd00:244:1::"}
"""Of each block: the node's own, from which it probes."""

FROM = """
import socket, sys
source, target = sys.argv[1:]
family, level, freebind = (10, 41, 78) if ":" in target else (2, 0, 15)
with socket.socket(family) as s:
    s.settimeout(3)
    s.setsockopt(level, freebind, 1)  # an address of no link
    s.bind((source, 0))
    s.connect((target, 80))
    s.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
    print(s.makefile().read())
"""
"""Fetches a page from one of the node's own addresses."""

WITHIN = 5.0
"""Seconds, beside other tests."""

both_families = pytest.mark.parametrize("family", ["ipv4", "ipv6"])


@dataclass(frozen=True)
class Rack:
    """The lab, up."""

    lab: Lab
    manifests: Path

    @property
    def node(self) -> RunningNode:
        return self.lab.node("node1")

    def seen(self, address: str, at: str = "node1", pod: str = "pod11") -> str:
        """Whose address the other end sees; empty without an answer."""
        host = f"[{address}]" if ":" in address else address
        argv = ("curl", "-sS", "--max-time", "3", f"http://{host}/")
        done = self.lab.node(at).run(*argv, pod=pod)
        print(done.stderr, end="")
        return done.stdout.strip().rpartition(" sees ")[2]

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.manifests / name
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")

    def status(self) -> dict[str, Any]:
        done = self.node.run(demo.BGPNET, "status", "-o", "json")
        return dict(json.loads(done.stdout)) if done.stdout.startswith("{") else {}

    def tables(self) -> set[str]:
        listed = json.loads(self.node.run("nft", "-j", "list", "tables").stdout)
        return {each["table"]["name"] for each in listed["nftables"] if "table" in each}

    def settled(self) -> None:
        until(lambda: self.node.run(demo.BGPNET, "status").code == 0, "the node is fine")
        until(lambda: "bgpnet" in self.tables(), "the table is there")
        for host in ("vm", "server"):
            until(lambda: self.seen("127.0.0.1", at=host, pod="") == "127.0.0.1", f"the page of {host}")  # noqa: B023 - asked at once


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rack]:
    work = tmp_path_factory.mktemp("nat")
    manifests = work / "manifests"
    shutil.copytree(FOLDER / "configs" / "manifests", manifests)
    environment = {**os.environ, "MANIFESTS": str(manifests)}
    options = reading.Options(work / "out", environment, name_prefix=f"nat{os.getpid()}-")
    with life.running(reading.read(FOLDER, options), work / "out", print) as lab:
        yield Rack(lab, manifests)


@pytest.fixture
def rack(running: Rack) -> Rack:
    running.settled()
    return running


@contextmanager
def edited(rack: Rack, name: str, old: str, new: str) -> Iterator[None]:
    rack.edit(name, old, new)
    try:
        yield
    finally:
        rack.edit(name, new, old)


@both_families
def test_a_vm_and_a_pod_see_each_others_own_addresses(rack: Rack, family: str) -> None:
    assert rack.seen(POD[family], at="vm", pod="") == VM[family]
    assert rack.seen(VM[family]) == POD[family]


@both_families
def test_a_server_in_no_listed_network_sees_the_node(rack: Rack, family: str) -> None:
    assert rack.seen(SERVER[family]) == NODE[family]
    assert rack.seen(POD[family], at="server", pod="") == SERVER[family], (
        "whoever opens one is never translated"
    )


@both_families
def test_what_the_node_itself_sends_is_not_translated(rack: Rack, family: str) -> None:
    """The return-path probe would prove nothing with another source."""
    page = rack.node.run(sys.executable, "-c", FROM, FIRST[family], SERVER[family]).checked("fetch").stdout
    assert page.strip().rpartition(" sees ")[2] == FIRST[family]


def test_listed_networks_see_pods(rack: Rack) -> None:
    with edited(rack, "00-bgp.yaml", "localASN: 64512\n", "localASN: 64512\n  natExcept: [203.0.113.0/24]\n"):
        until(lambda: rack.seen(SERVER["ipv4"]) == POD["ipv4"], "the server sees the pod")
        assert rack.seen(SERVER["ipv6"]) == NODE["ipv6"]
    until(lambda: rack.seen(SERVER["ipv4"]) == NODE["ipv4"], "the server sees the node again")


def test_the_nodes_loopback_address_is_what_a_server_sees_where_it_has_one(rack: Rack) -> None:
    rack.node.run("ip", "address", "add", "10.255.0.11/32", "dev", "lo").checked("ip")
    ranges = "localASN: 64512\n  loopbackCIDRs: [10.255.0.0/24]\n"
    with edited(rack, "00-bgp.yaml", "localASN: 64512\n", ranges):
        until(lambda: rack.seen(SERVER["ipv4"]) == "10.255.0.11", "the server sees the loopback address")
    until(lambda: rack.seen(SERVER["ipv4"]) == NODE["ipv4"], "the server sees the link's again")


def test_without_a_pool_that_asks_the_table_goes_and_comes_back_with_it(rack: Rack) -> None:
    rack.node.run("nft", "add table inet other").checked("nft")
    with edited(rack, "10-pools.yaml", "natOutgoing: true", "natOutgoing: false"):
        until(lambda: rack.tables() == {"other"}, "our table is gone, and no other")
        assert rack.seen(SERVER["ipv4"]) == POD["ipv4"]
        assert rack.seen(SERVER["ipv6"]) == POD["ipv6"]
        assert rack.status()["nat"] == []
    until(lambda: rack.seen(SERVER["ipv4"]) == NODE["ipv4"], "the server sees the node again")
    until(lambda: rack.tables() == {"other", "bgpnet"}, "both are there")
    rack.node.run("nft", "delete table inet other").checked("nft")


def test_a_flushed_ruleset_is_back_at_once(rack: Rack) -> None:
    """Within a second on a machine of its own; without an event it would take up to 30."""
    for _ in range(2):
        time.sleep(2)  # an agent that has just been asked to do something looks anyway
        rack.node.run("nft", "flush", "ruleset").checked("nft")
        took = until(lambda: "bgpnet" in rack.tables(), "the table is back", within=WITHIN)
        print(f"back after {took * 1000:.0f} ms")
    assert rack.seen(SERVER["ipv4"]) == NODE["ipv4"]


def test_an_agent_that_dies_takes_no_translation_along(rack: Rack) -> None:
    with faults.dead(rack.node, "agent"):
        assert rack.seen(SERVER["ipv4"]) == NODE["ipv4"]
        rack.node.run("nft", "flush", "ruleset").checked("nft")
    until(lambda: "bgpnet" in rack.tables(), "the next one writes it anew")
    assert rack.seen(SERVER["ipv4"]) == NODE["ipv4"]


def test_status_and_metrics_tell_of_it(rack: Rack) -> None:
    until(lambda: len(rack.status().get("nat", ())) == len(POD), "both families are told of")
    first, second = rack.status()["nat"]
    assert (first["family"], first["pods"], first["in_place"]) == ("ipv4", ["10.244.1.0/26"], True)
    assert first["kept"] == ["10.244.0.0/16", "192.0.2.0/24"]
    assert second["pods"] == ["fd00:244:1::/64"]
    asked = ("curl", "-sS", "--unix-socket", "/run/bgpnet/agent.sock", "http://agent/metrics")
    page = rack.node.run(*asked).stdout
    assert 'bgpnet_nat_in_place{family="ipv6"} 1.0' in page
    assert 'bgpnet_nat_prefixes{family="ipv4"} 1.0' in page
