"""`bgpnet routers … --source kubernetes` against a real API server: the same text as from the same manifests."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bgpnet.cli import main
from tests.cluster.controlplane import ControlPlane
from tests.generated import EXAMPLES

pytestmark = pytest.mark.cluster

READER = Path(__file__).parents[2] / "config" / "rbac" / "reader.yaml"

NAMESPACE = "routers"
"""Not deleted: without its controller a namespace is never gone, and takes nothing new."""

PASSWORD = "s3cret-key"

RENDER = ["routers", "render", "--source"]


def objects() -> list[dict[str, Any]]:
    """The example's, with the password in a Secret: an API server has no folder for a file."""
    found = [
        item
        for file in sorted((EXAMPLES / "manifests").glob("*.yaml"))
        for item in yaml.safe_load_all(file.read_text())
    ]
    for item in found:
        if item["spec"].pop("passwordFile", None):
            item["spec"]["passwordSecret"] = {"name": "tor"}
    return found


def secret() -> dict[str, Any]:
    coded = base64.b64encode(PASSWORD.encode()).decode()
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "tor"}, "data": {"password": coded}}


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("manifests")
    (folder / "all.yaml").write_text(yaml.safe_dump_all([*objects(), secret()]))
    return folder


@pytest.fixture(scope="module")
def cluster(plane: ControlPlane, manifests: Path) -> Iterator[ControlPlane]:
    """The manifests' objects in it, and a user `reader` with the rights of a reader alone."""
    plane.kubectl("apply", "-f", str(READER))
    plane.kubectl("create", "namespace", NAMESPACE)
    plane.kubectl("apply", "-f", str(manifests), "-n", NAMESPACE)
    for item in objects():
        if item["kind"] == "Node":
            status = json.dumps({"status": item["status"]})
            name = item["metadata"]["name"]
            plane.kubectl("patch", "node", name, "--subresource=status", "--type=merge", "-p", status)
    plane.kubectl("create", "serviceaccount", "reader", "-n", NAMESPACE)
    try:
        yield plane
    finally:
        plane.kubectl("delete", "-f", str(manifests), "-n", NAMESPACE, "--wait=false")
        plane.kubectl("delete", "clusterrolebinding", "reader", "--ignore-not-found")
        plane.kubectl("delete", "-f", str(READER))


@pytest.mark.parametrize("more", [[], ["--reveal"], ["--neighbors", "each", "--type", "bird"]], ids=" ".join)
def test_a_cluster_gives_the_files_that_its_manifests_give(
    cluster: ControlPlane, manifests: Path, tmp_path: Path, more: list[str]
) -> None:
    sources = {
        "files": [f"files:{manifests}"],
        "api": [f"kubernetes:{cluster.kubeconfig()}", "--namespace", NAMESPACE],
    }
    for name, source in sources.items():
        assert main([*RENDER, *source, *more, "-o", str(tmp_path / name)]) == 0
    told = {name: {p.name: p.read_bytes() for p in (tmp_path / name).iterdir()} for name in sources}
    assert len(told["api"]) == 6
    assert told["api"] == told["files"]
    assert (PASSWORD.encode() in told["api"]["tor1.conf"]) is ("--reveal" in more)


def test_what_a_router_should_run_is_compared_with_the_cluster(
    cluster: ControlPlane, manifests: Path, tmp_path: Path
) -> None:
    assert main([*RENDER, f"files:{manifests}", "-o", str(tmp_path)]) == 0
    running = tmp_path / "tor1.conf"
    source = f"kubernetes:{cluster.kubeconfig()}"
    diff = ["routers", "diff", "--source", source, "--router", "tor1", "--running", str(running)]
    assert main(diff) == 0
    running.write_text(running.read_text().replace("timers 3 9", "timers 10 30"))
    assert main(diff) == 1


def test_a_reader_needs_the_role_of_a_reader_and_no_more(
    cluster: ControlPlane, capsys: pytest.CaptureFixture[str]
) -> None:
    token = cluster.kubectl("create", "token", "reader", "-n", NAMESPACE).strip()
    source = f"kubernetes:{cluster.kubeconfig(token)}"
    assert main([*RENDER, source]) == 3
    told = capsys.readouterr().err
    assert 'cannot list resource "nodes"' in told
    assert "the verb list on nodes is needed: ClusterRole bgpnet-reader grants it" in told
    account = f"--serviceaccount={NAMESPACE}:reader"
    cluster.kubectl("create", "clusterrolebinding", "reader", "--clusterrole=bgpnet-reader", account)
    assert main([*RENDER, source]) == 0
    capsys.readouterr()
    assert main([*RENDER, source, "--reveal"]) == 1
    assert 'cannot get resource "secrets"' in capsys.readouterr().err


def test_an_exec_plug_in_gives_the_credential(cluster: ControlPlane, tmp_path: Path) -> None:
    api = "client.authentication.k8s.io/v1"
    content = json.loads(cluster.kubeconfig().read_text())
    token = content["users"][0]["user"]["token"]
    answer = json.dumps({"apiVersion": api, "kind": "ExecCredential", "status": {"token": token}})
    plugin = {"apiVersion": api, "command": "echo", "args": [answer], "interactiveMode": "Never"}
    content["users"] = [{"name": "u", "user": {"exec": plugin}}]
    path = tmp_path / "exec.kubeconfig"
    path.write_text(json.dumps(content))
    assert main([*RENDER, f"kubernetes:{path}", "-o", str(tmp_path / "out")]) == 0


def test_credentials_that_are_not_taken_are_told(
    cluster: ControlPlane, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*RENDER, f"kubernetes:{cluster.kubeconfig('of nobody')}"]) == 3
    assert "log in anew" in capsys.readouterr().err


def test_a_cluster_without_our_kinds_is_told_how_to_get_them(
    cluster: ControlPlane, capsys: pytest.CaptureFixture[str]
) -> None:
    crd = Path(__file__).parents[2] / "config" / "crd" / "bgpnet.io_ipblocks.yaml"
    cluster.kubectl("delete", "-f", str(crd), "--timeout=30s")
    try:
        assert main([*RENDER, f"kubernetes:{cluster.kubeconfig()}"]) == 3
    finally:
        cluster.kubectl("apply", "--server-side", "-f", str(crd))
        cluster.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(crd))
    told = capsys.readouterr().err
    assert "the cluster has no kind IPBlock of bgpnet.io/v1alpha1" in told
    assert "kubectl apply -f config/crd" in told
