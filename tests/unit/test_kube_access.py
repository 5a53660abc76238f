"""How the API server is found, and what is said when it is not."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from bgpnet.agent.settings import FilesFrom, KubernetesFrom, source
from bgpnet.drivers.kube.access import in_cluster, kubeconfig
from bgpnet.model.errors import UsageError


def written(folder: Path, user: dict[str, Any], **cluster: str) -> Path:
    path = folder / "config"
    content = {
        "current-context": "x",
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://192.0.2.1:6443/"} | cluster}],
        "users": [{"name": "u", "user": user}],
    }
    path.write_text(yaml.safe_dump(content))
    return path


def test_a_kubeconfig_with_a_token(tmp_path: Path) -> None:
    access = kubeconfig(written(tmp_path, {"token": "hush"}))
    assert access.server == "https://192.0.2.1:6443"
    assert access.bearer() == "hush"
    assert "hush" not in repr(access)


def test_a_token_file_is_read_for_each_request(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("one\n")
    access = kubeconfig(written(tmp_path, {"tokenFile": "token"}))
    assert access.bearer() == "one"
    (tmp_path / "token").write_text("two\n")
    assert access.bearer() == "two"


@pytest.mark.parametrize(
    ("user", "cluster", "words"),
    [
        ({"exec": {"command": "login"}}, {}, "no token, tokenFile or client certificate"),
        ({"token": "x"}, {"certificate-authority": "missing.crt"}, "No such file"),
    ],
)
def test_what_cannot_be_used_is_told(
    tmp_path: Path, user: dict[str, Any], cluster: dict[str, str], words: str
) -> None:
    path = written(tmp_path, user, **cluster)
    with pytest.raises(UsageError, match=words):
        kubeconfig(path)


@pytest.mark.parametrize("content", ["", "a: [", "contexts: []", "- a"])
def test_what_is_no_kubeconfig_is_told(tmp_path: Path, content: str) -> None:
    path = tmp_path / "config"
    path.write_text(content)
    with pytest.raises(UsageError, match="it is no kubeconfig that can be used"):
        kubeconfig(path)


def test_outside_of_a_pod_the_kubeconfig_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="give kubernetes:KUBECONFIG"):
        in_cluster({})
    pod = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}
    with pytest.raises(UsageError, match="mount the service account's token"):
        in_cluster(pod, tmp_path)


def test_the_sources_that_there_are() -> None:
    assert source("files:/etc/x") == FilesFrom(Path("/etc/x"))
    assert source("kubernetes") == KubernetesFrom()
    assert source("kubernetes:/etc/config") == KubernetesFrom(Path("/etc/config"))
    for bad in ("", "files", "files:", "kubernetes:", "kube", "k8s:x"):
        with pytest.raises(UsageError, match="--source is"):
            source(bad)
