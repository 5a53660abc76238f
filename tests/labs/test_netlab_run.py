"""What a person gets from `python -m tests.netlab`: exit code, last line, words, files."""

import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.labs.smalllab import COMMAND, SmallLab, small_lab
from tests.netlab.images import REPOSITORY

pytestmark = pytest.mark.lab

PAIR = """\
topology:
  defaults: {kind: linux, image: linux}
  nodes:
    a: {exec: [ip address add 10.0.0.1/24 dev eth1]}
    b: {exec: [ip address add 10.0.0.2/24 dev eth1]}
  links: [{endpoints: ["a:eth1", "b:eth1"]}]
"""
HOLDS = "checks: [{ping: {from: a, to: b, count: 1}}]\n"


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[SmallLab]:
    with small_lab(tmp_path, "run") as made:
        yield made


def test_a_lab_whose_checks_hold_ends_with_its_score_and_leaves_its_outcome_only(lab: SmallLab) -> None:
    lab.write(PAIR, HOLDS)
    done = lab.call("run")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "1 passed, 0 failed"
    result = lab.result()
    assert (result["lab"], result["folder"]) == (lab.name, str(lab.folder))
    assert (result["passed"], result["failed"]) == (1, 0)
    assert [(check["name"], check["holds"]) for check in result["checks"]] == [("a reaches b (ping)", True)]
    routes = json.loads((lab.outcome / "a" / "routes.json").read_text())
    assert "10.0.0.0/24" in {route["dst"] for route in routes}
    assert (lab.outcome / "b" / "neighbours.json").exists()
    assert (lab.outcome / "a.log").exists()
    assert not (lab.outcome / "captures").exists()
    assert lab.remains() == []
    assert sorted(path.name for path in lab.folder.iterdir()) == ["expect.yml", "lab.clab.yml"]


