"""An installation that lacks something: a right of the agent, a field of a definition, a whole kind."""

import asyncio
import copy
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

from bgpnet.drivers import kube
from bgpnet.drivers.kube import holder as holder_module
from bgpnet.drivers.kube import reporter as reporter_module
from bgpnet.drivers.kube.reporter import TAINT
from bgpnet.model.claims import Claim, Wanted
from bgpnet.model.declared import Declared
from bgpnet.model.rejection import Rejection
from bgpnet.model.status import NodeStatus, RejectionStatus
from tests.cluster.blocks import drop_all
from tests.cluster.controlplane import ControlPlane, manifest, until

pytestmark = pytest.mark.cluster

CONFIG = Path(__file__).parents[2] / "config"

OURS = "/apis/bgpnet.io/v1alpha1"

LACKING = {
    "watch": ("bgpnet.io", "ippools", "watch"),
    "report": ("bgpnet.io", "bgpnodestatuses/status", "patch"),
    "events": ("events.k8s.io", "events", "create"),
    "condition": ("", "nodes/status", "patch"),
    "taint": ("", "nodes", "patch"),
    "claim": ("bgpnet.io", "ipblocks", "create"),
    "lease": ("coordination.k8s.io", "leases", "get"),
}
"""What works for an agent, and the right without which it does not."""

WORDS = {
    "watch": "cannot watch resource",
    "report": 'cannot patch resource "bgpnodestatuses/status"',
    "events": 'cannot create resource "events"',
    "condition": 'cannot patch resource "nodes/status"',
    "taint": 'cannot patch resource "nodes"',
    "claim": 'cannot create resource "ipblocks"',
    "lease": 'cannot get resource "leases"',
}


@pytest.fixture
def cluster(plane: ControlPlane) -> Iterator[ControlPlane]:
    """Node n1, tainted, with a pool; as it was found afterwards."""
    plane.kubectl("create", "namespace", "bgpnet-system", check=False)
    taint = {"key": TAINT, "effect": "NoSchedule"}
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "spec": {"taints": [taint]}}
    assert plane.request("POST", "/api/v1/nodes", node)[0] == 201
    assert plane.request("POST", f"{OURS}/ippools", manifest("IPPool", "pods", {"cidr": POOL}))[0] == 201
    try:
        yield plane
    finally:
        drop_all(plane)
        for plural in ("bgpconfigurations", "bgppeers", "ippools", "bgpnodestatuses"):
            plane.request("DELETE", f"{OURS}/{plural}")
        plane.request("DELETE", "/apis/events.k8s.io/v1/namespaces/default/events")
        plane.request("DELETE", "/api/v1/nodes")
        mortal = yaml.safe_dump_all(each for each in rights() if each["kind"] != "Namespace")
        plane.kubectl("delete", "-f", "-", "--wait=false", "--ignore-not-found", stdin=mortal)


POOL = "10.70.0.0/16"


def rights(without: tuple[str, str, str] | None = None) -> list[dict[str, Any]]:
    """The objects of config/rbac/agent.yaml, but for one right."""
    found = list(yaml.safe_load_all((CONFIG / "rbac" / "agent.yaml").read_text()))
    for item in found:
        item["rules"] = [part for rule in item.get("rules", ()) for part in parted(rule, without)]
        if not item["rules"]:
            del item["rules"]
    return found


def parted(rule: dict[str, Any], without: tuple[str, str, str] | None) -> list[dict[str, Any]]:
    """A rule in one for each resource, so that a verb can be left out of one."""
    parts = []
    for resource in rule["resources"]:
        lacking = {without[2]} if without and (rule["apiGroups"][0], resource) == without[:2] else set()
        verbs = [verb for verb in rule["verbs"] if verb not in lacking]
        parts += [rule | {"resources": [resource], "verbs": verbs}] if verbs else []
    return parts


