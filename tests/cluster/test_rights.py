"""The agent's rights are those it uses, and its token touches its own node alone."""

import asyncio
import json
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

from bgpnet.drivers import kube
from bgpnet.drivers.kube import claims as claims_module
from bgpnet.drivers.kube import conditions as conditions_module
from bgpnet.drivers.kube import holder as holder_module
from bgpnet.drivers.kube import reporter as reporter_module
from bgpnet.model.claims import Claim, Wanted
from bgpnet.model.status import NodeStatus, RejectionStatus
from tests.cluster.blocks import drop_all
from tests.cluster.controlplane import ControlPlane, manifest, until
from tests.cluster.rack import LEASES

pytestmark = pytest.mark.cluster

RBAC = Path(__file__).parents[2] / "config" / "rbac"

OURS = "/apis/bgpnet.io/v1alpha1"

AGENT = "system:serviceaccount:bgpnet-system:bgpnet-agent"

OURSELVES = "bgpnet/test "
"""How the User-Agent of this module's agent begins: others lack rights on purpose."""

TEAM = {"cidr": "10.8.0.0/16", "namespaceSelector": {"matchLabels": {"team": "a"}}}
"""A pool for which namespaces have to be known."""

Right = tuple[str, str, str]
"""Group, resource, verb."""

APPLIED: Right = ("bgpnet.io", "bgpnodestatuses", "create")
"""What server-side apply needs to make an object: asked for (without it: 403), and audited as patch alone."""


@pytest.fixture(scope="module")
def cluster(plane: ControlPlane) -> Iterator[ControlPlane]:
    """Our rights in force, and two nodes with an agent's pod each."""
    plane.kubectl("apply", "-f", str(RBAC))
    plane.request("DELETE", f"{LEASES}/bgpnet-quarantine")  # another module's agent may have made it
    for name in ("n1", "n2"):
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}
        taints = [
            {"key": "bgpnet.io/not-ready", "effect": "NoSchedule"},
            {"key": "other", "effect": "NoSchedule"},
        ]
        assert plane.request("POST", "/api/v1/nodes", node | {"spec": {"taints": taints}})[0] == 201
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"agent-{name}"},
            "spec": {
                "nodeName": name,
                "serviceAccountName": "bgpnet-agent",
                "containers": [{"name": "agent", "image": "agent"}],
            },
        }
        plane.kubectl("apply", "-n", "bgpnet-system", "-f", "-", stdin=json.dumps(pod))
    secret = {"name": "tor"}
    peer = {"peerAddress": "192.0.2.1", "peerASN": 65001, "passwordSecret": secret}
    objects = [
        ("bgpconfigurations", manifest("BGPConfiguration", "default", {"localASN": 64512})),
        ("bgppeers", manifest("BGPPeer", "tor", peer)),
        ("bgpfilters", manifest("BGPFilter", "policy", {"import": [{"action": "accept"}]})),
        ("ippools", manifest("IPPool", "team", TEAM)),
        ("ippools", manifest("IPPool", "pods", {"cidr": "10.1.0.0/16"})),
    ]
    for plural, body in objects:
        assert plane.request("POST", f"{OURS}/{plural}", body)[0] == 201
    # The API server takes a moment until a policy is in force.
    loose = plane.kubectl("create", "token", "bgpnet-agent", "-n", "bgpnet-system").strip()
    trial, dry = block("10.9.9.0-26", "n1"), f"{OURS}/ipblocks?dryRun=All"
    until(lambda: plane.request("POST", dry, trial, loose)[0] == 422, "the policy is in force")
    try:
        yield plane
    finally:
        drop_all(plane)
        for plural in ("bgpconfigurations", "bgppeers", "bgpfilters", "ippools", "bgpnodestatuses"):
            plane.request("DELETE", f"{OURS}/{plural}")
        plane.request("DELETE", "/api/v1/nodes")
        # Not the namespace: without its controller it would never be gone, and would take nothing new.
        made = [item for each in RBAC.glob("*.yaml") for item in yaml.safe_load_all(each.read_text())]
        mortal = yaml.safe_dump_all(item for item in made if item["kind"] != "Namespace")
        plane.kubectl("delete", "-f", "-", "--wait=false", stdin=mortal)


def token(plane: ControlPlane, node: str) -> str:
    """As kubelet mounts it into the agent's pod of that node."""
    bound = [f"--bound-object-name=agent-{node}", "--bound-object-kind=Pod"]
    return plane.kubectl("create", "token", "bgpnet-agent", "-n", "bgpnet-system", *bound).strip()


def granted() -> set[Right]:
    rights: set[Right] = set()
    for item in yaml.safe_load_all((RBAC / "agent.yaml").read_text()):
        for rule in item.get("rules", ()):
            rights |= {
                (group, resource, verb)
                for group in rule["apiGroups"]
                for resource in rule["resources"]
                for verb in rule["verbs"]
            }
    return rights


