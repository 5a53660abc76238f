"""A pod talks to a VM: over our link, over a bare veth pair, and through a VXLAN overlay, all on one wire.

::

    pod    ── our link ──────────┐
    bare   ── veth, routed ──────┼── host ── wire (veth, 1500) ── VM
    inner  ── veth ── vxlan ─────┘                                └── vxlan
"""

import json
import socket
import statistics
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from tests.bench.reference import Reference
from tests.bench.report import Row, row
from tests.cninode import CniNode, built_shim, cni_node
from tests.netns import Namespace, namespace

ROUNDS = 9
SECONDS = 1  # of one measurement
ROUND_TRIPS = 5000
DATAGRAM = 64  # bytes of payload: packets a second, not bytes
VM, OVERLAY = "198.51.100.2", "10.8.0.2"


@dataclass
class Path:
    """One way from a namespace to the VM, with what was measured over it, a value a round."""

    client: Namespace
    target: str
    tcp: list[float] = field(default_factory=list)
    pps: list[float] = field(default_factory=list)
    latency: list[float] = field(default_factory=list)


def compare(_reference: Reference | None) -> list[Row]:
    """Throughput, packets a second and latency as ratios to both others.

    The best round counts: other work on the machine takes away, it never gives.
    """
    with paths() as (vm, ways):
        for turn in range(ROUNDS):
            order = deque(ways.values())
            order.rotate(turn)  # who comes first finds other caches and clocks than who comes last
            for way in order:
                way.tcp.append(stream(vm, way))
            for way in order:
                way.pps.append(datagrams(vm, way))
            for way in order:
                way.latency.append(round_trip(vm, way))
    ours = ways.pop("pod")
    rows = []
    for name, way in ways.items():
        kind = {"veth": "bare veth pair, routed", "vxlan": "VXLAN overlay"}[name]
        rows += [
            row(f"datapath/tcp/{name}", max(ours.tcp), max(way.tcp), kind, "Gbit/s"),
            row(f"datapath/pps/{name}", max(ours.pps), max(way.pps), kind, "packets/s"),
            row(f"datapath/latency/{name}", min(ours.latency), min(way.latency), kind, "us"),
        ]
    return rows


@contextmanager
def paths() -> Iterator[tuple[Namespace, dict[str, Path]]]:
    """The VM and the three ways to it."""
    built_shim()
    with ExitStack() as stack:
        node = stack.enter_context(cni_node("10.244.1.0/26"))
        vm, pod, bare, inner = (
            stack.enter_context(namespace(label)) for label in ("vm", "pod", "bare", "inner")
        )
        _wire(node, vm)
        assert node.add(pod).addresses == ["10.244.1.1"]
        _link(node.host, bare, "10.9.0", 1500)
        _link(node.host, inner, "10.8.1", 1450)
        _overlay(node.host, vm)
        yield vm, {"pod": Path(pod, VM), "veth": Path(bare, VM), "vxlan": Path(inner, OVERLAY)}


def stream(vm: Namespace, way: Path) -> float:
    """Gigabits a second of one TCP connection from the VM to the pod and of one back, the mean."""
    both = []
    for direction in ((), ("--reverse",)):
        told = _iperf(vm, way, *direction)
        both.append(float(told["end"]["sum_received"]["bits_per_second"]) / 1e9)
    return statistics.mean(both)


def datagrams(vm: Namespace, way: Path) -> float:
    """Small packets a second that the pod gets rid of.

    The kernel forwards a packet while it is sent, up to the VM's socket, so this is what the way costs; how
    many of them the receiving program fetches depends on what else the processors do.
    """
    told = _iperf(vm, way, "--udp", "--bitrate", "0", "--length", str(DATAGRAM))["end"]["sum"]
    return float(told["packets"]) / float(told["seconds"])


def round_trip(vm: Namespace, way: Path) -> float:
    """Microseconds of a round trip between two programs, the median of thousands."""
    with vm.entered():
        echo = subprocess.Popen([sys.executable, "-m", "tests.bench.echo", "7777"], stdout=subprocess.PIPE)
    try:
        assert echo.stdout is not None
        echo.stdout.readline()
        with way.client.entered():
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with sock:
            sock.settimeout(5)
            sock.connect((way.target, 7777))
            taken = []
            for _ in range(ROUND_TRIPS):
                began = time.perf_counter()
                sock.send(b"there")
                sock.recv(16)
                taken.append(time.perf_counter() - began)
        return statistics.median(taken) * 1e6
    finally:
        echo.kill()
        echo.communicate()


def _iperf(vm: Namespace, way: Path, *options: str) -> dict[str, dict[str, dict[str, float]]]:
    with vm.entered():
        server = subprocess.Popen(
            ["iperf3", "--server", "--one-off", "--forceflush"], stdout=subprocess.PIPE, text=True
        )
    try:
        assert server.stdout is not None
        while "listening" not in server.stdout.readline():
            if server.poll() is not None:
                raise RuntimeError("iperf3 does not start")
        told = way.client.run("iperf3", "--json", "--client", way.target, "--time", str(SECONDS), *options)
        return dict(json.loads(told.stdout))
    finally:
        server.kill()
        server.communicate()


def _wire(node: CniNode, vm: Namespace) -> None:
    node.host.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
    node.host.ip("link", "add", "wire", "type", "veth", "peer", "name", "wire", "netns", vm.name)
    node.host.ip("address", "add", "198.51.100.1/24", "dev", "wire")
    node.host.ip("link", "set", "wire", "up")
    vm.ip("address", "add", f"{VM}/24", "dev", "wire")
    vm.ip("link", "set", "wire", "up")
    vm.ip("route", "add", "default", "via", "198.51.100.1")


def _link(host: Namespace, client: Namespace, net: str, mtu: int) -> None:
    name = f"to-{net.replace('.', '-')}"
    one_queue = ("numtxqueues", "1", "numrxqueues", "1")
    host.ip(
        *("link", "add", name, "mtu", str(mtu), *one_queue, "type", "veth"),
        *("peer", "name", "eth0", "mtu", str(mtu), *one_queue, "netns", client.name),
    )
    host.ip("address", "add", f"{net}.1/24", "dev", name)
    host.ip("link", "set", name, "up")
    client.ip("address", "add", f"{net}.2/24", "dev", "eth0")
    client.ip("link", "set", "eth0", "up")
    client.ip("route", "add", "default", "via", f"{net}.1")


def _overlay(host: Namespace, vm: Namespace) -> None:
    ends = (
        (host, "198.51.100.1", VM, "10.8.0.1"),
        (vm, VM, "198.51.100.1", OVERLAY),
    )
    for end, local, remote, inner in ends:
        end.ip(
            *("link", "add", "overlay", "mtu", "1450", "type", "vxlan", "id", "7", "dstport", "4789"),
            *("local", local, "remote", remote),
        )
        end.ip("address", "add", f"{inner}/24", "dev", "overlay")
        end.ip("link", "set", "overlay", "up")
    vm.ip("route", "add", "10.8.1.0/24", "via", "10.8.0.1")
