"""A cluster with our chart on it, and what a test asks of that."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from tests.bench import reference
from tests.cluster.controlplane import PATIENCE, until
from tests.cluster.rig import effort, podimage, settings, watch
from tests.cluster.rig.cluster import NODES, Cluster, cluster
from tests.cluster.rig.effort import Taken
from tests.cluster.rig.release import NAMESPACE, TAGS, Release, image, release, values

CHAINED: Final = ("loopback", "portmap")
"""What a host has to have besides our plug-in."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Installed:
    """A cluster with our chart."""

    on: Cluster
    release: Release
    taken: Taken
    """From `helm install` on nodes without a network to all being Ready."""

    def uids(self, component: str) -> dict[str, set[str]]:
        """Which pods of a DaemonSet of ours there are, by node."""
        label = f"labelSelector=app.kubernetes.io%2Fcomponent%3D{component}"
        found = self.on.get(f"/api/v1/namespaces/{NAMESPACE}/pods?{label}")["items"]
        return {
            name: {each["metadata"]["uid"] for each in found if each["spec"].get("nodeName") == name}
            for name in NODES
        }

    def settled(self) -> bool:
        """Whether nodes are Ready, both DaemonSets rolled out, and all four sessions up."""
        sessions = watch.sessions(self.on).values()
        return (
            all(map(self.on.ready, NODES))
            and [each.state for each in sessions] == ["Established"] * 2 * len(NODES)
            and all(map(self._rolled_out, ("bgpnet-agent", "bgpnet-speaker")))
        )

    def web(self, count: int, name: str = "web", **spec: Any) -> list[Json]:  # noqa: ANN401 - fields of a pod
        """This many ready pods, as many on one node as on the other."""
        spread = {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": {"app": name}},
        }
        self.on.apply(podimage.deployment(name, count, topologySpreadConstraints=[spread], **spec))
        what = f"{count} pods of {name} are Ready"
        return list(until(lambda: self.on.ready_pods(name, count), what, self.log))

    def unweb(self, name: str, patience: float = PATIENCE) -> None:
        """Without these pods."""
        self.on.plane.kubectl("delete", "deployment", name, "--timeout=50s")
        until(
            lambda: not self.on.pods(name, leaving=True), f"the pods of {name} are gone", self.log, patience
        )

    def log(self) -> str:
        """The last of what all programs and our containers said."""
        return "\n".join([self.on.log(), *map(self._containers, NODES)])

    def _containers(self, name: str) -> str:
        machine = self.on.machines[name]
        if not machine.is_on:
            return f"--- {name} is switched off"
        script = f"tail -n 30 /var/log/pods/{NAMESPACE}_*/*/*.log"
        return f"--- {name}: our containers\n{machine.node.run('sh', '-c', script).stdout[-16000:]}"

    def _rolled_out(self, daemonset: str) -> bool:
        """Whether all its pods are of its newest template, and ready."""
        told = self.on.get(f"/apis/apps/v1/namespaces/{NAMESPACE}/daemonsets/{daemonset}")
        status = told["status"]
        counts = [
            status.get(each)
            for each in ("desiredNumberScheduled", "updatedNumberScheduled", "numberAvailable")
        ]
        current = status.get("observedGeneration") == told["metadata"]["generation"]
        return bool(current and counts == [len(NODES)] * 3)


@contextmanager
def prepared(folder: Path) -> Iterator[Cluster]:
    """Two nodes with our image, and the plug-ins that ours asks for; no network."""
    archive = image()
    plugins = reference.find()
    assert isinstance(plugins, reference.Reference), plugins
    with cluster(folder) as made:
        for name in NODES:
            made.boot(name, taints=(settings.TAINT,))
            for plugin in CHAINED:
                made.machines[name].install(plugins.folder / plugin, "/opt/cni/bin")
        made.load(archive)
        for name in NODES:
            made.tag(name, TAGS)
            until(partial(made.pod_cidr, name), f"{name} has registered", made.log)
        yield made


@contextmanager
def installed(folder: Path) -> Iterator[Installed]:
    """A prepared cluster, then `helm install`; until both nodes are Ready."""
    with prepared(folder) as made:
        assert not any(map(made.ready, NODES))
        ours = release(made.plane, folder / "helm")
        began = effort.now(made)
        ours.install(values())
        running = Installed(made, ours, began)
        for name in NODES:
            until(partial(made.ready, name), f"{name} is Ready", running.log)
        yield Installed(made, ours, effort.now(made) - began)
