"""The kubeconfig of a command: which is taken, and what is told of one that cannot be used."""

import json
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from bgpnet.cli import main

RENDER = ["routers", "render", "--source"]

EXEC = {
    "apiVersion": "client.authentication.k8s.io/v1",
    "command": sys.executable,
    "args": ["-c", "print('no credential')"],
    "interactiveMode": "Never",
}


def kubeconfig(folder: Path, **changes: Any) -> Path:  # noqa: ANN401 - JSON
    """One whose server has a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    content = {
        "clusters": [{"name": "c", "cluster": {"server": f"https://127.0.0.1:{port}"}}],
        "users": [{"name": "u", "user": {"token": "s3cret"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path = folder / "admin.conf"
    path.write_text(json.dumps(content | changes))
    return path


def test_a_server_that_does_not_answer_is_exit_code_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*RENDER, f"kubernetes:{kubeconfig(tmp_path)}"]) == 3
    told = capsys.readouterr().err
    assert "the API server cannot be reached: https://127.0.0.1:" in told
    assert "Connection refused" in told
    assert told.count("\n") == 1


def test_check_and_diff_read_a_cluster_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = f"kubernetes:{kubeconfig(tmp_path)}"
    assert main(["routers", "check", "--source", source]) == 3
    diff = ["routers", "diff", "--source", source, "--router", "tor1", "--running", "/dev/null"]
    assert main(diff) == 2  # trouble, as for diff
    assert capsys.readouterr().err.count("the API server cannot be reached") == 2


def test_the_kubeconfig_that_kubectl_takes_is_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / ".kube"
    home.mkdir()
    kubeconfig(home).rename(home / "config")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    assert main([*RENDER, "kubernetes"]) == 3
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    assert main([*RENDER, "kubernetes", "--context", "x"]) == 2
    assert f"the kubeconfig {tmp_path}/none cannot be used" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "more", "says"),
    [
        ({}, ["--context", "lab"], "Expected object with name lab"),
        ({"current-context": ""}, [], "Expected object with name "),
        ({"clusters": []}, [], "Expected object with name c"),
        ({"clusters": [{"name": "c", "cluster": {}}]}, [], "server is ''"),
        ({"contexts": [{"name": "x", "context": {"user": "u", "token": "s3cret"}}]}, [], "Expected key"),
        ({"contexts": "x"}, [], "cannot be used"),
    ],
)
def test_a_kubeconfig_that_cannot_be_used_is_exit_code_2(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, Any],
    more: list[str],
    says: str,
) -> None:
    path = kubeconfig(tmp_path, **changes)
    assert main([*RENDER, f"kubernetes:{path}", *more]) == 2
    told = capsys.readouterr().err
    assert f"the kubeconfig {path} cannot be used" in told
    assert says in told
    assert "s3cret" not in told


@pytest.mark.parametrize("text", ["", "\x00", "a: [", "just words"])
def test_a_file_that_is_no_kubeconfig_is_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    path = tmp_path / "x"
    path.write_text(text)
    assert main([*RENDER, f"kubernetes:{path}"]) == 2
    assert f"the kubeconfig {path} cannot be used" in capsys.readouterr().err


def test_an_exec_plug_in_is_run_and_its_trouble_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    users = [{"name": "u", "user": {"exec": EXEC}}]
    main([*RENDER, f"kubernetes:{kubeconfig(tmp_path, users=users)}"])
    assert "exec: failed to decode process output" in caplog.text + capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--source", "kubernetes:"], "--source is 'kubernetes:'"),
        (["--source", "kubernetes", "folder"], "remove it, or the manifests"),
        (["--source", "files:x", "--context", "x"], "--context and --namespace are of a cluster"),
        (["--namespace", "x", "folder"], "--context and --namespace are of a cluster"),
    ],
)
def test_flags_that_do_not_fit_are_exit_code_2(
    argv: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["routers", "render", *argv]) == 2
    assert says in capsys.readouterr().err


def test_without_any_kubeconfig_it_is_the_pods_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"):
        monkeypatch.delenv(name, raising=False)
    assert main([*RENDER, "kubernetes"]) == 2
    told = capsys.readouterr().err
    assert "there is no kubeconfig ~/.kube/config, and this is no pod; give kubernetes:KUBECONFIG" in told
    assert "give kubernetes:KUBECONFIG" in told
