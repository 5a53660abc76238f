"""`bgpnet cni` with CAP_NET_ADMIN and no other right: entering namespaces is the shim's part."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cninode import CniNode, cni_node, pods
from tests.netns import namespace

pytestmark = pytest.mark.kernel

NET_ADMIN = 1 << 12  # linux/capability.h
ONLY_NET_ADMIN = (
    "setpriv",
    "--bounding-set=-all,+net_admin",
    "--inh-caps=-all,+net_admin",
    "--no-new-privs",
    "--",
)


@pytest.fixture
def node() -> Iterator[CniNode]:
    with cni_node("10.244.1.0/29", "fd00:244:1::/64", wrapper=ONLY_NET_ADMIN) as made:
        yield made


def effective_rights(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    raise AssertionError(f"process {pid} has no capabilities line")


def test_the_whole_life_of_pods(node: CniNode) -> None:
    assert node.server is not None
    assert effective_rights(node.server.pid) == NET_ADMIN
    with pods(2) as [one, two]:
        for pod in (one, two):
            addresses = node.add(pod).addresses
            for address in addresses:
                node.host.run("ping", "-c1", "-W1", address)
        assert node.delete(one.name).status == 0
        node.kill()
        node.start()
        assert list(node.routes()) == ["10.244.1.2", "fd00:244:1::2"]
        assert node.delete(two.name).status == 0
        assert node.routes() == {}


def test_nothing_of_the_pods_namespace_is_left_open(node: CniNode) -> None:
    """Else a pod's namespace would outlive its pod: the link would stay."""
    assert node.server is not None
    with namespace("pod") as pod:
        assert node.add(pod).status == 0
        there = Path(f"/run/netns/{pod.name}").stat().st_ino
        node.settle()
        open_files = [
            entry.stat() for entry in Path(f"/proc/{node.server.pid}/fd").iterdir() if entry.exists()
        ]
        assert there not in {found.st_ino for found in open_files}
