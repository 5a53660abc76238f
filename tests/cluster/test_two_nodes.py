"""The rig itself, with the reference plug-ins as the network: two nodes, and pods on both."""

from collections.abc import Iterator
from functools import partial

import pytest

from tests.bench import reference
from tests.cluster.controlplane import until
from tests.cluster.rig import podimage, settings
from tests.cluster.rig.cluster import NODES, Cluster, address, cluster

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two nodes with ptp and host-local, and a route on each to the other's pods."""
    plugins = reference.find()
    assert isinstance(plugins, reference.Reference), plugins
    with cluster(tmp_path_factory.mktemp("two")) as made:
        for name in NODES:
            made.boot(name)
        for name in NODES:
            pod_cidr = until(partial(made.pod_cidr, name), f"{name} has a podCIDR", made.log)
            for plugin in ("ptp", "host-local", "portmap"):
                made.machines[name].install(plugins.folder / plugin, "/opt/cni/bin")
            made.machines[name].write("/etc/cni/net.d/10-ptp.conflist", settings.ptp(pod_cidr))
            (other,) = set(NODES) - {name}
            way = ("via", f"10.0.1.{address(name)}")
            made.machines[other].node.run("ip", "route", "add", pod_cidr, *way).checked("a route")
        for name in NODES:
            until(partial(made.ready, name), f"{name} is Ready", made.log)
        yield made


def test_pods_of_both_nodes_reach_each_other(running: Cluster) -> None:
    running.apply(podimage.deployment("web", 6))
    pods = until(lambda: running.ready_pods("web", 6), "six pods are Ready", running.log)
    assert {pod["spec"]["nodeName"] for pod in pods} == set(NODES)
    one, other = (next(pod for pod in pods if pod["spec"]["nodeName"] == name) for name in NODES)
    node, space = running.machines["n1"].node, running.pod_space(one)
    url = f"http://{other['status']['podIP']}:{podimage.PORT}/cgi-bin/who"
    page = node.run("curl", "-sS", "--max-time", "5", url, pod=space).checked("curl").stdout
    assert page.strip() == f"{other['metadata']['name']} sees {one['status']['podIP']}"
