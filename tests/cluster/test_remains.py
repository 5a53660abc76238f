"""A test run that is killed leaves little, and the next one takes that away."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.rig import cgroups, remains
from tests.netlab import processes
from tests.netlab.images import REPOSITORY

pytestmark = pytest.mark.cluster

RUN = """
import sys
from functools import partial
from pathlib import Path
from tests.cluster import binaries
from tests.cluster.rig import podimage
from tests.cluster.rig.machine import Machine, Parts
folder = Path(sys.argv[1])
parts = Parts(podimage.first(), binaries.find_node(), binaries.CONTAINERD.find(), print, print)
machine = Machine("n1", folder / "n1", parts)
machine.on()
machine.start("sleep", "sleep", "1000")
print("up", flush=True)
sys.stdin.read()
"""


def test_what_a_killed_run_left_is_taken_away(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", RUN, str(tmp_path)]
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
    ) as process:
        assert process.stdout is not None
        assert next(line for line in process.stdout if line == "up\n")
        name = f"bgpnet-{process.pid}-n1"
        space = Path("/run/netns", name)
        inside = processes.sharing("net", space)
        assert len(inside) > 1
        os.kill(process.pid, signal.SIGKILL)
    assert not processes.wait_until_gone(inside, 10)
    assert left(name)
    remains.sweep()
    assert not left(name)


def left(name: str) -> list[str]:
    """What is called so."""
    mounts = [line for line in Path("/proc/self/mounts").read_text().splitlines() if line.startswith(name)]
    places = [Path("/run/netns", name), *(own / name for own in cgroups.own())]
    return mounts + [str(path) for path in places if path.exists()]
