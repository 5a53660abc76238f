"""The Helm chart: a real API server takes what it renders, and what is wrong is told before that."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from bgpnet.cli import main
from tests.cluster import binaries, podmonitor
from tests.cluster.binaries import Binaries
from tests.cluster.chart import CHART, NAMESPACE, RACK, README, SETS, WRONG, Helm, Json, repeated
from tests.cluster.controlplane import control_plane

pytestmark = pytest.mark.cluster


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
    WRONG,
)
def test_a_wrong_value_is_named(helm: Helm, values: Json, told: str) -> None:
    code, said = helm("template", "bgpnet", str(CHART), "--kube-version", binaries.version(), values=values)
    assert code == 1
    assert told in said


def test_values_that_say_what_the_chart_says_are_said_once(helm: Helm) -> None:
    """A key that stands twice is refused by whoever reads manifests strictly."""
    code, told = helm(
        *("template", "bgpnet", str(CHART), "-n", NAMESPACE, "--kube-version", binaries.version()),
        values=RACK
        | {
            "nodeSelector": {"kubernetes.io/os": "linux", "rack": "1"},
            "podAnnotations": {"kubectl.kubernetes.io/default-container": "x"},
            "metrics": {
                "enabled": True,
                "podMonitor": {"enabled": True, "labels": {"app.kubernetes.io/name": "x"}},
            },
        },
    )
    assert code == 0, told
    for text in told.split("\n---\n"):
        mapping = yaml.compose(text)
        assert not list(repeated(mapping)), text


def test_without_hooks_nothing_is_rendered_that_drains_or_takes_away(helm: Helm) -> None:
    """Who applies it without Helm applies all of it."""
    found = helm.rendered(SETS["without-hooks"])
    assert not [each for each in found if "helm.sh/hook" in each["metadata"].get("annotations", {})]
    assert {each["metadata"]["name"] for each in found if "template" in each.get("spec", {})} == {
        "bgpnet-agent",
        "bgpnet-speaker",
    }


def test_an_image_may_be_named_by_its_digest(helm: Helm) -> None:
    tag = f"0.1.0@sha256:{'0a' * 32}"
    found = helm.rendered(RACK | {"image": {"repository": "[2001:db8::1]:5000/net/bgpnet", "tag": tag}})
    (agent,) = (
        each
        for each in found
        if each["metadata"]["name"] == "bgpnet-agent" and "template" in each.get("spec", ())
    )
    image = agent["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image == f"[2001:db8::1]:5000/net/bgpnet:{tag}"


def test_only_who_asks_the_api_server_has_a_token(helm: Helm) -> None:
    having = set()
    for each in helm.rendered(RACK):
        if each["kind"] not in {"DaemonSet", "Job"}:
            continue
        pod = each["spec"]["template"]["spec"]
        containers = pod["containers"] + pod.get("initContainers", [])
        named = [(each["metadata"]["name"], one["name"], one) for one in containers]
        if pod.get("automountServiceAccountToken", True) and pod["serviceAccountName"] != "bgpnet-speaker":
            having |= {(pod_name, name) for pod_name, name, _ in named}
        token = {one["name"] for one in pod.get("volumes", []) if "projected" in one}
        having |= {
            (pod_name, name)
            for pod_name, name, one in named
            if token & {mount["name"] for mount in one.get("volumeMounts", ())}
        }
    agents = {pair for pair in having if pair[0] in {"bgpnet-agent", "bgpnet-speaker"}}
    assert agents == {("bgpnet-agent", "agent")}
    assert {pod_name for pod_name, _ in having - agents} == {
        f"bgpnet-{name}" for name in ("crds", "drained", "gone", "restored", "forget")
    }


def test_an_upgrade_tries_the_images_of_both_before_anything_is_changed(helm: Helm) -> None:
    found = helm.rendered(RACK | {"image": {"tag": "1"}, "speaker": {"image": {"tag": "2"}}})
    (job,) = (each for each in found if each["metadata"]["name"] == "bgpnet-crds")
    pod = job["spec"]["template"]["spec"]
    assert [one["image"] for one in pod["initContainers"] + pod["containers"]] == ["bgpnet:2", "bgpnet:1"]


def test_a_namespace_that_forbids_the_pods_is_told(helm: Helm) -> None:
    label = "pod-security.kubernetes.io/enforce"
    helm.plane.kubectl("label", "namespace", NAMESPACE, f"{label}=baseline")
    try:
        code, told = helm.install("bgpnet", "--dry-run=server")
        assert code == 1
        assert f"kubectl label --overwrite namespace {NAMESPACE} {label}=privileged" in told
        helm.plane.kubectl("label", "--overwrite", "namespace", NAMESPACE, f"{label}=privileged")
        assert helm.install("bgpnet", "--dry-run=server")[0] == 0
    finally:
        helm.plane.kubectl("label", "namespace", NAMESPACE, f"{label}-")


@pytest.mark.usefixtures("node")
def test_limits_of_processor_time_that_a_namespace_gives_are_told(helm: Helm) -> None:
    limits = [{"type": "Container", "default": {"cpu": "100m"}}]
    meant = {"metadata": {"name": "few", "namespace": NAMESPACE}, "spec": {"limits": limits}}
    helm.plane.kubectl(
        "create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "LimitRange"} | meant)
    )
    try:
        assert "! LimitRange few of this namespace" in helm.install("bgpnet", "--dry-run=server")[1]
    finally:
        helm.plane.kubectl("delete", "limitrange", "few", "-n", NAMESPACE)


@pytest.mark.usefixtures("node")
def test_a_node_that_an_upgrade_would_leave_out_is_told_until_it_is_drained(helm: Helm) -> None:
    narrower = RACK | {"nodeSelector": {"rack": "1"}}
    status = {"apiVersion": "bgpnet.io/v1alpha1", "kind": "BGPNodeStatus", "metadata": {"name": "n1"}}
    helm.plane.kubectl("create", "-f", "-", stdin=json.dumps(status))
    try:
        code, told = helm.install("bgpnet", "--dry-run=server", values=narrower)
        assert code == 1
        assert "nodeSelector is rack=1 and would take n1 away" in told
        helm.plane.kubectl("label", "node", "n1", "bgpnet.io/drain=")
        assert helm.install("bgpnet", "--dry-run=server", values=narrower)[0] == 0
        helm.plane.kubectl("label", "node", "n1", "bgpnet.io/drain-", "rack=1")
        assert helm.install("bgpnet", "--dry-run=server", values=narrower)[0] == 0
    finally:
        helm.plane.kubectl("delete", "bgpnodestatus", "n1")


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


def test_what_an_uninstallation_left_that_was_cut_off_is_told(helm: Helm) -> None:
    left = [each for each in helm.rendered(RACK) if each["metadata"]["name"] == "bgpnet-drain"]
    helm.plane.kubectl("apply", "-f", "-", stdin=json.dumps(left[0]))
    try:
        code, told = helm.install("bgpnet", "--dry-run=server")
        assert code == 1
        assert f"kubectl -n {NAMESPACE} delete daemonset bgpnet-drain" in told
    finally:
        helm.plane.kubectl("delete", "daemonset", "bgpnet-drain", "-n", NAMESPACE)


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
