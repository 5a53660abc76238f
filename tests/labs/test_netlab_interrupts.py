"""However a run ends and whenever: no namespace, process, mount, interface or state of its lab stays."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.labs.smalllab import SmallLab, small_lab
from tests.netlab import processes, state
from tests.netlab.images import REPOSITORY

pytestmark = pytest.mark.lab

# A bit of everything that a lab makes; commands carry the lab's name, by which remains are found.
TOPOLOGY = """\
topology:
  defaults: {kind: linux, image: linux}
  nodes:
    a:
      cmd: sh -c 'sleep 1000; true LAB'
      exec: [ip address add 10.0.0.1/24 dev eth1, ip netns add pod1, sh -c 'sleep 0.3; true LAB']
    b: {exec: [ip address add 10.0.0.2/24 dev eth1]}
    side: {network-mode: "container:b", cmd: sh -c 'sleep 1000; true LAB'}
    machine: {network-mode: host, cmd: sh -c 'sleep 1000; true LAB'}
    late:
      cmd: sh -c 'sleep 1000; true LAB'
      healthcheck: {test: [CMD, test, -e, /srv/healthy], interval: 30}
      exec: [sh -c 'touch /srv/healthy']
    last: {stages: {create: {wait-for: [{node: late, stage: healthy}]}}}
  links:
    - endpoints: ["a:eth1", "b:eth1"]
    - endpoints: ["a:eth2", "host:SL-i"]
"""
NEVER_HOLDS = "checks:\n  - {command: {at: a, run: sh -c 'touch /srv/looked; false'}, within: 60}\n"
INSTANTS = (0.2, 0.3, 0.35, 0.4, 0.45, 0.6)
"""Seconds after the start: interpreter, reading, namespaces, links, programs, exec, stages, judging."""


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[SmallLab]:
    with small_lab(tmp_path, "intr") as made:
        made.write(TOPOLOGY.replace("LAB", made.name), NEVER_HOLDS)
        yield made


def until(holds: Callable[[], bool], timeout: float = 20.0) -> bool:
    deadline = time.monotonic() + timeout
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@contextlib.contextmanager
def under_way(lab: SmallLab, line: str) -> Iterator["subprocess.Popen[str]"]:
    """A run that has just said a line with these words."""
    process = lab.begin("run")
    assert process.stdout is not None
    try:
        assert any(line in each for each in process.stdout)
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("line", ["Bringing up", "namespaces, files", "links up", "commands of exec run"])
def test_a_signal_ends_a_run_and_leaves_nothing(lab: SmallLab, number: signal.Signals, line: str) -> None:
    with under_way(lab, line) as process:
        process.send_signal(number)
        assert process.wait(20) == 128 + number
        assert process.stdout is not None
        assert "Traceback" not in process.stdout.read()
    assert lab.remains() == []


def test_a_signal_while_a_check_is_looked_at_leaves_nothing(lab: SmallLab) -> None:
    with under_way(lab, "commands of exec run: last") as process:
        looked = ("exec", str(lab.folder), "a", "test", "-e", "/srv/looked")
        assert until(lambda: lab.call(*looked).returncode == 0)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 128 + signal.SIGTERM
    assert lab.remains() == []


def test_a_reader_that_goes_away_ends_a_run_and_leaves_nothing(lab: SmallLab) -> None:
    process = lab.begin("run")
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(20) == 1
    assert lab.remains() == []


def test_make_passes_signals_on_and_nothing_stays(lab: SmallLab) -> None:
    argv = ["make", "--no-print-directory", "lab", f"LAB={lab.folder}"]
    with subprocess.Popen(
        argv,
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert any("links up" in line for line in process.stdout)
        os.killpg(process.pid, signal.SIGINT)  # as the terminal does at Ctrl-C
        process.stdout.read()
        assert process.wait(20) != 0
    assert lab.remains() == []


def test_a_signal_at_any_instant_leaves_nothing(lab: SmallLab) -> None:
    for instant in INSTANTS:
        process = lab.begin("run")
        time.sleep(instant)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        assert lab.remains() == [], f"after a signal at {instant} s"


def test_a_run_that_is_killed_at_any_instant_is_cleaned_up_behind_it(lab: SmallLab) -> None:
    for instant in INSTANTS:
        process = lab.begin("run")
        time.sleep(instant)
        process.kill()
        process.communicate()
        assert until(lambda: not lab.remains()), (instant, lab.remains())


def test_what_a_killed_run_left_is_taken_away_by_the_next_one_and_by_down(lab: SmallLab) -> None:
    for verb in ("down", "run"):
        with under_way(lab, "commands of exec run") as process:
            for guard in guards(lab):
                os.kill(guard, signal.SIGKILL)
            process.kill()
            process.wait()
        assert any("namespace" in each for each in lab.remains())
        lab.write(TOPOLOGY.replace("LAB", lab.name), "checks: [{command: {at: a, run: 'true'}}]\n")
        done = lab.call(verb)
        assert done.returncode == 0, done.stderr
        assert ("taking away what a killed run" in done.stdout) == (verb == "run")
        assert lab.remains() == []
        lab.write(TOPOLOGY.replace("LAB", lab.name), NEVER_HOLDS)


def test_a_run_that_was_stopped_while_it_wrote_its_state_leaves_nothing_for_the_next(lab: SmallLab) -> None:
    half = state.directory(lab.name) / state.FRESH
    half.parent.mkdir(parents=True)
    half.write_text('{"name":')
    assert lab.call("down").returncode == 0
    assert lab.remains() == []


def guards(lab: SmallLab) -> list[int]:
    """The processes that clean up when this lab's run is killed."""
    every = processes.described(int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())
    return [each.pid for each in every if "guard" in each.argv and lab.name in each.argv]


def test_a_lab_that_is_up_on_purpose_survives_the_end_of_its_maker(lab: SmallLab) -> None:
    lab.write(TOPOLOGY.replace("LAB", lab.name))
    assert lab.call("up").returncode == 0
    assert until(lambda: not guards(lab))
    assert lab.call("exec", str(lab.folder), "b", "ping", "-c1", "10.0.0.1").returncode == 0
    assert lab.call("down").returncode == 0
    assert lab.remains() == []


def test_a_signal_while_a_lab_is_brought_up_to_stay_leaves_nothing(lab: SmallLab) -> None:
    process = lab.begin("up")
    assert process.stdout is not None
    assert any("links up" in line for line in process.stdout)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 128 + signal.SIGINT
    assert lab.remains() == []
