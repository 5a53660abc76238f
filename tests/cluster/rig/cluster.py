"""A cluster of two nodes in a fabric of two ToRs, and what a test asks of it."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from tests.cluster import binaries
from tests.cluster.controlplane import Clients, ControlPlane, control_plane, until
from tests.cluster.rig import host, podimage, remains, settings
from tests.cluster.rig.machine import Machine, Parts
from tests.cluster.rig.tunnel import tunnel
from tests.cluster.wire import Wire, wire
from tests.netlab import kernel, life, reading
from tests.netlab.lab import Lab
from tests.netns import Namespace

FABRIC: Final = Path(__file__).with_name("fabric")

API: Final = "198.51.100.10"
"""Where the nodes reach the API server, behind the leaf."""

NODES: Final = ("n1", "n2")

_TORS: Final = ("tor1", "tor2")

_USERS: Final = {f"token-{name}": (f"system:node:{name}", "system:nodes") for name in NODES} | {
    "token-proxy": ("system:kube-proxy", "system:authenticated")
}

Json = dict[str, Any]


@dataclass
class Cluster:
    """A running one. Nodes join when a test says so."""

    plane: ControlPlane
    lab: Lab
    line: Wire
    """Between the nodes and the API server."""
    image: Path
    machines: dict[str, Machine] = field(default_factory=dict)

    def boot(self, name: str, mode: str = "nftables", taints: tuple[Json, ...] = ()) -> None:
        """Switch a machine on and start a node's programs in it."""
        machine = self.machines[name]
        machine.on()
        machine.write("/etc/containerd/config.toml", settings.CONTAINERD)
        machine.write("/etc/kubernetes/kubelet.json", settings.kubelet(list(taints)))
        machine.write(settings.CLIENTS, self.plane.kubelet_client.read_text())
        machine.write("/etc/kubernetes/kubelet.kubeconfig", self.plane.kubeconfig_elsewhere(f"token-{name}"))
        machine.write("/etc/kubernetes/proxy.kubeconfig", self.plane.kubeconfig_elsewhere("token-proxy"))
        self.start_containerd(name)
        self.load(self.image, name)
        self.start_kubelet(name)
        self.start_kube_proxy(name, mode)

    def start_containerd(self, name: str) -> None:
        """Until it answers."""
        machine = self.machines[name]
        machine.start("containerd", "containerd", "--config", "/etc/containerd/config.toml")
        answers = partial(machine.node.run, "ctr", "version", timeout=10)
        until(lambda: answers().code == 0, f"containerd of {name} answers", machine.log)

    def start_kubelet(self, name: str) -> None:
        """As a service manager would."""
        self.machines[name].start(
            "kubelet",
            "kubelet",
            "--config=/etc/kubernetes/kubelet.json",
            "--kubeconfig=/etc/kubernetes/kubelet.kubeconfig",
            "--cert-dir=/var/lib/kubelet/pki",
            f"--hostname-override={name}",
            f"--node-ip=10.0.1.{address(name)}",
        )

    def start_kube_proxy(self, name: str, mode: str) -> None:
        """In `nftables` or `iptables` mode."""
        machine = self.machines[name]
        config = settings.kube_proxy(name, mode, "/etc/kubernetes/proxy.kubeconfig")
        machine.write("/etc/kubernetes/proxy.json", config)
        machine.start("kube-proxy", "kube-proxy", "--config=/etc/kubernetes/proxy.json")

    def restart_kube_proxy(self, mode: str) -> None:
        """On every node, in this mode."""
        for name, machine in self.machines.items():
            machine.kill("kube-proxy")
            self.start_kube_proxy(name, mode)

    def load(self, image: Path, *names: str) -> None:
        """Import an image into containerd of these nodes, or of all."""
        for name in names or self.machines:
            self.machines[name].feed(image, "ctr", "-n", "k8s.io", "images", "import", "-")

    def tag(self, name: str, tags: tuple[str, ...]) -> None:
        """Give our image of the first tag the others, too."""
        for tag in tags[1:]:
            images = [f"docker.io/library/bgpnet:{each}" for each in (tags[0], tag)]
            argv = ("ctr", "-n", "k8s.io", "images", "tag", "--force", *images)
            self.machines[name].node.run(*argv).checked(f"{name}: tag {tag}")

    def ready(self, name: str) -> bool:
        """Whether Kubernetes calls the node Ready."""
        conditions = self.get(f"/api/v1/nodes/{name}").get("status", {}).get("conditions", [])
        return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)

    def pod_cidr(self, name: str) -> str:
        """What the controller gave the node; empty while it has none."""
        return str(self.get(f"/api/v1/nodes/{name}").get("spec", {}).get("podCIDR", ""))

    def get(self, path: str) -> Any:  # noqa: ANN401 - decoded JSON
        """An object or a list of them."""
        return self.plane.request("GET", path)[1]

    def apply(self, *objects: Json) -> None:
        """Make objects or change them."""
        self.plane.kubectl("apply", "-f", "-", stdin="\n---\n".join(map(json.dumps, objects)))

    def pods(self, app: str, *, leaving: bool = False) -> list[Json]:
        """The pods with this label, but those that are on their way out, or with them."""
        found = self.get(f"/api/v1/namespaces/default/pods?labelSelector=app%3D{app}")["items"]
        return [pod for pod in found if leaving or "deletionTimestamp" not in pod["metadata"]]

    def ready_pods(self, app: str, count: int) -> list[Json]:
        """This many pods with this label when so many are Ready; else none."""
        pods = [pod for pod in self.pods(app) if _ready(pod)]
        return pods if len(pods) == count else []

    def pod_space(self, pod: Json) -> str:
        """The name of a pod's network namespace in its node's /run/netns."""
        node = self.machines[pod["spec"]["nodeName"]].node
        wanted = pod["status"]["podIP"]
        for name in node.run("ls", "/run/netns").stdout.split():
            if f" {wanted}/" in node.run("ip", "-n", name, "-4", "-o", "addr").stdout:
                return name
        raise AssertionError(f"no network namespace of {node.name} has {wanted}")

    def log(self) -> str:
        """The last of what everything said."""
        return "\n".join([self.plane.log(), *(machine.log() for machine in self.machines.values())])


