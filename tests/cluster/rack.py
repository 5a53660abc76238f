"""A node with the real agent and speaker, and a BIRD router that programs what it learns into its kernel."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.cluster.blocks import drop_all
from tests.cluster.controlplane import ControlPlane, manifest, until
from tests.cluster.wire import Wire, wire
from tests.netlab import processes
from tests.netns import Namespace, namespace

BGPNET: Final = str(Path(sys.executable).with_name("bgpnet"))

API: Final = "10.96.0.1"
"""An address that the API server's own certificate names: the first of the services' range."""

TAINT: Final = {"key": "bgpnet.io/not-ready", "effect": "NoSchedule"}

OURS: Final = "/apis/bgpnet.io/v1alpha1"

LEASES: Final = "/apis/coordination.k8s.io/v1/namespaces/bgpnet-system/leases"

MERGE: Final = "application/merge-patch+json"

BIRD: Final = """
router id 10.0.1.1;
protocol device {}
protocol direct { ipv4; interface "api"; }
protocol kernel { ipv4 { export where source != RTS_DEVICE; }; }
protocol bgp node {
  local 10.0.1.1 as 65001;
  neighbor 10.0.1.2 as 64512;
  hold time 9;
  graceful restart on;
  ipv4 { import all; export where source = RTS_DEVICE; };
}
"""


@dataclass
class Rack:
    """What there is to look at and to break."""

    node: Namespace
    tor: Namespace
    line: Wire
    folder: Path
    config: Path
    more: tuple[str, ...] = ()
    """Flags of the node's own."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Of its programs, beside this process's own."""
    agent: "subprocess.Popen[bytes] | None" = None
    events: list[tuple[float, str]] = field(default_factory=list)
    """What the router's kernel said of its BGP routes, with monotonic seconds."""

    def routes(self) -> set[str]:
        """Prefixes that the router's kernel has from BIRD."""
        return {str(route["dst"]) for route in self.tor.ip_json("route") if route.get("protocol") == "bird"}

    def start(self) -> None:
        """Agent, CNI server and speaker."""
        argv = [BGPNET, "node", "--node", "n1", "--source", f"kubernetes:{self.config}"]
        argv += ["--run-dir", str(self.folder / "run"), "--state-dir", str(self.folder / "state"), *self.more]
        with (self.folder / "node.log").open("ab") as log:
            self.agent = subprocess.Popen(
                ["ip", "netns", "exec", self.node.name, *argv],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **self.environment},
            )

    def stop(self) -> None:
        """SIGTERM, as an upgrade."""
        if self.agent is not None:
            self.agent.terminate()
            self.agent.wait(30)

    def process(self, name: str) -> int:
        """The process of this name below the supervisor; 0 while there is none."""
        assert self.agent is not None
        for child in processes.children(self.agent.pid):
            with suppress(OSError):
                if name in Path(f"/proc/{child}/cmdline").read_text().split("\0"):
                    return child
        return 0

    def status(self) -> Any:  # noqa: ANN401 - decoded JSON
        """What the agent says of the node; {} while it does not."""
        socket = str(self.folder / "run" / "agent.sock")
        done = self.node.run("curl", "-s", "--unix-socket", socket, "http://a/status", check=False)
        return json.loads(done.stdout) if done.stdout.startswith("{") else {}

    def stale(self) -> bool:
        """Whether the API server is away for the agent."""
        return any(each["reason"] in ("SourceGone", "StaleSource") for each in self.status()["rejections"])

    def pids(self) -> list[int]:
        """Every process of the node and of the router, whatever started it."""
        spaces = (Path("/run/netns") / each.name for each in (self.node, self.tor))
        return [pid for space in spaces for pid in processes.sharing("net", space)]

    def connections(self) -> set[str]:
        """BGP's, as the router's kernel has them: both ends with their ports."""
        found = self.tor.run("ss", "-Htn", "state", "established", "( sport = :179 or dport = :179 )")
        return {" ".join(line.split()[-2:]) for line in found.stdout.splitlines()}

    def log(self) -> str:
        return self.whole_log()[-4000:]

    def whole_log(self) -> str:
        return (self.folder / "node.log").read_text()


