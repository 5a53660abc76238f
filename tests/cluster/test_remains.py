"""A test run that is killed leaves little, and the next one takes that away."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.controlplane import until
from tests.cluster.rig import cgroups, remains
from tests.cluster.rig.machine import INTO_CGROUPS
from tests.netlab import processes
from tests.netlab.images import REPOSITORY

pytestmark = pytest.mark.cluster

RUN = """
import sys
from functools import partial
from pathlib import Path
from tests.cluster import binaries
from tests.cluster.rig import podimage, remains
from tests.cluster.rig.machine import Machine, Parts
folder = Path(sys.argv[1])
programs = binaries.find_node(), binaries.CONTAINERD.find()
parts = Parts(remains.mark(), podimage.first(), *programs, print, print)
machine = Machine("n1", folder / "n1", parts)
machine.on()
machine.start("sleep", "sleep", "1000")
print("up", machine.space, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def elsewhere() -> Iterator[dict[str, str]]:
    """An environment that says into which cgroups, which are not ours, `INTO_CGROUPS` goes."""
    folders = cgroups.make(f"bgpnet-elsewhere-{os.getpid()}")
    yield {**os.environ, "CGROUPS": " ".join(map(str, folders))}
    cgroups.remove(folders)


def test_what_a_killed_run_left_is_taken_away(tmp_path: Path, elsewhere: dict[str, str]) -> None:
    argv = ["sh", "-c", INTO_CGROUPS, "into", sys.executable, "-c", RUN, str(tmp_path)]
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY, env=elsewhere
    ) as process:
        assert process.stdout is not None
        name = next(line for line in process.stdout if line.startswith("up ")).split()[1]
        space = Path("/run/netns", name)
        inside = processes.sharing("net", space)
        assert len(inside) > 1
        os.kill(process.pid, signal.SIGKILL)
    assert not processes.wait_until_gone(inside, 10)
    assert left(name)
    until(lambda: swept(name), "all of it is away", lambda: str(left(name)))


def swept(name: str) -> bool:
    """Sweep; a cgroup is left to the next sweep while a process in it is still ending."""
    remains.sweep()
    return not left(name)


def left(name: str) -> list[str]:
    """What is called so."""
    mounts = [line for line in Path("/proc/self/mounts").read_text().splitlines() if line.startswith(name)]
    found = [path for own in cgroups.own() for path in own.rglob(name)]
    return mounts + [str(path) for path in (Path("/run/netns", name), *found) if path.exists()]