def address(name: str) -> int:
    """The last number of a node's addresses."""
    return 10 + int(name.removeprefix("n"))


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """A control plane behind a fabric and two machines that are switched off; gone with all they made."""
    programs = binaries.find()
    kubernetes, containerd = binaries.find_node(), binaries.CONTAINERD.find()
    with ExitStack() as stack:
        remains.sweep()
        mark = remains.mark()
        stack.enter_context(host.preserved(mark))
        first = podimage.first()
        podimage.write(folder / "pod.tar", first)
        topology = reading.read(FABRIC, reading.Options(folder, os.environ, name_prefix=f"k{mark}-"))
        lab = stack.enter_context(life.running(topology, folder / "fabric", _quiet))
        plane_folder = folder / "plane"
        plane_folder.mkdir()
        # Not below the folder: a path to a socket is 107 bytes at most.
        kubelets = Path(stack.enter_context(TemporaryDirectory(prefix="bgpnet-")), "kubelets")
        stack.enter_context(tunnel(kubelets, Namespace(lab.node("cp").namespace)))
        plane = stack.enter_context(control_plane(programs, plane_folder, Clients(API, _USERS, kubelets)))
        plane.start_controllers("*")
        plane.start_scheduler(kubernetes)
        with Namespace(lab.node("cp").namespace).entered():
            listener = socket.create_server((API, plane.port))
        line = stack.enter_context(wire(plane.port, listener))
        made = Cluster(plane, lab, line, folder / "pod.tar")
        for name in NODES:
            parts = Parts(mark, first, kubernetes, containerd, partial(_plug, lab, name), _unplug)
            made.machines[name] = Machine(name, folder / name, parts)
            stack.callback(made.machines[name].close)
        yield made


def _plug(lab: Lab, name: str, space: str) -> None:
    """A node's uplinks: one to each ToR's bridge, and a default route over both."""
    number = address(name)
    lines = []
    for index, tor in enumerate(_TORS, 1):
        far = lab.node(tor).namespace
        kernel.batch([f"link add eth{index} type veth peer name {name} netns {far}"], namespace=space)
        kernel.batch([f"link set {name} master br0", f"link set {name} up"], namespace=far)
        lines += [f"address add 10.0.{index}.{number}/24 dev eth{index}", f"link set eth{index} up"]
        lines.append(f"address add 2001:db8:1:{index}::{number}/64 dev eth{index} nodad")
    kernel.batch([*lines, "route add default nexthop via 10.0.1.1 nexthop via 10.0.2.1"], namespace=space)


def _unplug(space: str) -> None:
    kernel.batch((f"link del eth{index}" for index in range(1, len(_TORS) + 1)), namespace=space, force=True)


def _ready(pod: Json) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _quiet(_line: str) -> None:
    """The runner of the fabric need not tell how far it is."""
