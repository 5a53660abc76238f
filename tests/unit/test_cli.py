"""The command line: flags, environment, exit codes."""

import io
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from threading import Thread

import pytest

from bgpnet.agent import restore
from bgpnet.cli import main, parser
from bgpnet.cni import install
from bgpnet.drivers.rundirectory import held
from bgpnet.model.rundir import RunDir
from bgpnet.model.status import NodeStatus, RejectionStatus


def test_flags_can_come_from_the_environment() -> None:
    environment = {"BGPNET_NODE": "n1", "BGPNET_SOURCE": "files:/m", "BGPNET_RUN_DIR": "/run/x"}
    args = parser(environment).parse_args(["agent"])
    assert (args.node, args.source, args.run_dir) == ("n1", "files:/m", "/run/x")
    assert parser(environment).parse_args(["agent", "--node", "n2"]).node == "n2"


def test_a_missing_flag_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        parser({}).parse_args(["agent"])
    assert stop.value.code == 2
    assert "--node" in capsys.readouterr().err


@pytest.mark.parametrize(
    "argv",
    [
        ["node", "--node", "n1", "--source", "files:", "--run-dir", "/nowhere"],
        ["status", "--run-dir", "relative"],
        ["agent", "--node", "", "--source", "files:/m", "--run-dir", "/nowhere"],
        ["node", "--node", "n 1", "--source", "files:/m", "--run-dir", "/nowhere"],
        ["agent", "--node", "n1", "--source", "files:/m", "--run-dir", "/nowhere", "--log-level", "loud"],
        ["cni", "--run-dir", "/dev/null"],
        ["agent", "--node", "n1", "--source", "files:/m", "--cni-conf-dir", "net.d"],
        ["node", "--node", "n1", "--source", "files:/m", "--cni-chain", "port map,bgpnet"],
        ["agent", "--node", "n1", "--source", "files:/m", "--sysctl-dir", "proc/sys"],
        ["agent", "--node", "n1", "--source", "files:/m", "--health-listen", "9178"],
        ["install-cni", "--cni-chain", "portmap,portmap"],
        ["install-cni", "--cni-chain", "../portmap"],
        ["install-cni", "--cni-others", "away"],
        ["install-cni", "--families", "ipx"],
        ["install-cni", "--cni-bin-dir", "bin"],
        ["uninstall-cni", "--cni-conf-dir", "net.d"],
        *(
            [verb, "--node", "n1", "--source", "files:/m", "--run-dir", "/nowhere", "--metrics-listen", where]
            for verb in ("agent", "node")
            for where in (
                "9179",
                "here:9179",
                "127.0.0.1:0",
                "127.0.0.1:65536",
                "::1:9179",
                "[127.0.0.1]:9179",
            )
        ),
        ["cni", "--run-dir", "/dev/null/below"],
        ["speaker", "--run-dir", "/proc/bgpnet"],
        ["node", "--node", "n1", "--source", "files:/m", "--run-dir", "/sys"],
        ["agent", "--node", "n1", "--source", "files:/m", "--run-dir", "/nowhere" * 10],
    ],
)
def test_a_wrong_value_is_named_and_exits_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert re.match(r"bgpnet: --[a-z-]+ is '.*'[;,] .*[a-z]", told)


def test_kubernetes_without_a_cluster_is_named_and_exits_2(
    short_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    assert main(["agent", "--node", "n1", "--source", "kubernetes", "--run-dir", str(short_path)]) == 2
    assert "KUBERNETES_SERVICE_HOST" in capsys.readouterr().err


def test_a_second_agent_of_a_run_directory_exits_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["agent", "--node", "n1", "--source", "files:/nowhere", "--run-dir", str(tmp_path)]
    with held(RunDir(PurePosixPath(tmp_path)), "agent"):
        assert main(argv) == 2
    assert "another bgpnet agent holds it" in capsys.readouterr().err


def test_an_empty_variable_of_the_environment_is_none() -> None:
    """A chart that sets every variable sets some to nothing."""
    args = parser({"BGPNET_RUN_DIR": "", "BGPNET_LOG_LEVEL": ""}).parse_args(["cni"])
    assert (args.run_dir, args.log_level) == ("/run/bgpnet", "info")
    with pytest.raises(SystemExit) as stop:
        parser({"BGPNET_NODE": ""}).parse_args(["agent", "--source", "files:/m"])
    assert stop.value.code == 2


@pytest.mark.parametrize("argv", [[], ["sttus"], ["status", "-o", "xml"], ["status", "--frob"]])
def test_a_wrong_command_line_exits_2(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(argv)
    assert stop.value.code == 2


def test_status_without_an_agent_exits_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--run-dir", "/nonexistent/bgpnet"]) == 3
    assert "cannot reach the agent" in capsys.readouterr().err


def test_status_on_a_stale_socket_exits_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "agent.sock"))
    assert main(["status", "--run-dir", str(tmp_path)]) == 3
    assert "Connection refused; does `bgpnet agent` run" in capsys.readouterr().err


