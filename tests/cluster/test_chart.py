"""The Helm chart: a real API server takes what it renders, and what is wrong is told before that."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from bgpnet.cli import main
from tests.cluster import binaries, podmonitor
from tests.cluster.binaries import Binaries
from tests.cluster.controlplane import ControlPlane, control_plane

pytestmark = pytest.mark.cluster

CHART = Path(__file__).parents[2] / "charts" / "bgpnet"
NAMESPACE = "bgpnet-system"

Json = dict[str, Any]

RACK: Json = {
    "bgpConfiguration": {"localASN": 64512},
    "bgpPeers": {
        "tor1": {"peerAddress": "10.0.1.1", "peerASN": 65001, "accept": [{"prefix": "0.0.0.0/0"}]},
        "tor2": {"peerAddress": "10.0.2.1", "peerASN": 4200000001, "bfd": {}},
    },
    "ipPools": {"pods": {"cidr": "10.244.0.0/16", "blockSize": 26}},
}

README: Json = yaml.safe_load(
    (CHART.parents[1] / "README.md").read_text().split("```yaml\n", 1)[1].split("```", 1)[0]
)

SETS: dict[str, Json] = {
    "readme": README,
    "nothing": {},
    "rack": RACK,
    "dual-stack": {
        "families": ["ipv4", "ipv6"],
        "bgpConfiguration": {"localASN": 64512, "communities": ["64512:100"], "routeReady": {"probe": False}},
        "bgpPeers": {
            "uplinks": {"fromInterface": ["eth*"], "peerASN": "external", "filters": {"import": ["all"]}}
        },
        "bgpFilters": {"all": {"import": [{"action": "accept"}]}},
        "ipPools": {"four": {"cidr": "10.1.0.0/16"}, "six": {"cidr": "2001:db8::/48", "blockSize": 64}},
    },
    "everything-else": {
        "image": {"repository": "registry.example.org:5000/net/bgpnet", "tag": "1", "pullSecrets": ["key"]},
        "speaker": {"image": {"tag": "0"}},
        "replaceOtherPlugins": True,
        "cni": {"binDir": "/usr/libexec/cni", "confDir": "/etc/kubernetes/cni", "chain": []},
        "nodeSelector": {"example.org/rack": "1"},
        "apiServer": {"host": "2001:db8::1", "port": 443},
        "metrics": {"enabled": True, "address": "::", "podMonitor": {"enabled": True, "labels": {"a": "b"}}},
        "seLinuxOptions": {"type": "spc_t"},
        "podAnnotations": {"example.org/a": "1"},
        "jobs": {"tolerations": [{"key": "example.org/pool", "operator": "Exists"}]},
        "agent": {"resources": {"limits": {"memory": "1Gi"}}},
    },
    "without-hooks": {"uninstall": {"enabled": False}, "crds": {"upgrade": False}},
}


@dataclass(frozen=True)
class Helm:
    """The program, against one API server."""

    program: Path
    plane: ControlPlane

    def __call__(self, *args: str, values: Json | None = None) -> tuple[int, str]:
        """Exit code, and what it prints on both streams."""
        folder = self.plane.folder
        given = []
        if values is not None:
            file = folder / "values.json"
            file.write_text(json.dumps(values))
            given = [f"--values={file}"]
        homes = {f"HELM_{kind}_HOME": str(folder / "helm" / kind) for kind in ("CACHE", "CONFIG", "DATA")}
        done = subprocess.run(
            [self.program, f"--kubeconfig={self.plane.kubeconfig()}", *args, *given],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
            env=os.environ | homes,
        )
        return done.returncode, done.stdout

    def rendered(self, values: Json) -> list[Json]:
        """The objects of `helm template`."""
        known = ("--kube-version", binaries.version())
        code, told = self("template", "bgpnet", str(CHART), "-n", NAMESPACE, *known, values=values)
        assert code == 0, told
        return [each for each in yaml.safe_load_all(told) if each]

    def install(self, name: str, *flags: str, values: Json = RACK) -> tuple[int, str]:
        """`helm install`."""
        where = ("-n", NAMESPACE, "--create-namespace")
        return self("install", name, str(CHART), *where, *flags, values=values)


@pytest.fixture(scope="module")
def helm(programs: Binaries, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Helm]:
    """With an API server without nodes, and without controllers."""
    program = binaries.HELM.find() / "helm"
    with control_plane(programs, tmp_path_factory.mktemp("chart")) as plane:
        for crd in sorted((CHART / "crds").iterdir()):
            plane.kubectl("apply", "--server-side", "-f", str(crd))
        plane.kubectl("apply", "--server-side", "-f", str(podmonitor.definition()))
        plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd", "--all")
        plane.kubectl("create", "namespace", NAMESPACE)
        yield Helm(program, plane)


@pytest.fixture
def node(helm: Helm) -> Iterator[None]:
    """A node without podCIDRs."""
    labels = {"kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux"}
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "labels": labels}}
    helm.plane.kubectl("create", "-f", "-", stdin=json.dumps(node))
    yield
    helm.plane.kubectl("delete", "node", "n1")


def test_the_chart_has_no_fault_that_helm_knows(helm: Helm) -> None:
    code, told = helm("lint", "--strict", str(CHART), "--kube-version", binaries.version(), values=RACK)
    assert code == 0, told


@pytest.mark.parametrize("name", SETS)
def test_an_api_server_takes_what_is_rendered(helm: Helm, name: str) -> None:
    """Against its schemas, and without a field that it does not know."""
    objects = helm.rendered(SETS[name])
    told = helm.plane.kubectl(
        *("apply", "--dry-run=server", "--validate=strict", "-f", "-"),
        stdin="\n---\n".join(map(json.dumps, objects)),
    )
    assert told.count("(server dry run)") == len(objects), told


def test_routers_can_be_rendered_from_the_values_of_the_readme(
    helm: Helm, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    objects = [each for each in helm.rendered(README) if each["apiVersion"].startswith("bgpnet.io/")]
    address = [{"type": "InternalIP", "address": "10.0.1.11"}]
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}}
    objects.append(node | {"spec": {"podCIDRs": ["10.244.0.0/26"]}, "status": {"addresses": address}})
    (tmp_path / "rack.yaml").write_text("\n---\n".join(map(json.dumps, objects)))
    status = main(["routers", "render", "--source", f"files:{tmp_path}", "-o", str(tmp_path / "routers")])
    assert status == 0, capsys.readouterr()
    assert {path.name for path in (tmp_path / "routers").rglob("*.conf")} == {"tor1.conf", "tor2.conf"}


def test_only_the_short_ones_are_privileged(helm: Helm) -> None:
    for each in helm.rendered(RACK):
        if each["kind"] not in {"DaemonSet", "Job"}:
            continue
        pod = each["spec"]["template"]["spec"]
        assert not pod.get("hostPID")
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            context = container["securityContext"]
            assert context["capabilities"]["drop"] == ["ALL"], container["name"]
            assert context["readOnlyRootFilesystem"]
            assert not context["allowPrivilegeEscalation"]
        privileged = [
            one["name"] for one in pod.get("initContainers", []) if one["securityContext"].get("privileged")
        ]
        assert privileged == {"bgpnet-agent": ["install"], "bgpnet-restore": ["restore"]}.get(
            each["metadata"]["name"], []
        )


def test_the_pods_are_on_every_node_and_the_jobs_on_none_that_is_away(helm: Helm) -> None:
    for each in helm.rendered(RACK):
        if each["kind"] not in {"DaemonSet", "Job"}:
            continue
        tolerated = each["spec"]["template"]["spec"]["tolerations"]
        everything = {"operator": "Exists"} in tolerated
        away = [one for one in tolerated if one.get("key") == "node.kubernetes.io/unreachable"]
        assert everything == (each["kind"] == "DaemonSet")
        assert everything or [(one["effect"], one["tolerationSeconds"]) for one in away] == [("NoExecute", 0)]


def test_another_version_of_the_agent_leaves_the_speaker_as_it_is(helm: Helm) -> None:
    def pods(**image: str) -> dict[str, Json]:
        found = helm.rendered(RACK | {"image": image, "speaker": {"image": {"tag": "1"}}})
        return {
            each["metadata"]["name"]: each["spec"]["template"]
            for each in found
            if each["kind"] == "DaemonSet"
        }

    one, other = pods(tag="1"), pods(tag="2")
    assert one["bgpnet-speaker"] == other["bgpnet-speaker"]
    assert one["bgpnet-agent"] != other["bgpnet-agent"]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"imag": {}}, "additional properties 'imag' not allowed"),
        ({"image": {"tagg": "1"}}, "at '/image': additional properties 'tagg' not allowed"),
        ({"healthPort": "9178"}, "at '/healthPort': got string, want integer"),
        ({"families": ["ipx"]}, "at '/families/0': value must be one of 'ipv4', 'ipv6'"),
        ({"cni": {"binDir": "bin"}}, "at '/cni/binDir': 'bin' does not match pattern"),
        (
            {"bgpConfiguration": {"localASN": "64512"}},
            "at '/bgpConfiguration/localASN': got string, want integer",
        ),
        (
            {"bgpPeers": {"tor1": {"peerASN": 1, "password": "x"}}},
            "at '/bgpPeers/tor1': additional properties 'password'",
        ),
        (
            {"bgpPeers": {"tor1": {"peerAddress": "10.0.0.1"}}},
            "at '/bgpPeers/tor1': missing property 'peerASN'",
        ),
        ({"bgpPeers": {"Tor_1": {"peerASN": 1}}}, "'Tor_1' does not match pattern"),
        ({"ipPools": {"pods": {"cidr": "10.0.0.0/8", "blockSize": 400}}}, "at '/ipPools/pods/blockSize'"),
        ({"logLevel": "loud"}, "at '/logLevel': value must be one of"),
        ({"metrics": {"podMonitor": {"enabled": True}}}, "set metrics.enabled: true, too"),
        ({"metrics": {"address": "everywhere"}}, "at '/metrics/address'"),
        ({"agent": {"resources": {"limits": {"memory": "much"}}}}, "at '/agent/resources/limits/memory'"),
    ],
)
def test_a_wrong_value_is_named(helm: Helm, values: Json, told: str) -> None:
    code, said = helm("template", "bgpnet", str(CHART), "--kube-version", binaries.version(), values=values)
    assert code == 1
    assert told in said


@pytest.mark.usefixtures("node")
def test_a_cluster_without_addresses_for_pods_is_told(helm: Helm) -> None:
    code, told = helm.install("bgpnet", "--dry-run=server", values=RACK | {"ipPools": {}})
    assert code == 1
    assert "no node has spec.podCIDRs, and there is no IPPool: give ipPools" in told
    assert helm.install("bgpnet", "--dry-run=server")[0] == 0
    helm.plane.kubectl(
        "patch", "node", "n1", "-p", '{"spec": {"podCIDR": "10.1.0.0/24", "podCIDRs": ["10.1.0.0/24"]}}'
    )
    assert helm.install("bgpnet", "--dry-run=server", values=RACK | {"ipPools": {}})[0] == 0


@pytest.mark.usefixtures("node")
def test_an_image_for_another_architecture_is_told(helm: Helm) -> None:
    code, told = helm.install("bgpnet", "--dry-run=server", "--set", "image.architectures={arm64}")
    assert code == 1
    assert "image.architectures is arm64, and the nodes are of amd64" in told


def test_a_second_release_is_refused_with_the_name_of_the_first(helm: Helm) -> None:
    code, told = helm.install("first")
    assert code == 0, told
    try:
        code, told = helm.install("second")
        assert code == 1
        assert f"as release first in namespace {NAMESPACE}" in told
        code, told = helm("upgrade", "first", str(CHART), "-n", NAMESPACE, "--no-hooks", values=RACK)
        assert code == 0, told
    finally:
        code, told = helm("uninstall", "first", "-n", NAMESPACE, "--no-hooks")
    assert code == 0, told
    assert not helm.plane.request("GET", "/apis/bgpnet.io/v1alpha1/bgppeers")[1]["items"]


def test_what_was_installed_by_other_means_is_told(helm: Helm) -> None:
    rights = str(CHART.parents[1] / "config" / "rbac" / "agent.yaml")
    helm.plane.kubectl("apply", "-f", rights)
    try:
        code, told = helm.install("bgpnet")
        assert code == 1
        assert "in this cluster already, by other means than Helm" in told
    finally:
        for kind in ("clusterrole", "clusterrolebinding"):
            helm.plane.kubectl("delete", kind, "bgpnet-agent")
        for kind in ("serviceaccount", "role", "rolebinding"):
            helm.plane.kubectl("delete", kind, "bgpnet-agent", "-n", NAMESPACE)
