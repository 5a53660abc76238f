"""Routes to pods that another program takes away: the server puts them back, and does not spin over it."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bgprouter import until
from tests.cninode import CniNode, cni_node, pods
from tests.netns import Namespace

pytestmark = pytest.mark.kernel


@pytest.fixture
def node() -> Iterator[CniNode]:
    with cni_node("10.244.1.0/24", "fd00:244:1::/64") as made:
        yield made


def flush(node: CniNode) -> None:
    """As `ip route flush table main` and a restart of systemd-networkd do."""
    for family in ("-4", "-6"):
        node.host.run("ip", family, "route", "flush", "proto", "180")


def test_pain_point_22_routes_to_pods_are_back_at_once(node: CniNode) -> None:
    with pods(3) as [first, second, gone]:
        addresses = [address for pod in (first, second) for address in node.add(pod).addresses]
        node.add(gone)
        node.delete(gone.name)
        before = node.routes()
        assert sorted(before) == sorted(addresses)
        for _ in range(3):
            flush(node)
            until(lambda: node.routes() == before, "all routes to pods, and no other")
        for address in addresses:
            assert node.host.run("ping", "-c1", "-W2", address).returncode == 0
        assert node.says("another program took a pod's routes: put back")


def test_what_went_while_nobody_looked_is_back_with_the_next_start(node: CniNode, pod: Namespace) -> None:
    node.add(pod)
    before = node.routes()
    node.kill()
    flush(node)
    assert node.routes() == {}
    node.start()
    until(lambda: node.routes() == before, "all routes to pods")


def test_what_could_not_be_heard_of_is_looked_for(node: CniNode, pod: Namespace) -> None:
    """More events than the socket's buffer holds: strangers with our protocol come and go."""
    node.add(pod)
    before = node.routes()
    assert node.server is not None
    os.kill(node.server.pid, signal.SIGSTOP)
    try:
        lines = "".join(f"route {verb} 198.51.100.1/32 dev lo proto 180\n" for verb in ("add", "del"))
        storm = node.run_dir / "storm"
        storm.write_text(lines * 4000)
        node.host.run("ip", "-batch", str(storm))
        flush(node)
    finally:
        os.kill(node.server.pid, signal.SIGCONT)
    until(lambda: node.routes() == before, "all routes to pods")
    assert node.says("more links or routes gone than could be heard of")


def test_a_link_that_is_down_is_mended_once_it_is_up(node: CniNode, pod: Namespace) -> None:
    """Its neighbours are gone, too: the kernel asks the pod; for IPv6 it has no address to ask from."""
    (address, _) = node.add(pod).addresses
    before = node.routes()
    (link,) = node.links()
    node.host.ip("link", "set", link, "down")
    assert node.says("routes of a pod not put back yet")
    node.host.ip("link", "set", link, "up")
    until(lambda: node.routes() == before, "all routes to pods", 20)
    assert node.host.run("ping", "-c1", "-W2", address).returncode == 0


def test_a_fight_slows_down_and_harms_no_other_pod(node: CniNode) -> None:
    with pods(2) as [fought_over, other]:
        address, _ = node.add(fought_over).addresses
        node.add(other)
        assert node.server is not None
        begun, used = time.monotonic(), processor_time(node.server.pid)
        while time.monotonic() < begun + 5:
            node.host.run("ip", "route", "del", address, "proto", "180", check=False)
        assert processor_time(node.server.pid) - used < 0.5
        assert sum("put back" in line for line in node.log) < 10
        assert node.delete(other.name).status == 0
        assert node.add(other).status == 0
        until(lambda: address in node.routes(), "the last loss is mended, too", 20)


def processor_time(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100