def used(plane: ControlPlane) -> tuple[set[Right], set[Right]]:
    """Rights that the API server's audit log shows in use by the agents, and those it refused them."""
    good: set[Right] = set()
    refused: set[Right] = set()
    for line in plane.audit_log.read_text().splitlines():
        entry = json.loads(line)
        found = entry.get("objectRef", {})
        if entry["user"].get("username") != AGENT or not entry.get("userAgent", "").startswith(OURSELVES):
            continue
        resource = "/".join(part for part in (found["resource"], found.get("subresource")) if part)
        right = (found.get("apiGroup", ""), resource, entry["verb"])
        forbidden = entry.get("annotations", {}).get("authorization.k8s.io/decision") == "forbid"
        (refused if forbidden else good).add(right)
    return good, refused


def status(ready: bool) -> NodeStatus:  # noqa: FBT001 - the one thing that differs
    refusal = RejectionStatus("BGPPeer/tor", "spec.passwordSecret", "x", "PasswordUnreadable", "make it")
    return NodeStatus("n1", "0", ready, (), ("10.1.2.0/26",), (), (), (refusal,), ())


def test_the_agent_uses_each_of_its_rights_and_no_other(
    cluster: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name, seconds in (
        (claims_module, "EMPTY", 0.2),
        (claims_module, "CLOSING", 0.2),
        (holder_module, "RENEW", 0.5),
        (holder_module, "LOOK", 0.2),
        (conditions_module, "SETTLE", 0.2),
        (reporter_module, "EVERY", 0.1),
    ):
        monkeypatch.setattr(module, name, seconds)
    config = cluster.kubeconfig(token(cluster, "n1"))
    content = json.loads(config.read_text())
    content["contexts"][0]["context"]["namespace"] = "bgpnet-system"
    config.write_text(json.dumps(content))
    pool = ip_network("10.1.0.0/16")

    def blocks() -> list[str]:
        found = (item["spec"]["cidr"] for item in cluster.request("GET", f"{OURS}/ipblocks")[1]["items"])
        return [cidr for cidr in found if cidr.startswith("10.1.")]

    async def story() -> None:
        ready = [False]
        node = kube.KubeNode(
            kube.kubeconfig(config), "n1", "test",
            kube.Places(tmp_path / "state.json", tmp_path / "passwords.json"),
            status=lambda: status(ready[0]), changed=lambda: None,
        )  # fmt: skip
        monkeypatch.setattr(node, "_forgotten", lambda: 1.0)  # 129 s are too long for a test
        work = asyncio.create_task(node.run())
        await asyncio.to_thread(until, node.source.declared, "everything is listed")
        await asyncio.to_thread(
            until, lambda: (told := node.source.declared()) and told.namespaces, "namespaces are listed"
        )
        node.reporter.tell()
        await asyncio.to_thread(
            until, lambda: cluster.request("GET", f"{OURS}/bgpnodestatuses")[1]["items"], "a report"
        )
        ready[0] = True
        node.reporter.tell()
        await asyncio.to_thread(
            until, lambda: reporter_module.TAINT not in taints(cluster, "n1"), "untainted"
        )
        exact = Claim("pods", pool, 26, ip_network("10.1.2.0/26"))
        node.claims.want(Wanted("n1", "u", (Claim("pods", pool, 26), exact)))
        await asyncio.to_thread(until, lambda: len(blocks()) == 2, "two blocks are claimed")
        node.claims.want(Wanted("n1", "v", (exact,), (exact.block,) if exact.block else ()))
        await asyncio.to_thread(until, lambda: len(blocks()) == 2, "one is asked for again")
        node.claims.want(Wanted("n1", "v", (), (), (ip_network("10.1.2.0/26"),)))
        await asyncio.to_thread(
            until, lambda: blocks() != [] and "10.1.2.0/26" not in blocks(), "one is let go"
        )
        await asyncio.to_thread(
            until, lambda: all(judgement(cluster, *each) for each in JUDGED), "every object is judged"
        )
        assert not work.done()
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    asyncio.run(story())
    good, refused = used(cluster)
    assert refused == set()
    assert good | {APPLIED} == granted()
    assert "other" in taints(cluster, "n1")
    report = cluster.request("GET", f"{OURS}/bgpnodestatuses/n1")[1]
    assert report["metadata"]["ownerReferences"][0]["name"] == "n1"
    assert report["status"]["ready"] is True
    assert report["status"]["rejections"][0]["reason"] == "PasswordUnreadable"
    assert {each: judgement(cluster, *each)[0] for each in JUDGED} == {
        each: "False" if each[1] == "tor" else "True" for each in JUDGED
    }
    assert "make it (1 of 1 nodes: n1)" in judgement(cluster, "bgppeers", "tor")[1]
    assert "PasswordUnreadable" in cluster.kubectl("describe", "bgppeer", "tor").rpartition("Events:")[2]
    assert "true" in cluster.kubectl("get", "bgpns").lower()
    (condition,) = cluster.request("GET", "/api/v1/nodes/n1")[1]["status"]["conditions"]
    assert (condition["type"], condition["status"]) == ("NetworkUnavailable", "False")


JUDGED = (
    ("bgpconfigurations", "default"),
    ("bgpfilters", "policy"),
    ("bgppeers", "tor"),
    ("ippools", "pods"),
)


def judgement(plane: ControlPlane, plural: str, name: str) -> tuple[str, str]:
    """What stands in an object's status: `status` and message; empty when nothing does."""
    _, found = plane.request("GET", f"{OURS}/{plural}/{name}")
    (only,) = found.get("status", {}).get("conditions") or [{}]
    return (only["status"], only["message"]) if only else ()  # type: ignore[return-value]


def taints(plane: ControlPlane, name: str) -> list[str]:
    return [
        taint["key"] for taint in plane.request("GET", f"/api/v1/nodes/{name}")[1]["spec"].get("taints", [])
    ]


def lease(name: str, holder: str) -> dict[str, Any]:
    api = "coordination.k8s.io/v1"
    return {
        "apiVersion": api,
        "kind": "Lease",
        "metadata": {"name": name},
        "spec": {"holderIdentity": holder},
    }


def block(name: str, owner: str) -> dict[str, Any]:
    made = manifest("IPBlock", name, {"cidr": name.replace("-", "/"), "node": owner, "pool": "pods"})
    made["metadata"]["finalizers"] = ["bgpnet.io/quarantine"]
    return made


def test_a_stolen_token_touches_only_its_own_node(cluster: ControlPlane) -> None:
    stolen, own = token(cluster, "n1"), token(cluster, "n2")
    path = f"{OURS}/ipblocks"
    assert cluster.request("POST", path, block("10.9.2.0-26", "n2"), own)[0] == 201
    assert cluster.request("POST", path, block("10.9.6.0-26", "n1"), stolen)[0] == 201
    merge = "application/merge-patch+json"
    free: dict[str, Any] = {"metadata": {"finalizers": []}}
    label = {"metadata": {"labels": {"a": "b"}}}
    drained = {"spec": {"unschedulable": True}}
    untainted: dict[str, Any] = {"spec": {"taints": []}}
    apply = "application/apply-patch+yaml"
    applied = {"apiVersion": "bgpnet.io/v1alpha1", "kind": "BGPNodeStatus", "metadata": {"name": "n2"}}
    assert cluster.request("POST", f"{OURS}/bgpnodestatuses", applied)[0] == 201
    attempts: list[tuple[str, str, Any, str]] = [
        ("POST", path, block("10.9.3.0-26", "n2"), ""),
        ("DELETE", f"{path}/10.9.2.0-26", None, ""),
        ("PATCH", f"{path}/10.9.2.0-26", free, merge),
        ("PATCH", "/api/v1/nodes/n2", untainted, merge),
        ("PATCH", "/api/v1/nodes/n2/status", {"status": {}} | label, merge),
        ("PATCH", "/api/v1/nodes/n1", label, merge),
        ("PATCH", "/api/v1/nodes/n1", drained, merge),
        ("PATCH", "/api/v1/nodes/n1", untainted, merge),
        ("PATCH", f"{path}/10.9.6.0-26", {"spec": {"node": "n2"}}, merge),
        ("PATCH", f"{OURS}/bgpnodestatuses/n2?fieldManager=x", applied, apply),
        ("PATCH", f"{OURS}/bgpnodestatuses/n2/status?fieldManager=x", applied, apply),
        ("DELETE", f"{OURS}/bgpnodestatuses/n1", None, ""),
        ("GET", "/api/v1/secrets", None, ""),
        ("GET", "/api/v1/pods", None, ""),
        ("DELETE", "/api/v1/nodes/n1", None, ""),
        ("DELETE", f"{OURS}/bgppeers/tor", None, ""),
        ("PATCH", f"{OURS}/bgppeers/tor", {"spec": {"peerASN": 65666}}, merge),
        ("PATCH", f"{OURS}/bgpconfigurations/default", {"spec": {"localASN": 65666}}, merge),
        ("PATCH", f"{OURS}/bgpfilters/policy", {"spec": {"import": [{"action": "reject"}]}}, merge),
        ("POST", f"{OURS}/ippools", manifest("IPPool", "more", {"cidr": "10.7.0.0/16"}), ""),
        ("POST", LEASES, lease("bgpnet-quarantine", "n2"), ""),
    ]
    for method, where, body, kind in attempts:
        code, answer = cluster.request(method, where, body, stolen, kind or "application/json")
        assert code in (403, 422), (method, where, code, answer)
    # What it is for goes on: the own node, and letting go of a freed block of another.
    assert cluster.request("POST", path, block("10.9.4.0-26", "n1"), stolen)[0] == 201
    assert cluster.request("DELETE", f"{path}/10.9.2.0-26")[0] == 200
    assert cluster.request("PATCH", f"{path}/10.9.2.0-26", free, stolen, merge)[0] == 200
    # Nodes that report are counted where objects are judged.
    assert cluster.request("DELETE", f"{OURS}/bgpnodestatuses/n2")[0] == 200


def test_a_token_that_names_no_node_is_refused(cluster: ControlPlane) -> None:
    loose = cluster.kubectl("create", "token", "bgpnet-agent", "-n", "bgpnet-system").strip()
    code, answer = cluster.request("POST", f"{OURS}/ipblocks", block("10.9.5.0-26", "n1"), loose)
    assert code == 422
    assert "this token names no node" in answer["message"]
