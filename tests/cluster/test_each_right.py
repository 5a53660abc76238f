"""An agent for each of an agent's rights, which lacks that one: it is named, and everything else goes on."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from bgpnet.drivers import kube
from bgpnet.drivers.kube import claims as claims_module
from bgpnet.drivers.kube import conditions as conditions_module
from bgpnet.drivers.kube import holder as holder_module
from bgpnet.drivers.kube import reporter as reporter_module
from bgpnet.drivers.kube.lease import LEASE
from bgpnet.drivers.kube.reporter import TAINT
from bgpnet.model.claims import Claim, Wanted
from bgpnet.model.status import NodeStatus, RejectionStatus
from tests.cluster.agents import running
from tests.cluster.blocks import BLOCKS, drop_all
from tests.cluster.controlplane import ControlPlane, manifest, until
from tests.cluster.following import OURS

pytestmark = pytest.mark.cluster

RIGHTS: Final = Path(__file__).parents[2] / "config" / "rbac" / "agent.yaml"

Right = tuple[str, str, str]
"""Group, resource, verb."""

Json = dict[str, Any]

PODS: Final = ip_network("10.70.0.0/16")

TEAM: Final = {"cidr": "10.74.0.0/16", "namespaceSelector": {"matchLabels": {"team": "a"}}}
"""For which namespaces have to be known."""

PEER: Final = {"peerAddress": "192.0.2.1", "peerASN": 65001, "passwordSecret": {"name": "tor"}}

SHARES: Final = 4
"""Agents that are there at the same time are a part in so many: more are much for a busy machine."""

PARTS: Final = frozenset({"report", "events", "condition", "taint", "claim", "lease"})
"""What an agent brings about."""

NEEDS: Final[dict[tuple[str, str], set[str]]] = {
    ("nodes", "list"): {"report", "events", "condition", "taint"},
    ("nodes", "get"): {"taint"},
    ("nodes", "patch"): {"taint"},
    ("nodes/status", "patch"): {"condition"},
    ("ipblocks", "list"): {"claim"},
    ("ipblocks", "create"): {"claim"},
    ("bgpnodestatuses", "create"): {"report"},
    ("bgpnodestatuses", "patch"): {"report"},
    ("bgpnodestatuses/status", "patch"): {"report"},
    ("events", "create"): {"events"},
    ("leases", "get"): {"lease"},
    ("leases", "create"): {"lease"},
}
"""What does not come about without a right: nothing of the kind where it is not listed."""


DUTIES: Final = {
    ("bgpnodestatuses", "list"),
    ("bgpnodestatuses", "watch"),
    *((f"{kind}/status", "patch") for kind in ("bgpconfigurations", "bgpfilters", "bgppeers", "ippools")),
    *(("leases", verb) for verb in ("get", "create", "update")),
}
"""Rights that the holder of the Lease alone uses. In the namespaces of all others somebody else holds it."""


@dataclass(frozen=True, slots=True)
class Poor:
    """An agent that lacks a right: on a node, with an account and in a namespace of this name."""

    name: str
    number: int
    lacks: Right

    @property
    def words(self) -> str:
        """In which the API server refuses."""
        return f'cannot {self.lacks[2]} resource "{self.lacks[1]}"'

    def works(self) -> frozenset[str]:
        """What comes about all the same."""
        rest = PARTS if self.holds else PARTS - {"lease"}
        return rest - NEEDS.get(self.lacks[1:], set())

    @property
    def holds(self) -> bool:
        """Whether it may hold the Lease of its namespace."""
        return self.lacks[1:] in DUTIES

    def rights(self) -> Iterator[Json]:
        """The objects of config/rbac/agent.yaml, but for the right."""
        text = RIGHTS.read_text().replace("bgpnet-system", self.name).replace("bgpnet-agent", self.name)
        for item in yaml.safe_load_all(text):
            if "rules" in item:
                item["rules"] = [part for rule in item["rules"] for part in self._parted(rule)]
            yield item

    def _parted(self, rule: Json) -> Iterator[Json]:
        for resource in rule["resources"]:
            lost = {self.lacks[2]} if (rule["apiGroups"][0], resource) == self.lacks[:2] else set()
            if verbs := [verb for verb in rule["verbs"] if verb not in lost]:
                yield rule | {"resources": [resource], "verbs": verbs}

    def block(self, second: int) -> str:
        return f"10.{second}.{self.number}.0/26"

    def wanted(self) -> Wanted:
        """A block of the pool, one that another node has, one of an earlier Node object, and one less."""
        first, exact, adopted, released = (ip_network(self.block(second)) for second in range(70, 74))
        claims = Claim("pods", PODS, first.prefixlen), Claim("pods", PODS, first.prefixlen, exact)
        return Wanted(self.name, "u", claims, (adopted,), (released,))

    def status(self) -> NodeStatus:
        pod = RejectionStatus("Pod/10.9.9.9/32", "", "", "StrandedPod", "delete it")
        return NodeStatus(self.name, "0", True, (), (), (), (), (pod,), ())  # noqa: FBT003


def everybody() -> list[Poor]:
    found = [
        (rule["apiGroups"][0], resource, verb)
        for item in yaml.safe_load_all(RIGHTS.read_text())
        for rule in item.get("rules", ())
        for resource in rule["resources"]
        for verb in rule["verbs"]
    ]
    return [Poor(f"poor{number}", number, right) for number, right in enumerate(found)]


@pytest.fixture(params=range(SHARES))
def poor(plane: ControlPlane, request: pytest.FixtureRequest) -> Iterator[list[Poor]]:
    """Their nodes, accounts and blocks, and an object of each kind; gone afterwards, but for namespaces."""
    agents = everybody()[request.param :: SHARES]
    objects: list[tuple[str, Json]] = [
        ("bgpconfigurations", manifest("BGPConfiguration", "default", {"localASN": 64512})),
        ("bgpfilters", manifest("BGPFilter", "policy", {"import": [{"action": "accept"}]})),
        ("bgppeers", manifest("BGPPeer", "tor", PEER)),
        ("ippools", manifest("IPPool", "pods", {"cidr": str(PODS)})),
        ("ippools", manifest("IPPool", "team", TEAM)),
    ]
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda each: made(plane, f"{OURS}/{each[0]}", each[1]), objects))
            list(pool.map(lambda agent: _installed(plane, agent), agents))
        yield agents
    finally:
        drop_all(plane)
        for plural in ("bgpconfigurations", "bgpfilters", "bgppeers", "ippools", "bgpnodestatuses"):
            plane.request("DELETE", f"{OURS}/{plural}")
        plane.request("DELETE", "/apis/events.k8s.io/v1/namespaces/default/events")
        plane.request("DELETE", "/api/v1/nodes")
        for plural in ("clusterrolebindings", "clusterroles"):
            for agent in agents:
                plane.request("DELETE", f"/apis/rbac.authorization.k8s.io/v1/{plural}/{agent.name}")


def made(plane: ControlPlane, path: str, body: Json) -> None:
    code, answer = plane.request("POST", path, body)
    assert code in (201, 409), answer


def _installed(plane: ControlPlane, agent: Poor) -> None:
    taint = {"key": TAINT, "effect": "NoSchedule"}
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": agent.name}}
    made(plane, "/api/v1/nodes", node | {"spec": {"taints": [taint]}})
    for second, owner in ((71, "another"), (72, agent.name), (73, agent.name)):
        cidr = agent.block(second)
        spec = {"cidr": cidr, "node": owner, "pool": "pods"}
        made(plane, BLOCKS, manifest("IPBlock", cidr.replace("/", "-"), spec))
    rbac = "/apis/rbac.authorization.k8s.io/v1"
    paths = {
        "Namespace": "/api/v1/namespaces",
        "ServiceAccount": f"/api/v1/namespaces/{agent.name}/serviceaccounts",
        "ClusterRole": f"{rbac}/clusterroles",
        "ClusterRoleBinding": f"{rbac}/clusterrolebindings",
        "Role": f"{rbac}/namespaces/{agent.name}/roles",
        "RoleBinding": f"{rbac}/namespaces/{agent.name}/rolebindings",
    }
    for item in agent.rights():
        made(plane, paths[item["kind"]], item)
    if not agent.holds:
        lease = {"metadata": {"name": LEASE}, "spec": {"holderIdentity": "another"}}
        made(plane, f"/apis/coordination.k8s.io/v1/namespaces/{agent.name}/leases", lease)


def token(plane: ControlPlane, agent: Poor) -> str:
    path = f"/api/v1/namespaces/{agent.name}/serviceaccounts/{agent.name}/token"
    return str(plane.request("POST", path, {"spec": {}})[1]["status"]["token"])


def come_about(plane: ControlPlane) -> dict[str, set[str]]:
    """Which parts there are, by node."""

    def items(path: str) -> list[Json]:
        return list(plane.request("GET", path)[1]["items"])

    nodes = items("/api/v1/nodes")
    found = {
        "report": {each["metadata"]["name"] for each in items(f"{OURS}/bgpnodestatuses") if "status" in each},
        "events": {each["regarding"]["name"] for each in items("/apis/events.k8s.io/v1/events")},
        "condition": {each["metadata"]["name"] for each in nodes if each["status"].get("conditions")},
        "taint": {each["metadata"]["name"] for each in nodes if not tainted(each)},
        "claim": {
            each["spec"]["node"] for each in items(BLOCKS) if each["spec"]["cidr"].startswith("10.70.")
        },
        "lease": {each["spec"]["holderIdentity"] for each in items("/apis/coordination.k8s.io/v1/leases")},
    }
    return {
        each["metadata"]["name"]: {part for part in PARTS if each["metadata"]["name"] in found[part]}
        for each in nodes
    }


def tainted(node: Json) -> bool:
    return any(taint["key"] == TAINT for taint in node["spec"].get("taints") or ())


def told(node: kube.KubeNode) -> str:
    """All that `bgpnet status` would tell of the source."""
    declared = node.source.declared()
    errors = [peer.password_error for peer in declared.peers] if declared else []
    refused = declared.rejections if declared else node.source.unread()
    return "\n".join(map(str, (*errors, *refused, *node.claims.claimed().refused)))


def changed(plane: ControlPlane, turn: int) -> None:
    """Every object that users write, so that its condition is to be written anew."""
    for path, spec in (
        ("bgpconfigurations/default", {"holdTime": 10 + turn}),
        ("bgpfilters/policy", {"import": [{"action": "accept", "set": {"localPreference": turn}}]}),
        ("bgppeers/tor", {"holdTime": 10 + turn}),
        ("ippools/pods", {"natOutgoing": bool(turn % 2)}),
    ):
        code, answer = plane.request(
            "PATCH", f"{OURS}/{path}", {"spec": spec}, kind="application/merge-patch+json"
        )
        assert code == 200, answer


def test_each_right_that_is_missing_is_named_and_the_rest_goes_on(
    plane: ControlPlane, poor: list[Poor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name, value in (
        (claims_module, "EMPTY", 0.2),
        (claims_module, "CLOSING", 0.2),
        (conditions_module, "SETTLE", 0.2),
        (holder_module, "RENEW", 2.0),
        (holder_module, "LOOK", 1.0),
        (holder_module, "ASK", (1, 2)),
        (reporter_module, "EVERY", 1.0),
    ):
        monkeypatch.setattr(module, name, value)
    tokens = [token(plane, agent) for agent in poor]

    async def story() -> None:
        async with AsyncExitStack() as stack:
            nodes = {
                agent: await stack.enter_async_context(
                    running(plane.kubeconfig(secret), tmp_path / agent.name, agent.name, agent.status)
                )
                for agent, secret in zip(poor, tokens, strict=True)
            }
            for agent, node in nodes.items():
                node.claims.want(agent.wanted())
            await asyncio.to_thread(until, *complete(plane, nodes))

    asyncio.run(story())
    found = come_about(plane)
    assert {agent.lacks: found[agent.name] for agent in poor} == {
        agent.lacks: agent.works() for agent in poor
    }


def complete(
    plane: ControlPlane, nodes: dict[Poor, kube.KubeNode]
) -> tuple[Callable[[], bool], str, Callable[[], str]]:
    """Whether every agent names what it lacks and does the rest; in words, and what is missing."""
    turns = iter(range(1, 1000))
    due = time.monotonic()

    def unnamed() -> dict[str, str]:
        return {agent.words: told(node) for agent, node in nodes.items() if agent.words not in told(node)}

    def undone() -> dict[str, list[str]]:
        found = come_about(plane)
        left = {agent.words: sorted(agent.works() - found[agent.name]) for agent in nodes}
        return {words: parts for words, parts in left.items() if parts}

    def done() -> bool:
        nonlocal due
        if time.monotonic() > due:
            changed(plane, next(turns))
            due = time.monotonic() + 5
        return not unnamed() and not undone()

    def missing() -> str:
        return json.dumps({"not named": unnamed(), "not done": undone()}, indent=1)

    return done, "each right is named, and the rest is done", missing
