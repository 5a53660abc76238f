"""Our chart on a cluster of two nodes: from NotReady nodes to pods and services that a VM reaches."""

import json
import re
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import binaries
from tests.cluster.controlplane import until
from tests.cluster.rig import podimage, watch
from tests.cluster.rig.cluster import NODES
from tests.cluster.rig.installed import Installed
from tests.cluster.rig.release import NAMESPACE
from tests.netlab.images import REPOSITORY
from tests.netlab.probes import Place

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

INSTALL = REPOSITORY / "docs" / "install.md"

READY_SECONDS = 15.0
"""Of a machine that has nothing else to do."""

Json = dict[str, Any]

Two = tuple[Json, Json]

SERVICE: Json = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {
        "type": "NodePort",
        "selector": {"app": "web"},
        "clusterIP": "10.96.7.7",
        "ports": [{"port": 80, "targetPort": podimage.PORT, "nodePort": 30080}],
    },
}


LOCAL: Json = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "local", "namespace": "default"},
    "spec": {
        "type": "NodePort",
        "externalTrafficPolicy": "Local",
        "selector": {"app": "web"},
        "ports": [{"port": 80, "targetPort": podimage.PORT, "nodePort": 30090}],
    },
}


def test_both_nodes_are_ready_soon_after_the_install(
    installed: Installed, measured: Callable[[str], None]
) -> None:
    taken = installed.taken
    measured(f"helm install to both nodes Ready: {taken.seconds:.1f} s, alone {taken.alone:.1f} s (bar 15)")
    assert taken.alone < READY_SECONDS


def test_thirty_pods_have_addresses_over_both_nodes(calm: Installed) -> None:
    pods = calm.web(30, "thirty")
    assert len({pod["status"]["podIP"] for pod in pods}) == 30
    assert {pod["spec"]["nodeName"] for pod in pods} == set(NODES)
    calm.unweb("thirty")


def test_vm_and_pods_reach_each_other_by_their_own_addresses(calm: Installed, two: Two) -> None:
    one, other = (watch.place(calm.on, pod) for pod in two)
    names = [pod["metadata"]["name"] for pod in two]
    vm = watch.vm(calm.on)
    assert watch.fetch(vm, one.address) == f"{names[0]} sees {watch.VM}"
    assert watch.fetch(vm, other.address) == f"{names[1]} sees {watch.VM}"
    assert watch.fetch(one, other.address) == f"{names[1]} sees {one.address}"
    assert watch.fetch(other, one.address) == f"{names[0]} sees {other.address}"
    with watch.flowing(calm.on, *two) as flows:
        lost = watch.lost(flows)
    assert set(lost.values()) == {0}, lost


def test_pods_have_an_address_of_each_family_that_vm_and_pods_reach(calm: Installed, two: Two) -> None:
    one, other = (watch.place(calm.on, pod) for pod in two)
    six, six_of_other = map(watch.address6, two)
    for what, (source, target) in {
        "VM to pod": (watch.vm(calm.on), six),
        "VM to pod of the other node": (watch.vm(calm.on), six_of_other),
        "pod to VM": (one, watch.VM6),
        "pod to pod": (one, six_of_other),
        "pod to pod, back": (other, six),
    }.items():
        assert watch.answers(source, target), f"{what}: {target}"


def test_a_local_node_port_shows_the_pod_who_asks(calm: Installed, two: Two) -> None:
    calm.on.apply(LOCAL)
    vm = watch.vm(calm.on)
    for pod in two:
        node = pod["status"]["hostIP"]
        until(partial(answered, vm, node, 30090), f"{node} answers", calm.log)
        told, sees = watch.fetch(vm, node, 30090).split(" sees ")
        there = [each for each in calm.on.pods("web") if each["status"]["hostIP"] == node]
        assert told in {each["metadata"]["name"] for each in there}
        assert sees == watch.VM


def test_a_host_port_leads_to_its_pod(calm: Installed) -> None:
    calm.web(2, "hostport", ports=[{"containerPort": podimage.PORT, "hostPort": 30091}])
    vm = watch.vm(calm.on)
    for pod in calm.on.pods("hostport"):
        told = watch.fetch(vm, pod["status"]["hostIP"], 30091)
        assert told == f"{pod['metadata']['name']} sees {watch.VM}"
    calm.unweb("hostport")


def test_our_pods_are_asked_as_the_readme_says(calm: Installed) -> None:
    ours = ("-n", NAMESPACE)
    status = (*ours, "exec", "ds/bgpnet-agent", "--", "bgpnet", "status", "-o", "json")
    # What a test before did to the way to the API server takes the agent ten seconds to notice.
    healthy = until(lambda: fine(calm, status), "the agent has nothing to tell of", calm.log)
    assert json.loads(healthy)["ready"] is True
    said = calm.on.plane.kubectl(*ours, "logs", "ds/bgpnet-agent", "-c", "cni")
    assert "cni server ready" in said


def test_the_routers_files_come_out_of_a_pod_as_documented(calm: Installed, tmp_path: Path) -> None:
    documented = re.search(r"kubectl [^`]* routers render [^`]* tar -x\n", INSTALL.read_text())
    assert documented
    argv = f"{binaries.find().path('kubectl')} --kubeconfig={calm.on.plane.kubeconfig()}"
    script = f'kubectl() {{ {argv} "$@"; }}\n{documented[0]}'
    subprocess.run(["sh", "-ec", script], cwd=tmp_path, check=True, capture_output=True, timeout=60)
    assert {"tor1.conf", "tor2.conf"} <= {path.name for path in (tmp_path / "routers").iterdir()}


@pytest.mark.parametrize("mode", ["nftables", "iptables"])
def test_services_answer_pods_and_the_vm(calm: Installed, two: Two, mode: str) -> None:
    calm.on.restart_kube_proxy(mode)
    calm.on.apply(SERVICE)
    pod, vm = watch.place(calm.on, two[0]), watch.vm(calm.on)
    ways: dict[str, tuple[Place, str, int]] = {
        "ClusterIP from a pod": (pod, "10.96.7.7", 80),
        "NodePort from a pod": (pod, "10.0.1.12", 30080),
        "NodePort from the VM": (vm, "10.0.1.11", 30080),
        "NodePort of the other node from the VM": (vm, "10.0.1.12", 30080),
    }
    try:
        for what, way in ways.items():
            until(partial(answered, *way), f"{mode}: {what}", calm.log)
        url = "https://10.96.0.1/livez"
        told = pod.node.run("curl", "-sk", "--max-time", "5", url, pod=pod.pod).checked(f"{mode}: API server")
        assert told.stdout
    finally:
        calm.on.restart_kube_proxy("nftables")


def fine(running: Installed, status: tuple[str, ...]) -> str:
    """The JSON that `bgpnet status` printed when it ended with 0; else nothing."""
    told = running.on.plane.kubectl(*status, check=False)
    return "" if "command terminated with exit code" in told else told[told.index("{") :]


def answered(source: Place, address: str, port: int) -> bool:
    """Whether eight connections in a row are answered: by pods of both nodes."""
    url = f"http://{address}:{port}/cgi-bin/who"
    argv = ("curl", "-sS", "--max-time", "5", url)
    done = [source.node.run(*argv, pod=source.pod) for _ in range(8)]
    return all(each.code == 0 and " sees " in each.stdout for each in done)
