"""Parts of a node that die, are upgraded, or go with the node and come back, under packets to pods."""

import os
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from tests.cluster.controlplane import until
from tests.cluster.rig import podimage, watch
from tests.cluster.rig.installed import Installed
from tests.cluster.rig.release import TAGS, values
from tests.cluster.rig.settings import TAINT
from tests.netlab import processes

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

Json = dict[str, Any]

Two = tuple[Json, Json]

OUTAGE: Final = 3.0
"""Seconds for which a program that nobody restarts is away."""


def ours(running: Installed, *words: str) -> set[int]:
    """Processes on the network of n1, ours among them, whose command line has these arguments."""
    space = Path(f"/proc/{running.on.machines['n1'].node.pid}/ns/net")
    found = processes.described(processes.sharing("net", space))
    return {each.pid for each in found if set(words) <= {word.rsplit("/", 1)[-1] for word in each.argv}}


def killed(*words: str) -> Callable[[Installed], None]:
    """Kill a process of ours on n1 and wait for its successor."""

    def kill(running: Installed) -> None:
        before = ours(running, *words)
        assert before, f"n1 has no {words}"
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        until(lambda: ours(running, *words) - before, f"{words} is back", running.log)

    return kill


def api_server(running: Installed) -> None:
    running.on.plane.stop_apiserver()
    time.sleep(OUTAGE)
    running.on.plane.start_apiserver()


def kubelet(running: Installed) -> None:
    running.on.machines["n1"].kill("kubelet")
    time.sleep(OUTAGE)
    running.on.start_kubelet("n1")


def containerd(running: Installed) -> None:
    running.on.machines["n1"].kill("containerd")
    time.sleep(OUTAGE)
    running.on.start_containerd("n1")


