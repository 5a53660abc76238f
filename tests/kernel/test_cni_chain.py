"""Chains with the reference plug-ins behind us, driven by the reference runtime library (by cnitool)."""

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from bgpnet.drivers.readiness import Readiness
from bgpnet.model.cni_chain import CONFLIST
from bgpnet.render.conflist import conflist_text
from tests.bench import reference
from tests.cninode import PLUGIN, CniNode, built_shim, cni_node
from tests.netns import Namespace, namespace

pytestmark = pytest.mark.kernel

CHAIN: list[dict[str, Any]] = [
    {"type": "bgpnet", "capabilities": {"ips": True, "mac": True, "mtu": True}},
    {"type": "portmap", "capabilities": {"portMappings": True}, "backend": "nftables", "snat": True},
    {"type": "bandwidth", "capabilities": {"bandwidth": True}},
    {"type": "tuning", "sysctl": {"net.ipv4.ip_unprivileged_port_start": "0"}, "mtu": 1400},
]
ASKED = {
    "portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}],
    "bandwidth": {"ingressRate": 80_000_000, "ingressBurst": 8_000_000},
}


@dataclass
class Cnitool:
    """The reference runtime library, with a conflist of ours, in a node's namespace."""

    node: CniNode
    folder: Path
    plugins: Path

    def configure(self, version: str, chain: list[dict[str, Any]]) -> None:
        conflist = {"cniVersion": version, "name": "pods", "plugins": chain}
        (self.folder / "10-pods.conflist").write_text(json.dumps(conflist))

    def run(self, verb: str, pod: Namespace, **asked: Any) -> subprocess.CompletedProcess[str]:  # noqa: ANN401
        """One call about the network that `configure` made."""
        return self.call(
            verb, pod, {"BGPNET_CNI_SOCKET": str(self.node.run_dir / "cni.sock")}, network="pods", **asked
        )

    def call(
        self,
        verb: str,
        pod: Namespace,
        more: dict[str, str],
        network: str,
        **asked: Any,  # noqa: ANN401
    ) -> subprocess.CompletedProcess[str]:
        """One call, with the library's cache in our folder instead of /var/lib/cni."""
        environment = os.environ | {
            "NETCONFPATH": str(self.folder),
            "CNI_PATH": f"{PLUGIN / 'build' / os.uname().machine}:{self.plugins}",
            "CAP_ARGS": json.dumps(asked),
            **more,
        }
        mounted = (
            f"mount --bind {self.folder}/cache /var/lib && exec {self.plugins}/cnitool {verb} {network} "
        )
        return subprocess.run(
            [
                *("ip", "netns", "exec", self.node.host.name, "unshare", "--mount", "sh", "-c"),
                f"{mounted} /run/netns/{pod.name}",
            ],
            env=environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )


@pytest.fixture
def tool(tmp_path: Path) -> Iterator[Cnitool]:
    found = reference.built()
    if found is None:
        pytest.skip("the reference CNI programs are not built; make bench builds them, with Go")
    built_shim()
    (tmp_path / "cache").mkdir()
    with cni_node("10.244.1.0/26") as node:
        yield Cnitool(node, tmp_path, found.folder)


@contextmanager
def serving(pod: Namespace, port: int) -> Iterator[None]:
    with pod.entered():
        sock = socket.create_server(("0.0.0.0", port))
    with sock:
        yield


def connects(where: Namespace, address: str, port: int) -> bool:
    with where.entered():
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    with sock:
        sock.settimeout(2)
        return sock.connect_ex((address, port)) == 0


