"""Pools for namespaces: from a label in a real API server to the address of a pod."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from bgpnet.drivers.blocks import BlocksFile
from tests.cluster.blocks import drop_all
from tests.cluster.controlplane import ControlPlane, manifest, until
from tests.cluster.rack import Rack, rack
from tests.cninode import CniNode, built_shim
from tests.netns import namespace

pytestmark = pytest.mark.cluster

OURS = "/apis/bgpnet.io/v1alpha1"
MERGE = "application/merge-patch+json"
GENERAL, TEAM = ip_network("10.1.0.0/16"), ip_network("10.2.0.0/16")


@pytest.fixture
def running(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rack]:
    """Node n1 with a session, and a pool for everybody."""
    built_shim()
    plane.kubectl("create", "namespace", "bgpnet-system", check=False)
    plane.kubectl("create", "namespace", "team-a", check=False)
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}}
    assert plane.request("POST", "/api/v1/nodes", node)[0] == 201
    address = {"status": {"addresses": [{"type": "InternalIP", "address": "10.0.1.2"}]}}
    assert plane.request("PATCH", "/api/v1/nodes/n1/status", address, kind=MERGE)[0] == 200
    for plural, body in (
        ("bgpconfigurations", manifest("BGPConfiguration", "default", {"localASN": 64512})),
        ("bgppeers", manifest("BGPPeer", "tor", {"peerAddress": "10.0.1.1", "peerASN": 65001})),
        ("ippools", manifest("IPPool", "pods", {"cidr": str(GENERAL)})),
    ):
        assert plane.request("POST", f"{OURS}/{plural}", body)[0] == 201
    try:
        with rack(plane, tmp_path_factory.mktemp("rack")) as made:
            until(lambda: len(made.routes()) == 1, "the router has a route", made.log)
            yield made
    finally:
        drop_all(plane)
        for plural in ("bgpconfigurations", "bgppeers", "ippools", "bgpnodestatuses"):
            plane.request("DELETE", f"{OURS}/{plural}")
        plane.request("DELETE", "/api/v1/nodes")
        label(plane, None)


def label(plane: ControlPlane, value: str | None) -> None:
    """Label namespace team-a."""
    patch = {"metadata": {"labels": {"team.example.org/name": value}}}
    assert plane.request("PATCH", "/api/v1/namespaces/team-a", patch, kind=MERGE)[0] == 200


@pytest.fixture
def audited(plane: ControlPlane) -> int:
    """Lines that the audit log had before the node was there."""
    return len(plane.audit_log.read_text().splitlines())


def asked_for_namespaces(plane: ControlPlane, since: int) -> set[str]:
    """Verbs with which agents asked for namespaces."""
    entries = map(json.loads, plane.audit_log.read_text().splitlines()[since:])
    return {
        entry["verb"]
        for entry in entries
        if entry.get("userAgent", "").startswith("bgpnet/")
        and entry.get("objectRef", {}).get("resource") == "namespaces"
    }


def test_pods_get_addresses_of_the_pools_for_their_namespace(
    plane: ControlPlane, audited: int, running: Rack
) -> None:
    node = CniNode(running.node, running.folder / "run")
    blocks = BlocksFile(node.run_dir / "blocks.json")

    def served(name: str) -> list[Any]:
        found = blocks.read()
        return [] if found is None else list(found.serving(name))

    def within(name: str, pool: Any) -> bool:  # noqa: ANN401 - a prefix of either family
        return [prefix.subnet_of(pool) for prefix in served(name)] == [True]

    with ExitStack() as stack:

        def address(name: str) -> Any:  # noqa: ANN401 - of either family
            (found,) = node.add(stack.enter_context(namespace("pod")), namespace=name).addresses
            return ip_address(found)

        assert address("team-a") in GENERAL
        assert asked_for_namespaces(plane, audited) == set(), "nobody needs them yet"

        team = {"cidr": str(TEAM), "namespaceSelector": {"matchLabels": {"team.example.org/name": "a"}}}
        assert plane.request("POST", f"{OURS}/ippools", manifest("IPPool", "team", team))[0] == 201
        until(lambda: (found := blocks.read()) and found.reserved, "the pool is known", running.log)
        assert within("team-a", GENERAL), "nobody is selected yet, and nothing is claimed"

        label(plane, "a")
        until(lambda: within("team-a", TEAM), "a block is claimed for the namespace", running.log)
        until(lambda: len(running.routes()) == 2, "the router has it, too", running.log)
        assert address("team-a") in TEAM
        assert address("default") in GENERAL
        assert asked_for_namespaces(plane, audited) == {"list", "watch"}

        nowhere = {"spec": {"nodeSelector": {"matchLabels": {"none": "such"}}}}
        assert plane.request("PATCH", f"{OURS}/ippools/pods", nowhere, kind=MERGE)[0] == 200
        until(lambda: served("default") == [], "no pool is for the others any more", running.log)
        refused = node.add(stack.enter_context(namespace("pod")), namespace="default")
        assert refused.output["code"] == 106
        assert "namespace default" in refused.output["msg"]

        label(plane, None)
        until(lambda: served("team-a") == [], "the namespace is selected no more", running.log)
        assert len(running.routes()) == 2, "its pod keeps its block, and so do those of the other pool"

        plane.request("DELETE", f"{OURS}/ippools/team")
        until(lambda: not (found := blocks.read()) or not found.reserved, "no pool asks", running.log)