FAULTS: Final[dict[str, Callable[[Installed], None]]] = {
    "agent": killed("bgpnet", "agent"),
    "cni": killed("bgpnet", "cni"),
    "speaker": killed("bgpnet", "speaker"),
    "bfd": killed("bgpnet", "bfd"),
    "exabgp": killed("bgpnet.speaker.exabgp_entry"),
    "API server": api_server,
    "kubelet": kubelet,
    "containerd": containerd,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_is_lost_when_this_is_killed(
    calm: Installed, two: Two, fault: str, measured: Callable[[str], None]
) -> None:
    with watch.flowing(calm.on, *two) as flows:
        FAULTS[fault](calm)
        until(calm.settled, f"all is well again after {fault}", calm.log)
        lost = watch.lost(flows)
    measured(f"{fault} killed: {sum(lost.values())} lost")
    assert set(lost.values()) == {0}, lost
    calm.web(2, "after")
    calm.unweb("after")


def test_an_upgrade_of_the_agent_leaves_sessions_and_packets_alone(
    calm: Installed, two: Two, measured: Callable[[str], None]
) -> None:
    speakers, agents, sessions = calm.uids("speaker"), calm.uids("agent"), watch.sessions(calm.on)
    crd = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/bgpfilters.bgpnet.io"
    column = "/spec/versions/0/additionalPrinterColumns"
    older = [{"op": "remove", "path": column}]
    calm.on.plane.request("PATCH", crd, older, kind="application/json-patch+json")
    with watch.flowing(calm.on, *two) as flows:
        calm.release.upgrade(values(agent=TAGS[1]))
        until(lambda: new(calm.uids("agent"), agents) and calm.settled(), "the upgrade is through", calm.log)
        upgraded = calm.uids("agent")
        newer = calm.on.get(crd)["spec"]
        calm.release.rollback()
        until(
            lambda: new(calm.uids("agent"), upgraded) and calm.settled(), "the rollback is through", calm.log
        )
        lost = watch.lost(flows)
    measured(f"agent upgraded and rolled back: {sum(lost.values())} lost")
    assert newer["versions"][0]["additionalPrinterColumns"]
    assert calm.on.get(crd)["spec"] == newer
    assert set(lost.values()) == {0}, lost
    assert calm.uids("speaker") == speakers
    assert watch.sessions(calm.on) == sessions


def test_an_upgrade_of_the_speaker_loses_no_packet(
    calm: Installed, two: Two, measured: Callable[[str], None]
) -> None:
    speakers, agents = calm.uids("speaker"), calm.uids("agent")
    with watch.flowing(calm.on, *two) as flows:
        calm.release.upgrade(values(speaker=TAGS[1]))
        until(
            lambda: new(calm.uids("speaker"), speakers) and calm.settled(), "the upgrade is through", calm.log
        )
        upgraded = calm.uids("speaker")
        calm.release.rollback()
        until(
            lambda: new(calm.uids("speaker"), upgraded) and calm.settled(),
            "the rollback is through",
            calm.log,
        )
        lost = watch.lost(flows)
    measured(f"speaker upgraded and rolled back: {sum(lost.values())} lost")
    assert set(lost.values()) == {0}, lost
    assert calm.uids("agent") == agents


def new(now: dict[str, set[str]], before: dict[str, set[str]]) -> bool:
    """Whether each node has a pod, and none that it had before."""
    return all(now[name] and not now[name] & before[name] for name in before)


def test_a_pod_on_a_rebooted_node_has_its_first_packet_answered(
    calm: Installed, measured: Callable[[str], None]
) -> None:
    first = f"ping -c 1 -W 1 {watch.VM} >/www/first 2>&1; exec httpd -f -p 0.0.0.0:{podimage.PORT} -h /www"
    calm.web(2, "early", command=("sh", "-c", first))
    try:
        calm.on.machines["n1"].off()
        began = time.monotonic()
        calm.on.boot("n1", taints=(TAINT,))
        restarted = partial(first_word, calm)
        told = until(
            restarted, "the pod of n1 runs again and tells of its first packet", calm.log, patience=150
        )
        measured(f"a rebooted node's pod answers after {time.monotonic() - began:.1f} s")
        assert "1 packets received" in told, told
        until(calm.settled, "all is well again", calm.log, patience=150)
    finally:
        calm.unweb("early")


def first_word(running: Installed) -> str:
    """What the pod on n1 says of its first packet, once it has started since the boot; empty before."""
    for pod in running.on.pods("early"):
        status = (pod["status"].get("containerStatuses") or [{}])[0]
        if (
            pod["spec"]["nodeName"] == "n1"
            and status.get("restartCount")
            and "running" in status.get("state", {})
        ):
            url = f"http://{pod['status']['podIP']}:{podimage.PORT}/first"
            return running.on.lab.node("vm").run("curl", "-sSf", "--max-time", "2", url).stdout
    return ""


def test_a_node_that_is_deleted_and_added_again_has_pods_again(calm: Installed) -> None:
    calm.on.machines["n2"].kill("kubelet")
    calm.on.plane.kubectl("delete", "node", "n2", "--timeout=50s")
    # As whoever retires a node does; Kubernetes itself takes a minute to find that its pods are nobody's.
    on_it = ("-l", "app=web", "--field-selector", "spec.nodeName=n2")
    calm.on.plane.kubectl("delete", "pods", *on_it, "--force", "--grace-period=0", "--timeout=50s")
    calm.on.start_kubelet("n2")
    # It ends when its Node is deleted, and its DaemonSet would start it anew.
    calm.on.machines["n2"].kill("kube-proxy")
    calm.on.start_kube_proxy("n2", "nftables")
    until(lambda: calm.on.get("/api/v1/nodes/n2").get("spec"), "the node registers", calm.log)
    until(calm.settled, "all is well again", calm.log, patience=150)
    calm.unweb("web")
    pods = calm.web(4)
    vm = watch.vm(calm.on)
    for pod in pods:
        assert watch.fetch(vm, pod["status"]["podIP"]) == f"{pod['metadata']['name']} sees {watch.VM}"