def works(plane: ControlPlane) -> set[str]:
    """What has come about of that which an agent does."""
    code, report = plane.request("GET", f"{OURS}/bgpnodestatuses/n1")
    node = plane.request("GET", "/api/v1/nodes/n1")[1]
    events = plane.request("GET", "/apis/events.k8s.io/v1/namespaces/default/events")[1]["items"]
    lease = "/apis/coordination.k8s.io/v1/namespaces/bgpnet-system/leases/bgpnet-quarantine"
    held = plane.request("GET", lease)[1].get("spec", {}).get("holderIdentity")
    found = {
        "report": code == 200 and "status" in report,
        "events": any(each["reason"] == "StrandedPod" for each in events),
        "condition": any(c["type"] == "NetworkUnavailable" for c in node["status"].get("conditions") or ()),
        "taint": all(taint["key"] != TAINT for taint in node["spec"].get("taints") or ()),
        "claim": bool(plane.request("GET", f"{OURS}/ipblocks")[1]["items"]),
        "lease": held == "n1",
    }
    return {name for name, done in found.items() if done}


def status() -> NodeStatus:
    pod = RejectionStatus("Pod/10.9.9.9/32", "", "", "StrandedPod", "delete it")
    return NodeStatus("n1", "0", True, (), ("10.70.0.0/26",), (), (), (pod,), ())  # noqa: FBT003


@asynccontextmanager
async def agent(plane: ControlPlane, folder: Path, token: str) -> AsyncIterator[kube.KubeNode]:
    content = json.loads(plane.kubeconfig(token).read_text())
    content["contexts"][0]["context"]["namespace"] = "bgpnet-system"
    (folder / "config").write_text(json.dumps(content))
    places = kube.Places(folder / "state.json", folder / "passwords.json")
    access = kube.kubeconfig(folder / "config")
    due: list[kube.KubeNode] = []

    def changed() -> None:
        for each in due:
            each.reporter.tell()

    node = kube.KubeNode(access, "n1", "lacking", places, status=status, changed=changed)
    due.append(node)
    work = asyncio.create_task(node.run())
    try:
        yield node
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


def told(node: kube.KubeNode) -> tuple[Rejection, ...]:
    declared = node.source.declared()
    return (*(declared.rejections if declared else node.source.unread()), *node.claims.claimed().refused)


def drop_lease(plane: ControlPlane) -> None:
    lease = "/apis/coordination.k8s.io/v1/namespaces/bgpnet-system/leases/bgpnet-quarantine"
    plane.request("DELETE", lease)


@pytest.mark.parametrize("lacking", LACKING)
def test_without_one_right_the_rest_goes_on_and_it_is_named(
    cluster: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lacking: str
) -> None:
    monkeypatch.setattr(reporter_module, "EVERY", 0.1)
    monkeypatch.setattr(holder_module, "RENEW", 0.5)
    monkeypatch.setattr(holder_module, "ASK", (1, 2))
    drop_lease(cluster)
    cluster.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(rights(without=LACKING[lacking])))
    token = cluster.kubectl("create", "token", "bgpnet-agent", "-n", "bgpnet-system").strip()
    expected = set(LACKING) - {"watch", lacking}

    async def story() -> None:
        async with agent(cluster, tmp_path, token) as node:
            await asyncio.to_thread(until, node.source.declared, "everything is listed")
            node.claims.want(Wanted("n1", "u", (Claim("pods", ip_network(POOL), 26),)))
            await asyncio.to_thread(
                until, lambda: works(cluster) >= expected, f"all works but {lacking}", patience=30
            )
            named = lambda: any(WORDS[lacking] in str(each) for each in told(node))  # noqa: E731
            await asyncio.to_thread(until, named, "what lacks is named", lambda: str(told(node)), 30)
            if lacking == "watch":
                pool = manifest("IPPool", "more", {"cidr": "10.71.0.0/16"})
                await asyncio.to_thread(cluster.request, "POST", f"{OURS}/ippools", pool)
                await asyncio.to_thread(until, lambda: pools(node) == {"pods", "more"}, "it lists anew")
        assert lacking == "watch" or lacking not in works(cluster)

    asyncio.run(story())


def pools(node: kube.KubeNode) -> set[str]:
    declared = node.source.declared()
    return {pool.ref.name for pool in declared.pools} if declared else set()


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
        async with agent(cluster, tmp_path, "admin-token") as node:
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
        async with agent(cluster, tmp_path, "admin-token") as node:
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