def test_make_lab_runs_a_folder_outside_the_repository(lab: SmallLab) -> None:
    lab.write(PAIR, HOLDS)
    done = subprocess.run(
        ["make", "--no-print-directory", "lab", f"LAB={lab.folder}"],
        capture_output=True,
        text=True,
        timeout=200,
        cwd=REPOSITORY,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "1 passed, 0 failed"


def test_a_check_that_fails_says_what_was_seen_and_leaves_packets(lab: SmallLab) -> None:
    lab.write(
        PAIR,
        "within: 0.5\nchecks:\n  - ping: {from: a, to: b, count: 1}\n  - ping: {from: a, to: 10.0.0.3}\n",
    )
    done = lab.call("run")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "1 passed, 1 failed"
    assert "FAILED  a reaches 10.0.0.3 (ping): after " in done.stdout
    assert "0 of 3 requests to 10.0.0.3 answered" in done.stdout
    assert lab.result()["checks"][1]["seen"] == "0 of 3 requests to 10.0.0.3 answered"
    assert "who-has 10.0.0.3" in packets(lab.outcome / "captures" / "check-2" / "b.pcap")
    assert lab.remains() == []


def test_captures_of_the_whole_run_are_made_when_asked_for(lab: SmallLab) -> None:
    lab.write(PAIR, HOLDS)
    done = lab.call("run", "--capture", str(lab.folder))
    assert done.returncode == 0, done.stderr
    assert "ICMP echo reply" in packets(lab.outcome / "captures" / "a.pcap")
    assert "ICMP echo request" in packets(lab.outcome / "captures" / "b.pcap")


def packets(path: Path) -> str:
    return subprocess.run(
        ["tcpdump", "-n", "-r", str(path)], capture_output=True, text=True, timeout=20, check=True
    ).stdout


def test_the_outcome_of_an_earlier_run_does_not_stay(lab: SmallLab) -> None:
    lab.outcome.mkdir(parents=True)
    (lab.outcome / "old.log").touch()
    lab.write(PAIR, HOLDS)
    assert lab.call("run").returncode == 0
    assert not (lab.outcome / "old.log").exists()


def test_a_failing_exec_ends_the_run_with_the_commands_own_words(lab: SmallLab) -> None:
    lab.write(PAIR.replace("10.0.0.2/24", "10.0.0.2/33"), HOLDS)
    done = lab.call("run")
    assert done.returncode == 1
    assert (
        "node b: exec ip address add 10.0.0.2/33 dev eth1: exit code 1: Error: any valid prefix"
        in done.stdout
    )
    assert done.stdout.splitlines()[-1] == "0 passed, 1 failed"
    assert lab.result()["checks"][0]["seen"].startswith("not looked at: node b: exec")
    assert lab.remains() == []


def test_a_program_that_dies_at_start_is_told_with_its_last_lines(lab: SmallLab) -> None:
    dying = "sh -c 'for line in 1 2 3; do echo line $$line; done; echo gone wrong >&2; exit 7'"
    lab.write(PAIR.replace("a: {exec", f'a: {{cmd: "{dying}", exec'), HOLDS)
    for verb, said in (("run", "stdout"), ("up", "stderr")):
        done = lab.call(verb)
        assert done.returncode == 1
        words = getattr(done, said)
        assert "the program of node a ended with exit code 7; the last lines of " in words
        assert "  | line 3\n  | gone wrong\n" in words
        assert lab.remains() == []


def test_a_program_that_dies_while_others_are_awaited_is_told_at_once(lab: SmallLab) -> None:
    """As a node's program that cannot start, while its `pod add` waits for it."""
    slow = "a: {cmd: sh -c 'sleep 1; exit 3', exec: [sleep 60], "
    lab.write(PAIR.replace("a: {exec: [ip address add 10.0.0.1/24 dev eth1]", slow), HOLDS)
    done = lab.call("run")
    assert "the program of node a ended with exit code 3" in done.stdout
    assert lab.remains() == []


def test_a_program_that_dies_while_it_is_judged_fails_the_run(lab: SmallLab) -> None:
    waits = "echo $$$$ > /srv/pid; while ! test -e /srv/die; do sleep 0.05; done; exit 3"
    dying = f"a: {{cmd: sh -c '{waits}', "
    kills = "touch /srv/die; while test -d /proc/$(cat /srv/pid); do sleep 0.05; done"
    check = f"  - command: {{at: a, run: sh -c '{kills}'}}\n"
    lab.write(PAIR.replace("a: {", dying), f"checks:\n{check}")
    done = lab.call("run")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (1, "1 passed, 1 failed")
    assert "FAILED  programs still run: the program of node a ended with exit code 3" in done.stdout


def test_a_program_that_is_not_there_is_named(lab: SmallLab) -> None:
    lab.write(PAIR.replace("a: {", "a: {cmd: no-such-program, "), HOLDS)
    done = lab.call("run")
    assert done.returncode == 1
    assert "node a has no program no-such-program" in done.stdout


def test_a_router_whose_configuration_is_wrong_says_so(lab: SmallLab) -> None:
    (lab.folder / "bird.conf").write_text("router id 1.1.1.1;\nprotocol nonsense {}\n")
    router = "r: {image: bird, binds: ['bird.conf:/etc/bird/bird.conf:ro']}\n    a: {"
    lab.write(PAIR.replace("a: {", router), HOLDS)
    done = lab.call("run")
    assert done.returncode == 1
    assert "node r (bird) does not start: exit code 1: bird: /etc/bird/bird.conf:2:" in done.stdout


@pytest.mark.parametrize(
    ("expect", "said"),
    [
        ("checks: []\n", "expect.yml:1: checks: found []: "),
        ("checks:\n  - pong: {from: a, to: b}\n", "expect.yml:2: checks[0]"),
        (
            "checks:\n  - ping: {from: a, to: b}\n    bgp: {router: a, established: 1}\n",
            "exactly one of bgp, rib, fib",
        ),
        ("checks:\n  - ping: {from: a, two: b}\n", "ping.two: unknown field (did you mean to?)"),
        (
            "checks:\n  - ping: {from: z, to: b}\n",
            "expect.yml:2: checks[0].ping.from: found 'z': there is no such",
        ),
        ("checks:\n  - fib: {router: a, prefix: 10.0.0.1/24}\n", "10.0.0.1/24 has host bits set"),
        ("checks:\n  - bgp: {router: a}\n", "must name peers under established or down"),
        ('checks:\n  - command: {at: a, run: "\'"}\n', "cannot be split into words"),
        ("checks:\n  - {ping: {from: a, to: b}, within: 0}\n", "checks[0].within: found 0"),
        ("checks:\n  - ping: {from: a", "expect.yml:2: not valid YAML"),
        ("", "expect.yml: is not there, so nothing could be judged: write what must hold"),
    ],
)
def test_a_wrong_expect_file_is_refused_before_anything_is_made(
    lab: SmallLab, expect: str, said: str
) -> None:
    lab.write(PAIR, expect)
    done = lab.call("run")
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert not lab.outcome.exists()
    if expect:
        assert lab.call("validate").returncode == 2


def test_a_wrong_topology_is_refused_before_anything_is_made(lab: SmallLab) -> None:
    lab.write(PAIR + "  nodes: {}\n", HOLDS)
    for verb in ("run", "up", "validate", "down"):
        done = lab.call(verb)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"{lab.folder}/lab.clab.yml:8: nodes: this key stands here twice" in done.stderr
    assert lab.remains() == []


def test_validate_runs_nothing_and_says_what_there_is(lab: SmallLab) -> None:
    lab.write(PAIR)
    assert lab.call("validate").stdout == (
        f"lab {lab.name}: 2 nodes, 1 links, no expect.yml: it can be brought up, not judged: fine\n"
    )
    lab.write(PAIR, HOLDS)
    assert lab.call("validate").stdout == f"lab {lab.name}: 2 nodes, 1 links, 1 checks: fine\n"
    assert not lab.outcome.exists()


def test_a_lab_can_stay_up_be_entered_and_be_taken_down(lab: SmallLab) -> None:
    lab.write(PAIR.replace("a: {", "a: {env: {MINE: 5}, cmd: sleep 1000, "))
    assert "is not up" in lab.call("exec", str(lab.folder), "a", "true").stderr
    assert lab.call("down").stdout == f"Lab {lab.name} was not up.\n"
    assert lab.call("up").returncode == 0
    assert lab.call("exec", str(lab.folder), "a", "sh", "-c", "echo $MINE; ip netns add pod1").stdout == "5\n"
    assert lab.call("exec", str(lab.folder), "a", "ping", "-c1", "-q", "10.0.0.2").returncode == 0
    assert "eth1" not in lab.call("exec", str(lab.folder), "a/pod1", "ip", "-br", "link").stdout
    assert lab.call("exec", str(lab.folder), "a", "--", "sh", "-c", "exit 9").returncode == 9
    assert "the nodes are a, b" in lab.call("exec", str(lab.folder), "z", "true").stderr
    again = lab.call("up")
    assert again.returncode == 2
    assert f"lab {lab.name} is up already: take it down first: make lab-down LAB=" in again.stderr
    assert lab.call("exec", str(lab.folder), "a", "true").returncode == 0
    assert lab.call("down").stdout == f"Lab {lab.name} is down.\n"
    assert lab.remains() == []


def test_a_lab_goes_down_when_its_file_was_broken_or_renamed_meanwhile(lab: SmallLab) -> None:
    for change in ("topology: [", f"name: {lab.name}-other\n{PAIR}"):
        lab.write(PAIR)
        assert lab.call("up").returncode == 0
        (lab.folder / "lab.clab.yml").write_text(change)
        assert lab.call("down").stdout == f"Lab {lab.name} is down.\n"
        assert lab.remains() == []


def test_a_second_run_of_a_lab_is_refused_and_the_first_goes_on(lab: SmallLab) -> None:
    wait = "checks:\n  - {command: {at: a, run: test -e /srv/go}, within: 60}\n"
    lab.write(PAIR, wait)
    first = lab.begin("run")
    assert first.stdout is not None
    try:
        assert any("commands of exec run" in line for line in first.stdout)
        for verb in ("run", "up", "down"):
            second = lab.call(verb)
            assert second.returncode == 2
            assert f"lab {lab.name} is in use by another run (process {first.pid})" in second.stderr
        assert lab.call("exec", str(lab.folder), "a", "touch", "/srv/go").returncode == 0
        assert first.stdout.read().splitlines()[-1] == "1 passed, 0 failed"
        assert first.wait(20) == 0
    finally:
        first.kill()
        first.communicate()
    assert lab.remains() == []


def test_without_root_it_says_so() -> None:
    with tempfile.TemporaryDirectory(prefix="netlab-") as name, small_lab(Path(name), "user") as lab:
        lab.folder.chmod(0o755)
        lab.write(PAIR, HOLDS)
        dropped = ["setpriv", "--reuid", "65534", "--clear-groups", *COMMAND, "run", str(lab.folder)]
        done = subprocess.run(
            dropped, capture_output=True, text=True, timeout=20, cwd=REPOSITORY, check=False
        )
    assert done.returncode == 2
    assert done.stderr == "network namespaces need root: run it as root\n"


def test_help_names_every_verb() -> None:
    done = subprocess.run(
        [*COMMAND, "--help"], capture_output=True, text=True, timeout=20, cwd=REPOSITORY, check=True
    )
    assert all(f"\n    {verb} " in done.stdout for verb in ("run", "up", "exec", "down", "validate"))
