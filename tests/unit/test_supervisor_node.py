"""The node's supervisor, with children that note what happens to them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

MAIN = """
import sys
from bgpnet.drivers import logs
from bgpnet.node import supervisor
logs.setup("node", "info")
supervisor.FAREWELL = 0.5
child, folder, names = sys.argv[1], sys.argv[2], sys.argv[3:]
children = [supervisor.Child(name, [folder, name]) for name in names]
sys.exit(supervisor.run(children, (sys.executable, "-c", child)))
"""

CHILD = """
import os, signal, sys, time
folder, name = sys.argv[1:]
if name == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if name == "wrong":
    sys.exit(2)
with open(f"{folder}/{name}.new", "w") as file:
    file.write(f"{os.getpid()} {time.time()}")
os.rename(f"{folder}/{name}.new", f"{folder}/{name}")
time.sleep(60)
"""


class Node:
    """A running supervisor and what its children wrote."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[str] | None = None

    def start(self, *names: str) -> subprocess.Popen[str]:
        argv = [sys.executable, "-c", MAIN, CHILD, str(self.folder), *names]
        self.process = subprocess.Popen(argv, stderr=subprocess.PIPE, text=True)
        return self.process

    def child(self, name: str, before: int = 0) -> tuple[int, float]:
        """Number and start time of a child, as soon as it is another than `before`."""
        end = time.monotonic() + 10
        while True:
            assert time.monotonic() < end, f"{name} has not started"
            if (self.folder / name).exists():
                pid, started = (self.folder / name).read_text().split()
                if int(pid) != before:
                    return int(pid), float(started)
            time.sleep(0.005)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node(tmp_path)
    try:
        yield made
    finally:
        if made.process is not None:
            made.process.kill()
            made.process.communicate()


def running(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def test_a_dead_child_is_started_again_alone(node: Node) -> None:
    node.start("agent", "cni")
    agent, _ = node.child("agent")
    cni, _ = node.child("cni")
    killed = time.time()
    os.kill(agent, signal.SIGKILL)
    _, started = node.child("agent", agent)
    assert started - killed < 1.0  # most of it Python's own start
    assert running(cni)
    assert node.child("cni")[0] == cni


def test_a_stop_ends_all_children(node: Node) -> None:
    process = node.start("agent", "cni")
    pids = [node.child(name)[0] for name in ("agent", "cni")]
    process.send_signal(signal.SIGINT)
    assert process.wait(5) == 0
    assert not any(running(pid) for pid in pids)


def test_a_child_that_does_not_stop_is_killed_and_that_shows(node: Node) -> None:
    process = node.start("stubborn", "cni")
    pids = [node.child(name)[0] for name in ("stubborn", "cni")]
    process.terminate()
    log = process.communicate(timeout=5)[1]
    assert process.returncode == 1
    assert 'msg="child had to be killed" name=stubborn' in log
    assert not any(running(pid) for pid in pids)


def test_wrong_settings_end_the_node(node: Node) -> None:
    process = node.start("cni", "wrong")
    assert process.wait(10) == 2


def test_a_killed_supervisor_takes_all_along(node: Node) -> None:
    process = node.start("agent", "cni")
    pids = [node.child(name)[0] for name in ("agent", "cni")]
    process.kill()
    end = time.monotonic() + 5
    while any(running(pid) for pid in pids):
        assert time.monotonic() < end
        time.sleep(0.005)


def test_children_are_run_by_the_program_that_is_run_wherever_it_is(node: Node) -> None:
    """Beside the interpreter in a virtual environment, elsewhere in an image."""
    program = node.folder / "bgpnet"
    called = CHILD.replace("sys.argv[1:]", "sys.argv[2:]")
    own = MAIN.replace(', (sys.executable, "-c", child)', "").replace(
        "[folder, name]", '["child", folder, name]'
    )
    program.write_text(f"import sys\nif sys.argv[1] == 'child':\n    exec({called!r})\n    sys.exit()\n{own}")
    argv = [sys.executable, str(program), "", str(node.folder), "agent"]
    node.process = subprocess.Popen(argv, stderr=subprocess.PIPE, text=True)
    node.child("agent")