@contextmanager
def answering(run_dir: Path, body: bytes) -> Iterator[None]:
    """An agent that gives this answer to whoever asks."""

    def answer(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                with listener.accept()[0] as client:
                    client.recv(4096)
                    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(run_dir / "agent.sock"))
        listener.listen()
        thread = Thread(target=answer, args=(listener,))
        thread.start()
        try:
            yield
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff", b'{"node": "\\udcff"}'])
def test_status_of_an_answer_that_it_does_not_know_exits_3(
    body: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with answering(tmp_path, body):
        assert main(["status", "--run-dir", str(tmp_path)]) == 3
    assert "use the `bgpnet` command of the agent's version" in capsys.readouterr().err


@pytest.mark.parametrize("output", ["text", "json", "yaml"])
@pytest.mark.parametrize("rejections", [1, 2000])
def test_a_reader_that_has_gone_does_not_change_the_exit_code(
    output: str, rejections: int, tmp_path: Path
) -> None:
    """`bgpnet status -o json | head`, with less and with more than a pipe holds."""
    refused = RejectionStatus("BGPPeer/é", "spec.peerASN", "0", "InvalidField", "AS 0 is reserved …")
    status = NodeStatus("n1", "1", True, (), (), (), (), (refused,) * rejections, ())  # noqa: FBT003
    command = [str(Path(sys.executable).with_name("bgpnet")), "status", "-o", output]
    reader, writer = os.pipe()
    os.close(reader)
    with answering(tmp_path, json.dumps(asdict(status)).encode()):
        gone = subprocess.run(
            [*command, "--run-dir", tmp_path], stdout=writer, stderr=subprocess.PIPE, check=False
        )
        os.close(writer)
        latin = {**os.environ, "PYTHONIOENCODING": "latin-1"}
        old = subprocess.run([*command, "--run-dir", tmp_path], env=latin, capture_output=True, check=False)
    assert (gone.returncode, gone.stderr) == (1, b"")
    assert (old.returncode, old.stderr) == (1, b"")


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("p", "peers plan preflight"),
        ("r", "routes restore routers"),
        ("peers --o", "--output"),
        ("peers -o ", "text json yaml"),
        ("routes -o j", "json"),
    ],
)
def test_bash_completes_verbs_flags_and_formats(
    line: str, offered: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["completion", "bash"]) == 0
    ask = """
        COMP_WORDS=(bgpnet "$@"); COMP_CWORD=$#
        _shtab_bgpnet bgpnet "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        echo "${COMPREPLY[*]}"
    """
    script = ["bash", "-c", capsys.readouterr().out + ask, "bash", *line.split(" ")]
    told = subprocess.run(script, capture_output=True, text=True, check=True)
    assert (told.stdout.strip(), told.stderr) == (offered, "")


@pytest.mark.parametrize("verb", ["peers", "routes"])
def test_help_has_examples_that_the_command_line_takes(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([verb, "--help"])
    shown = [
        line.split(" |")[0].split("  ")[0] for line in map(str.strip, capsys.readouterr().out.splitlines())
    ]
    examples = [line.split() for line in shown if line.startswith(f"bgpnet {verb}")]
    assert len(examples) >= 3
    for example in examples:
        assert parser({}).parse_args(example[1:]).run_dir == "/run/bgpnet"


def test_a_full_disk_is_told_in_a_line() -> None:
    command = [str(Path(sys.executable).with_name("bgpnet")), "crds"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "bgpnet: standard output: No space left on device; nothing more was printed\n"


def test_manifests_may_come_from_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"kind: Strange\nmetadata: {name: x}\n")))
    assert main(["plan", "--node", "n1", "-", "-o", "json"]) == 1
    told = json.loads(capsys.readouterr().out)["rejections"]
    assert "Strange/x (-:1)" in {each["object"] for each in told}


@pytest.mark.parametrize("verb", ["restore", "uninstall"])
def test_what_takes_bgpnet_off_a_host_is_refused_while_the_agent_runs(
    verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Routes to everywhere would go under running traffic, and come back a second later."""

    def touch(_run_dir_or_host: object) -> list[str]:
        raise AssertionError("it is not to be touched")

    monkeypatch.setattr(restore, "run", touch)
    monkeypatch.setattr(install, "uninstall", touch)
    run_dir = RunDir(PurePosixPath(tmp_path))
    with held(run_dir, "agent"):
        assert main([verb, "--run-dir", str(tmp_path)]) == 2
    assert "bgpnet agent runs on it" in capsys.readouterr().err


def test_the_version_is_a_flag_too(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("bgpnet 0.")


def test_completion_and_version_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == 0
    assert main(["completion", "bash"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("bgpnet 0.")
    assert "complete" in out
