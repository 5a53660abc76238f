"""The runtime's network configuration: written when the node can take pods, not before, and kept there."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import pytest

from bgpnet.agent.conflist import Conflist
from bgpnet.model.cni_chain import CONFLIST
from bgpnet.model.rundir import RunDir
from bgpnet.render.conflist import conflist_text
from tests.cninode import ROOT, CniNode

pytestmark = pytest.mark.kernel

MANIFESTS = """\
apiVersion: bgpnet.io/v1alpha1
kind: BGPConfiguration
metadata: {name: default}
spec: {localASN: 64512}
---
apiVersion: v1
kind: Node
metadata: {name: n1}
spec: {podCIDRs: [10.244.7.0/26]}
status: {addresses: [{type: InternalIP, address: 192.0.2.1}]}
"""


def conflist(node: CniNode, folder: Path) -> Conflist:
    run_dir = RunDir(PurePosixPath(node.run_dir))
    return Conflist(folder / CONFLIST, conflist_text(("portmap",), run_dir.cni_socket), run_dir)


def look(one: Conflist) -> None:
    asyncio.run(one.look())


def in_time(condition: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_it_is_not_there_before_the_node_can_take_pods(node: CniNode, tmp_path: Path) -> None:
    one, path = conflist(node, tmp_path), tmp_path / CONFLIST
    look(one)
    assert not path.exists(), "the node was never route-ready"
    (node.run_dir / "ready").touch()
    node.hand_over()
    look(one)
    assert not path.exists(), "the node has no prefix"
    (node.run_dir / "blocks.json").unlink()
    look(one)
    assert not path.exists(), "nobody knows the node's prefixes"
    node.hand_over("10.244.1.0/26")
    node.kill()
    look(one)
    assert not path.exists(), "nobody answers the shim"
    node.start()
    look(one)
    content = json.loads(path.read_text())
    assert content["plugins"][0] == {
        "type": "bgpnet",
        "capabilities": {"ips": True, "mac": True, "mtu": True},
        "socket": str(node.run_dir / "cni.sock"),
    }
    assert content["plugins"][1] == {
        "type": "portmap",
        "backend": "nftables",
        "capabilities": {"portMappings": True},
    }
    assert path.stat().st_mode & 0o777 == 0o644


def test_it_stays_while_everything_is_away(node: CniNode, tmp_path: Path) -> None:
    (node.run_dir / "ready").touch()
    look(conflist(node, tmp_path))
    for name in ("ready", "blocks.json"):
        (node.run_dir / name).unlink()
    node.kill()
    look(conflist(node, tmp_path))
    assert (tmp_path / CONFLIST).exists()


def test_a_folder_that_is_not_there_is_told_once(
    node: CniNode, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (node.run_dir / "ready").touch()
    one = conflist(node, tmp_path / "net.d")
    look(one)
    look(one)
    assert caplog.text.count("No such file or directory") == 1
    (tmp_path / "net.d").mkdir()
    look(one)
    assert (tmp_path / "net.d" / CONFLIST).exists()


@contextmanager
def agent(node: CniNode, folder: Path, *flags: str) -> Iterator[None]:
    """`bgpnet agent` on the node."""
    manifests = folder / "manifests"
    manifests.mkdir()
    (manifests / "all.yaml").write_text(MANIFESTS)
    own = ["--node", "n1", "--source", f"files:{manifests}", "--run-dir", str(node.run_dir)]
    with node.host.entered():
        running = subprocess.Popen(
            [sys.executable, "-m", "bgpnet", "agent", *own, *flags], cwd=ROOT, stderr=subprocess.DEVNULL
        )
    try:
        yield
    finally:
        running.terminate()
        running.wait(10)


def test_the_agent_puts_it_back_within_seconds(node: CniNode, tmp_path: Path) -> None:
    (node.run_dir / "ready").touch()
    path = tmp_path / CONFLIST
    with agent(node, tmp_path, "--cni-conf-dir", str(tmp_path), "--cni-chain", "bandwidth"):
        assert in_time(path.exists)
        written = path.read_text()
        assert [plugin["type"] for plugin in json.loads(written)["plugins"]] == ["bgpnet", "bandwidth"]
        path.unlink()
        assert in_time(path.exists)
        path.write_text("{}")
        assert in_time(lambda: path.read_text() == written)
    assert path.read_text() == written


def test_no_folder_is_written_to_unless_it_was_named(node: CniNode, tmp_path: Path) -> None:
    (node.run_dir / "ready").touch()
    (node.run_dir / "blocks.json").unlink()
    with agent(node, tmp_path):
        assert in_time((node.run_dir / "blocks.json").exists)
    assert not list(tmp_path.rglob("*.conflist"))
