"""An installation that lacks something: a field of a definition, a whole kind."""

import asyncio
import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bgpnet.drivers import kube
from bgpnet.model.declared import Declared
from bgpnet.model.rejection import Rejection
from bgpnet.model.status import NodeStatus
from tests.cluster.agents import running
from tests.cluster.controlplane import ControlPlane, manifest, until
from tests.cluster.following import OURS

pytestmark = pytest.mark.cluster

CONFIG = Path(__file__).parents[2] / "config"


@pytest.fixture
def cluster(plane: ControlPlane) -> Iterator[ControlPlane]:
    """Node n1; as it was found afterwards."""
    plane.kubectl("create", "namespace", "bgpnet-system", check=False)
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}}
    assert plane.request("POST", "/api/v1/nodes", node)[0] == 201
    try:
        yield plane
    finally:
        plane.request("DELETE", f"{OURS}/bgppeers")
        plane.request("DELETE", f"{OURS}/bgpnodestatuses")
        plane.request("DELETE", "/api/v1/nodes")


def status() -> NodeStatus:
    return NodeStatus("n1", "0", True, (), (), (), (), (), ())  # noqa: FBT003


def told(node: kube.KubeNode) -> tuple[Rejection, ...]:
    declared = node.source.declared()
    return declared.rejections if declared else node.source.unread()


def older(crd: dict[str, Any], lacks: str) -> dict[str, Any]:
    """A definition as of before a field was there, with another one in its place."""
    made = copy.deepcopy(crd)
    schema = made["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    del schema["properties"]["spec"]["properties"][lacks]
    schema["properties"]["spec"]["properties"]["keepAlive"] = {"type": "integer"}
    return made


def test_an_older_definition_harms_those_objects_alone_that_need_the_newer(
    cluster: ControlPlane, tmp_path: Path
) -> None:
    """What its schema does not know is pruned, and what only it knows is refused by name."""
    file = CONFIG / "crd" / "bgpnet.io_bgppeers.yaml"
    crd = yaml.safe_load(file.read_text())
    cluster.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(older(crd, "bfd")))

    def peers(declared: Declared | None) -> dict[str, Any]:
        return {peer.ref.name: peer for peer in declared.peers} if declared else {}

    async def story() -> None:
        async with running(cluster.kubeconfig(), tmp_path, "bgpnet-system", status) as node:
            spec = {"peerAddress": "192.0.2.1", "peerASN": 65001}
            objects = (
                manifest("BGPPeer", "new", spec | {"bfd": {}}),
                manifest("BGPPeer", "old", spec | {"keepAlive": 3}),
                manifest("BGPPeer", "plain", spec),
            )
            path = f"{OURS}/bgppeers?fieldValidation=Ignore"

            def made() -> bool:
                """As soon as the API server serves the older definition."""
                codes = [cluster.request("POST", path, each)[0] for each in objects]
                found = cluster.request("GET", f"{OURS}/bgppeers/old")[1]
                if "keepAlive" not in found.get("spec", {}):
                    cluster.request("DELETE", f"{OURS}/bgppeers")
                    return False
                return bool(codes)

            await asyncio.to_thread(until, made, "objects of the older definition are taken")
            await asyncio.to_thread(
                until, lambda: set(peers(node.source.declared())) == {"new", "plain"}, "two are in force"
            )
            assert peers(node.source.declared())["new"].bfd is None  # the older definition has pruned it
            (refused,) = [each for each in told(node) if each.object.name == "old"]
            assert (refused.field, refused.reason) == ("spec.keepAlive", "UnknownField")

    try:
        asyncio.run(story())
    finally:
        cluster.request("DELETE", f"{OURS}/bgppeers")
        cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(file))
        cluster.kubectl("replace", "-f", str(file))


def test_a_kind_that_is_not_installed_is_named_and_nothing_is_touched_until_it_is(
    cluster: ControlPlane, tmp_path: Path
) -> None:
    file = CONFIG / "crd" / "bgpnet.io_bgpfilters.yaml"
    cluster.kubectl("delete", "-f", str(file), "--timeout=30s")

    async def story() -> None:
        async with running(cluster.kubeconfig(), tmp_path, "bgpnet-system", status) as node:
            await asyncio.to_thread(
                until,
                lambda: any("install the CustomResourceDefinitions" in str(each) for each in told(node)),
                "what lacks is named",
            )
            assert node.source.declared() is None
            await asyncio.to_thread(cluster.kubectl, "apply", "--server-side", "-f", str(file))
            await asyncio.to_thread(until, node.source.declared, "all is read")

    try:
        asyncio.run(story())
    finally:
        cluster.kubectl("apply", "--server-side", "-f", str(file))
        cluster.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(file))
