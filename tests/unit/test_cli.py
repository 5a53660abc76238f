"""The command line: flags, environment, exit codes."""

import pytest

from bgpnet.cli import main, parser


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
        ["agent", "--node", "n1", "--source", "kubernetes", "--run-dir", "/nowhere"],
        ["node", "--node", "n1", "--source", "files:", "--run-dir", "/nowhere"],
        ["status", "--run-dir", "relative"],
    ],
)
def test_a_wrong_value_is_named_and_exits_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == 2
    assert "; " in capsys.readouterr().err


def test_status_without_an_agent_exits_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--run-dir", "/nonexistent/bgpnet"]) == 3
    assert "cannot reach the agent" in capsys.readouterr().err


def test_completion_and_version_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == 0
    assert main(["completion", "bash"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("bgpnet 0.")
    assert "complete" in out
