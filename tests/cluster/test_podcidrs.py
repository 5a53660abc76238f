"""A cluster without IPPools: the controller manager gives nodes their prefixes, none, or others."""

from collections.abc import Iterator
from http import HTTPStatus
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.controlplane import ControlPlane, until
from tests.cluster.rack import OURS, TAINT, Rack, declared, make_node, pod, rack

pytestmark = pytest.mark.cluster

FIRST, OTHER = "10.2.1.0/24", "10.2.2.0/24"


@pytest.fixture
def running(plane: ControlPlane, folder: Path) -> Iterator[Rack]:
    """Node n1 without a prefix."""
    with declared(plane):
        assert plane.request("DELETE", f"{OURS}/ippools/pods")[0] == HTTPStatus.OK
        with rack(plane, folder) as made:
            yield made


def refused(running: Rack) -> set[tuple[str, str]]:
    return {(each["reason"], each["object"]) for each in running.status().get("rejections", ())}


def described(plane: ControlPlane) -> str:
    """The Events that `kubectl describe` shows of the Node."""
    return plane.kubectl("describe", "node", "n1").rpartition("Events:")[2]


def report(plane: ControlPlane) -> Any:  # noqa: ANN401 - decoded JSON
    return plane.request("GET", f"{OURS}/bgpnodestatuses/n1")[1].get("status", {})


def tainted(plane: ControlPlane) -> bool:
    return TAINT in plane.request("GET", "/api/v1/nodes/n1")[1]["spec"].get("taints", ())


def test_a_node_without_a_prefix_is_not_ready_until_it_is_given_one(
    plane: ControlPlane, running: Rack
) -> None:
    """No podCIDRs and no IPPool: it is said at the node, in its report and as an Event, with what to do."""
    until(lambda: refused(running) == {("NoPrefix", "Node/n1")}, "it is named", running.log)
    until(lambda: "NoPrefix" in described(plane), "kubectl describe tells it", running.log)
    assert "--allocate-node-cidrs" in described(plane)
    until(lambda: report(plane).get("refused") == 1, "the report has it", running.log)
    assert report(plane)["ready"] is False
    assert report(plane)["notReadyBecause"]
    assert tainted(plane)
    assert running.routes() == set()
    plane.start_controllers("node-ipam-controller")
    try:
        until(running.routes, "it is given one, and that is announced", running.log)
    finally:
        plane.stop_controllers()
    given = plane.request("GET", "/api/v1/nodes/n1")[1]["spec"]["podCIDRs"]
    assert running.routes() == set(given)
    until(lambda: not tainted(plane), "pods may come", running.log)
    until(lambda: report(plane)["ready"] and not report(plane)["refused"], "the report is good", running.log)


def test_pods_of_an_earlier_prefix_are_named_and_the_new_one_is_announced(
    plane: ControlPlane, running: Rack
) -> None:
    """`spec.podCIDRs` never changes; a Node that is deleted and made anew gets others, under running pods."""
    plane.request("DELETE", "/api/v1/nodes/n1")
    make_node(plane, FIRST)
    until(lambda: running.routes() == {FIRST}, "the first is announced", running.log)
    address = str(ip_network(FIRST)[9])
    pod(running.node, address)
    plane.request("DELETE", "/api/v1/nodes/n1")
    make_node(plane, OTHER)
    until(
        lambda: running.routes() == {OTHER}, "the other one is announced, and no more the first", running.log
    )
    stranded = ("StrandedPod", f"Pod/{address}/32")
    until(lambda: refused(running) == {stranded}, "the pod is named", running.log)
    until(lambda: "delete the pod" in described(plane), "kubectl describe tells what to do", running.log)
    assert running.node.ip_json("route", "show", address), "the pod's own route is left alone"
    running.node.ip("link", "del", "pod1")
    until(lambda: not refused(running), "all is well again", running.log)