@pytest.mark.parametrize("version", ["0.3.1", "0.4.0", "1.0.0", "1.1.0"])
def test_portmap_bandwidth_and_tuning_behind_us(tool: Cnitool, pod: Namespace, version: str) -> None:
    tool.configure(version, CHAIN)
    tool.node.host.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
    added = tool.run("add", pod, **ASKED)
    assert added.returncode == 0, added
    result = json.loads(added.stdout)
    assert result["cniVersion"] == version
    assert [address["address"] for address in result["ips"]] == ["10.244.1.1/32"]
    assert pod.ip_json("link", "show", "eth0")[0]["mtu"] == 1400
    with namespace("pod") as client, serving(pod, 80):
        assert tool.run("add", client).returncode == 0
        assert connects(client, "10.244.1.1", 80)
        assert connects(client, "192.0.2.1", 8080)
        assert not connects(client, "192.0.2.1", 8081)
        assert tool.run("del", client).returncode == 0
    if version >= "0.4.0":
        assert tool.run("check", pod, **ASKED).returncode == 0
        pod.ip("route", "del", "default")
        checked = tool.run("check", pod, **ASKED)
        assert checked.returncode != 0
        assert "no default route by way of 169.254.1.1" in checked.stdout + checked.stderr
    assert tool.run("del", pod, **ASKED).returncode == 0
    assert tool.node.links_become(0)
    assert tool.node.routes() == {}


def test_capabilities_reach_us(tool: Cnitool, pod: Namespace) -> None:
    tool.configure("1.1.0", CHAIN)
    added = tool.run("add", pod, ips=["10.244.1.9"], mac="02:00:00:00:00:09", mtu=1300)
    assert added.returncode == 0, added
    result = json.loads(added.stdout)
    assert result["ips"][0]["address"] == "10.244.1.9/32"
    assert pod.ip_json("link", "show", "eth0")[0]["address"] == "02:00:00:00:00:09"


def test_an_error_of_ours_reaches_the_runtime(tool: Cnitool, pod: Namespace) -> None:
    tool.configure("1.1.0", CHAIN)
    added = tool.run("add", pod, ips=["192.0.2.9"])
    assert added.returncode != 0
    assert "192.0.2.9 was asked for, which this node cannot give" in added.stdout + added.stderr


def test_the_list_that_the_agent_writes(tool: Cnitool, pod: Namespace) -> None:
    """The shim finds a run directory that is not the default one: no runtime passes our environment on."""
    tool.node.host.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
    run_dir = tool.node.run_dir
    text = conflist_text(("portmap", "bandwidth"), PurePosixPath(run_dir / "cni.sock"))
    (tool.folder / CONFLIST).write_text(text)
    added = tool.call("add", pod, {}, "bgpnet", **ASKED)
    assert added.returncode == 0, added
    assert json.loads(added.stdout)["cniVersion"] == "1.1.0"
    with namespace("pod") as client, serving(pod, 80):
        assert tool.call("add", client, {}, "bgpnet").returncode == 0
        assert connects(client, "192.0.2.1", 8080)
        assert tool.call("del", client, {}, "bgpnet").returncode == 0
    assert tool.call("check", pod, {}, "bgpnet", **ASKED).returncode == 0
    status = tool.call("status", pod, {}, "bgpnet")
    assert f"no route to the fabric yet ({run_dir}/ready" in status.stdout + status.stderr
    assert tool.call("del", pod, {}, "bgpnet", **ASKED).returncode == 0
    assert tool.node.links_become(0)


def test_gc_and_status(tool: Cnitool, pod: Namespace) -> None:
    tool.configure("1.1.0", CHAIN[:1])
    assert tool.run("add", pod).returncode == 0
    status = tool.run("status", pod)
    assert status.returncode != 0
    assert "no route to the fabric yet" in status.stdout + status.stderr
    run_dir = tool.node.run_dir
    readiness = Readiness(run_dir / "ready", run_dir / "heartbeat", time.monotonic)
    readiness.mark_ready()
    readiness.beat()
    assert tool.run("status", pod).returncode == 0
    assert len(tool.node.links()) == 1
    # cnitool lists nothing, not even an empty list: the library calls DEL, and our GC would not guess.
    assert "cni.dev/valid-attachments is missing" in tool.run("gc", pod).stderr
    assert tool.node.links_become(0)