@contextmanager
def declared(plane: ControlPlane, **accept: object) -> Iterator[None]:
    """Node n1, tainted, a pool, and the router as its peer; all of it gone afterwards."""
    plane.kubectl("create", "namespace", "bgpnet-system", check=False)
    plane.request("DELETE", f"{LEASES}/bgpnet-quarantine")  # agents of other tests may have held it
    make_node(plane)
    peer = {"peerAddress": "10.0.1.1", "peerASN": 65001} | accept
    for plural, body in (
        ("bgpconfigurations", manifest("BGPConfiguration", "default", {"localASN": 64512})),
        ("bgppeers", manifest("BGPPeer", "tor", peer)),
        ("ippools", manifest("IPPool", "pods", {"cidr": "10.1.0.0/16"})),
    ):
        assert plane.request("POST", f"{OURS}/{plural}", body)[0] == 201
    try:
        yield
    finally:
        drop_all(plane)
        for plural in ("bgpconfigurations", "bgppeers", "ippools", "bgpnodestatuses"):
            plane.request("DELETE", f"{OURS}/{plural}")
        plane.request("DELETE", "/api/v1/nodes")


def make_node(plane: ControlPlane, *cidrs: str) -> str:
    """Node n1, as kubelet makes it, with these podCIDRs; its UID."""
    spec: dict[str, Any] = {"taints": [TAINT]} | ({"podCIDR": cidrs[0], "podCIDRs": cidrs} if cidrs else {})
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "spec": spec}
    code, made = plane.request("POST", "/api/v1/nodes", node)
    assert code == 201
    address = {"status": {"addresses": [{"type": "InternalIP", "address": "10.0.1.2"}]}}
    assert plane.request("PATCH", "/api/v1/nodes/n1/status", address, kind=MERGE)[0] == 200
    return str(made["metadata"]["uid"])


@contextmanager
def rack(
    plane: ControlPlane,
    folder: Path,
    bootstrap: str = "",
    password: str = "",
    environment: Mapping[str, str] | None = None,
) -> Iterator[Rack]:
    """A running one. With a bootstrap the API server is behind the router: the way to it comes over BGP."""
    with ExitStack() as stack:
        node, tor = stack.enter_context(namespace("node")), stack.enter_context(namespace("tor"))
        node.ip("link", "add", "eth1", "type", "veth", "peer", "name", "eth1", "netns", tor.name)
        for space, address in ((node, "10.0.1.2/24"), (tor, "10.0.1.1/24")):
            space.ip("addr", "add", address, "dev", "eth1")
            space.ip("link", "set", "eth1", "up")
        host = API if bootstrap else "127.0.0.1"
        if bootstrap:
            announce(tor, API)
            (folder / "bootstrap.yaml").write_text(bootstrap)
        with (tor if bootstrap else node).entered():
            listener = socket.create_server((host, 0))
        line = stack.enter_context(wire(plane.port, listener))
        more = ("--bootstrap", str(folder / "bootstrap.yaml")) if bootstrap else ()
        made = Rack(
            node, tor, line, folder, plane.kubeconfig(port=line.port, host=host), more, environment or {}
        )
        key = f'hold time 9; password "{password}";' if password else "hold time 9;"
        (folder / "bird.conf").write_text(BIRD.replace("hold time 9;", key))
        bird = subprocess.Popen(
            ["ip", "netns", "exec", tor.name, "bird", "-f", "-c", "bird.conf", "-s", "bird.ctl"], cwd=folder
        )
        stack.callback(ended, bird)
        monitor = subprocess.Popen(
            ["ip", "-n", tor.name, "monitor", "route"], stdout=subprocess.PIPE, text=True, bufsize=1
        )
        stack.callback(ended, monitor)
        threading.Thread(target=_listen, args=(monitor, made.events), daemon=True).start()
        made.start()
        stack.callback(made.stop)
        until((folder / "run" / "agent.sock").exists, "the agent answers", made.log)
        yield made


def pod(node: Namespace, address: str) -> None:
    """What the CNI server leaves in the kernel of a pod."""
    node.ip("link", "add", "pod1", "type", "veth", "peer", "name", "pod2")
    node.ip("link", "set", "pod1", "up")
    node.ip("route", "add", f"{address}/32", "dev", "pod1", "proto", "180", "metric", "178")


def announce(tor: Namespace, address: str) -> None:
    """An address of the router's own, which BIRD tells the node of."""
    tor.ip("link", "add", "api", "type", "veth", "peer", "name", "api2")
    tor.ip("addr", "add", f"{address}/32", "dev", "api")
    for end in ("api", "api2"):
        tor.ip("link", "set", end, "up")


def _listen(monitor: "subprocess.Popen[str]", events: list[tuple[float, str]]) -> None:
    events.extend((time.monotonic(), line.strip()) for line in monitor.stdout or () if "proto bird" in line)


def ended(process: "subprocess.Popen[bytes] | subprocess.Popen[str]") -> None:
    process.terminate()
    process.wait(10)
    if process.stdout is not None:
        process.stdout.close()


def pss(pid: int) -> float:
    """Proportional set size of a process, MiB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
