"""Our chart on nodes with another network plug-in: refused, then in its place, then gone without a trace."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tests.bench import reference
from tests.cluster.controlplane import until
from tests.cluster.rig import effort, podimage, settings
from tests.cluster.rig.cluster import NODES, Cluster
from tests.cluster.rig.effort import Taken
from tests.cluster.rig.installed import Installed, prepared
from tests.cluster.rig.release import NAMESPACE, release, values
from tests.cluster.rig.snapshot import snapshot

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

Json = dict[str, Any]

PODS = 100

OUR_SHARE = 0.05

NOISE = 1.4
"""Runs of the same plug-in one after the other differ so much on a machine that is busy with other things."""


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """Two nodes with ptp and host-local as their network; our chart is not installed."""
    plugins = reference.find()
    assert isinstance(plugins, reference.Reference), plugins
    folder = tmp_path_factory.mktemp("other")
    with prepared(folder) as made:
        for name in NODES:
            for plugin in ("ptp", "host-local"):
                made.machines[name].install(plugins.folder / plugin, "/opt/cni/bin")
            made.machines[name].write("/etc/cni/net.d/20-ptp.conflist", settings.ptp(made.pod_cidr(name)))
        made.plane.kubectl("taint", "nodes", "--all", f"{settings.TAINT['key']}-", check=False)
        for name in NODES:
            until(partial(made.ready, name), f"{name} is Ready", made.log)
        yield Installed(made, release(made.plane, folder / "helm"), effort.now(made))


def test_beside_another_plugin_nothing_is_installed_and_its_name_is_told(other: Installed) -> None:
    before = {name: snapshot(other.on.machines[name]) for name in NODES}
    other.release.install(values())
    try:
        told = until(lambda: refused(other.on), "the init container of each node says why", other.log)
        assert all("20-ptp.conflist" in each and "ptp" in each for each in told), told
        assert all(map(other.on.ready, NODES))
    finally:
        other.release.uninstall()
    until(lambda: not changes(other, before), "both nodes are as before", lambda: changes(other, before))


def test_a_hundred_pods_start_as_quickly_as_with_the_reference_and_nothing_is_left(other: Installed) -> None:
    theirs = timed(other, "theirs")
    before = {name: snapshot(other.on.machines[name]) for name in NODES}
    other.release.install(values(replaceOtherPlugins=True))
    until(other.settled, "our chart is there", other.log)
    used = effort.of_ours(other.on.machines["n1"])
    ours = timed(other, "ours")
    used = effort.of_ours(other.on.machines["n1"]) - used
    print(
        f"0 to {PODS} pods on a node: {ours.seconds:.1f} s, alone {ours.alone:.1f} s; "
        f"ptp + host-local {theirs.seconds:.1f} s, alone {theirs.alone:.1f} s; "
        f"seconds of processors {ours.own:.1f}, {theirs.own:.1f}, our processes' of it {used:.2f}"
    )
    other.release.uninstall()
    until(lambda: not changes(other, before), "both nodes are as before", lambda: changes(other, before))
    timed(other, "again", 2)
    assert ours.alone < theirs.alone * NOISE
    assert used < ours.own * OUR_SHARE


def timed(running: Installed, name: str, count: int = PODS) -> Taken:
    """What it took until this many pods are Ready on n1; then they go."""
    began = effort.now(running.on)
    running.on.apply(podimage.deployment(name, count, nodeName="n1"))
    until(lambda: running.on.ready_pods(name, count), f"{count} pods of {name} are Ready", running.log, 240)
    taken = effort.now(running.on) - began
    running.unweb(name)
    return taken


def refused(cluster: Cluster) -> list[str]:
    """What the init container of each node's agent said at its end; empty while one has not ended."""
    label = "labelSelector=app.kubernetes.io%2Fcomponent%3Dagent"
    pods = cluster.get(f"/api/v1/namespaces/{NAMESPACE}/pods?{label}")["items"]
    found = []
    for pod in pods:
        for container in pod["status"].get("initContainerStatuses", ()):
            ends = (container[state].get("terminated", {}) for state in ("state", "lastState"))
            found += [end["message"] for end in ends if end.get("message")][:1]
    return found if len(found) == len(NODES) else []


def changes(running: Installed, before: dict[str, set[str]]) -> str:
    """What is not as it was."""
    told = []
    for name in NODES:
        now = snapshot(running.on.machines[name])
        told += [f"{name} missing {each}" for each in sorted(before[name] - now)]
        told += [f"{name} new {each}" for each in sorted(now - before[name])]
    return "\n".join(told)
