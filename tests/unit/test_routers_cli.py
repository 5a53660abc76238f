"""`bgpnet routers …`: what it writes, its exit codes, its help."""

import io
import json
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import pytest
import yaml

from bgpnet.cli import main, parser
from tests.generated import EXAMPLES, REPOSITORY

MANIFESTS = EXAMPLES / "manifests"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the example's manifests, with the key that they name."""
    copy = tmp_path / "manifests"
    shutil.copytree(MANIFESTS, copy)
    (copy / "tor.key").write_text("s3cret-key\n")
    return copy


def test_the_folder_of_the_readme_has_what_its_routers_need(tmp_path: Path) -> None:
    text = (REPOSITORY / "README.md").read_text().split("A minimal folder for one rack", 1)[1]
    (tmp_path / "rack.yaml").write_text(text.split("```yaml\n", 1)[1].split("```", 1)[0])
    assert main(["routers", "render", "--source", f"files:{tmp_path}", "-o", str(tmp_path / "out")]) == 0
    assert {path.name for path in (tmp_path / "out").glob("*.conf")} == {"tor1.conf", "tor2.conf"}


def test_render_writes_three_files_a_router_and_they_are_the_examples(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(["routers", "render", "--source", f"files:{folder}", "-o", str(out)]) == 0
    names = sorted(path.name for path in out.iterdir())
    assert names == sorted(
        f"tor{n}.{kind}" for n in (1, 2) for kind in ("conf", "verify.txt", "rollback.txt")
    )
    for name in names:
        assert (out / name).read_text() == (EXAMPLES / "frr" / name).read_text()


def test_render_of_one_router_to_the_terminal(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["routers", "render", str(folder), "--router", "tor2", "--type", "bird"]) == 0
    assert capsys.readouterr().out == (EXAMPLES / "bird" / "tor2.conf").read_text()


def test_revealed_secrets_are_for_their_owner_alone(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(["routers", "render", "--source", f"files:{folder}", "--reveal", "-o", str(out)]) == 0
    for path in out.iterdir():
        secret = path.suffix == ".conf"
        assert stat.S_IMODE(path.stat().st_mode) == (0o600 if secret else 0o644)
        assert ("s3cret-key" in path.read_text()) is secret


def test_one_bad_peer_harms_itself_alone(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = {"peerAddress": "10.0.3.1", "peerASN": 65003}
    objects = [
        {"apiVersion": "bgpnet.io/v1alpha1", "kind": "BGPPeer", "metadata": {"name": "tor3"}, "spec": bad}
    ]
    (folder / "z.yaml").write_text(yaml.safe_dump_all(objects))
    assert main(["routers", "render", "--source", f"files:{folder}", "-o", str(tmp_path / "out")]) == 1
    told = capsys.readouterr().err
    assert "BGPPeer/tor3 (z.yaml:1): spec.router is not set: NoRouter: name the router" in told
    assert (tmp_path / "out" / "tor1.conf").exists()


@pytest.mark.parametrize(
    ("argv", "code", "says"),
    [
        (["render"], 2, "--source is not given"),
        (["render", "--source", "files:/nonexistent/x"], 1, "/nonexistent/x is not there"),
        (["render", str(MANIFESTS), "--router", "tor9"], 1, "there are: tor1, tor2"),
        (["render", str(MANIFESTS), "-o", "/dev/null/out"], 2, "--output is '/dev/null/out'"),
        (["check"], 2, "name configurations to check"),
        (["check", "/nonexistent/x"], 2, "/nonexistent/x cannot be read"),
        (["check", "/dev/null"], 2, "--type"),
        (["diff", str(MANIFESTS), "--running", "/dev/null"], 2, "name one of: tor1, tor2"),
        (["diff", str(MANIFESTS), "--router", "tor9", "--running", "/dev/null"], 2, "no router tor9"),
        (["diff", str(MANIFESTS), "--router", "tor1", "--running", "/dev/null"], 2, "it is empty"),
        (
            ["diff", str(MANIFESTS), "--router", "tor1", "--running", "/nonexistent/x"],
            2,
            "/nonexistent/x cannot be read",
        ),
        (
            ["diff", "/nonexistent/x", "--router", "tor1", "--running", "/dev/null"],
            2,
            "/nonexistent/x is not there",
        ),
    ],
)
def test_trouble_is_told_in_a_line(
    argv: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["routers", *argv]) == code
    assert says in capsys.readouterr().err


def test_diff_ends_as_diff_does(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    text = (EXAMPLES / "frr" / "tor1.conf").read_text()
    diff = ["routers", "diff", str(MANIFESTS), "--router", "tor1", "--running", "-"]
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    assert main(diff) == 0
    assert capsys.readouterr().out == ""
    monkeypatch.setattr("sys.stdin", io.StringIO(text.replace("timers 3 9", "timers 10 30")))
    assert main(diff) == 1
    told = capsys.readouterr().out
    assert "- neighbor" not in told
    assert "-neighbor K8S_TOR1 timers 10 30\n+neighbor K8S_TOR1 timers 3 9\n" in told
    assert (
        "! resets: router bgp 65001 / neighbor K8S_TOR1 timers 3 9: timers are agreed on in the OPEN" in told
    )
    monkeypatch.setattr("sys.stdin", io.StringIO(text.replace("timers 3 9", "timers 10 30")))
    assert main([*diff, "--format", "commands"]) == 1
    typed = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("!")]
    assert typed == [
        "router bgp 65001",
        " neighbor K8S_TOR1 timers 3 9",
        " neighbor K8S_TOR1_V6 timers 3 9",
        "exit",
    ]


def test_a_running_password_is_never_shown(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (EXAMPLES / "frr" / "tor1.conf").read_text().replace("${BGP_SECRET_K8S_TOR1}", "hush-hush")
    diff = ["routers", "diff", str(folder), "--router", "tor1", "--running", "-"]
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    assert main(diff) == 0, "a placeholder stands for any password"
    for line in ("neighbor K8S_OLD peer-group", "neighbor K8S_OLD password hush-hush"):
        text = text.replace(" neighbor K8S_TOR1 passive\n", f" {line}\n neighbor K8S_TOR1 passive\n")
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    assert main(diff) == 1
    told = capsys.readouterr()
    assert "hush-hush" not in told.out + told.err
    assert "-neighbor K8S_OLD password ***" in told.out


def test_check_of_a_system_without_program_says_that_it_could_not_verify(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr("bgpnet.drivers.routers.bird.found", lambda *_: None)
    assert main(["routers", "check", "-o", "json", str(EXAMPLES / "bird" / "tor1.conf")]) == 3
    (file,) = json.loads(capsys.readouterr().out)["files"]
    assert (file["router"], file["system"], file["verdict"], file["findings"]) == (
        "tor1",
        "bird",
        "unverified",
        [],
    )
    assert "BIRD is not installed" in file["not_checked"][0]
    assert file["checked_by"] == ["rules of bgpnet: references, limits, safe policy"]


@pytest.mark.parametrize("verb", ["render", "check", "diff"])
def test_help_has_examples_that_the_command_line_takes(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["routers", verb, "--help"])
    shown = [line.strip() for line in capsys.readouterr().out.splitlines()]
    examples = [line.split("| ")[-1] if "| bgpnet" in line else line.split(" |")[0] for line in shown]
    examples = [line.split("   ")[0] for line in examples if line.startswith(f"bgpnet routers {verb}")]
    assert len(examples) >= 2
    for example in examples:
        assert parser({}).parse_args(example.split()[1:]).verb


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("routers ", "render check diff"),
        ("routers render --ne", "--neighbors"),
        ("routers render --neighbors ", "range each"),
        ("routers diff --format ", "unified commands"),
    ],
)
def test_bash_completes_the_routers_verbs(
    line: str, offered: str, complete: Callable[[str], tuple[str, str]]
) -> None:
    assert complete(line) == (offered, "")


@pytest.fixture
def complete(capsys: pytest.CaptureFixture[str]) -> Callable[[str], tuple[str, str]]:
    """What bash offers for a line."""

    def ask(line: str) -> tuple[str, str]:
        assert main(["completion", "bash"]) == 0
        question = """
            COMP_WORDS=(bgpnet "$@"); COMP_CWORD=$#
            _shtab_bgpnet bgpnet "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
            echo "${COMPREPLY[*]}"
        """
        script = ["bash", "-c", capsys.readouterr().out + question, "bash", *line.split(" ")]
        told = subprocess.run(script, capture_output=True, text=True, check=True)
        return told.stdout.strip(), told.stderr

    return ask


def test_a_fabric_of_1000_nodes_and_50_routers_is_rendered_in_time(tmp_path: Path) -> None:
    """25 racks of 40 nodes and two ToRs, each node a neighbour by name. The bar is 5 s; it takes a fifth of it."""
    ours = {"apiVersion": "bgpnet.io/v1alpha1"}
    objects: list[dict[str, object]] = [
        {**ours, "kind": "BGPConfiguration", "metadata": {"name": "default"}, "spec": {"localASN": 64512}},
        {**ours, "kind": "IPPool", "metadata": {"name": "pods"}, "spec": {"cidr": "10.128.0.0/10"}},
    ]
    for rack in range(25):
        for side in (1, 2):
            name, subnet = f"r{rack}-tor{side}", f"10.{side}.{rack}"
            spec = {
                "nodeSelector": {"matchLabels": {"rack": str(rack)}},
                "peerAddress": f"{subnet}.1",
                "peerASN": 65000 + rack,
                "accept": [{"prefix": "0.0.0.0/0"}],
                "router": {"name": name, "type": "frr", "nodeSubnet": f"{subnet}.0/24", "neighbors": "each"},
            }
            objects.append({**ours, "kind": "BGPPeer", "metadata": {"name": name}, "spec": spec})
    for n in range(1000):
        addresses = [
            {"type": "InternalIP", "address": f"10.{side}.{n // 40}.{n % 40 + 11}"} for side in (1, 2)
        ]
        objects.append(
            {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {"name": f"n{n}", "labels": {"rack": str(n // 40)}},
                "spec": {"podCIDRs": [f"10.{128 + n // 256}.{n % 256}.0/26"]},
                "status": {"addresses": addresses},
            }
        )
    (tmp_path / "all.yaml").write_text(yaml.dump_all(objects, Dumper=yaml.CSafeDumper))
    started = perf_counter()
    assert main(["routers", "render", "--source", f"files:{tmp_path}", "-o", str(tmp_path / "out")]) == 0
    taken = perf_counter() - started
    texts = [path.read_text() for path in (tmp_path / "out").glob("*.conf")]
    assert [text.count("peer-group K8S_") for text in texts] == [40] * 50
    assert taken < 5
