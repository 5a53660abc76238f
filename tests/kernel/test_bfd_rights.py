"""`bgpnet bfd` with the rights of its container, and with none: its priorities are all that it lacks.

Real time is not permitted everywhere: in containers of some kernels (RT_GROUP_SCHED) there is niceness.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from ipaddress import ip_address
from pathlib import Path

import pytest

from bgpnet.bfd import turn
from bgpnet.model.bfd import BfdSession, BfdTimers, written
from tests.bgprouter import until
from tests.netns import Namespace, namespace

pytestmark = pytest.mark.kernel


@contextmanager
def bfd(space: Namespace, folder: Path, here: str, peer: str, rights: str) -> Iterator[int]:
    """One end of the wire; its process."""
    folder.mkdir()
    session = BfdSession(ip_address(peer), ip_address(here), "e0", BfdTimers(300, 3))
    (folder / "bfd.json").write_bytes(written([session]))
    argv = ["ip", "netns", "exec", space.name, "setpriv", "--pdeathsig=KILL", f"--bounding-set={rights}"]
    argv += [f"--inh-caps={rights}", "--no-new-privs", "--", sys.executable, "-m", "bgpnet", "bfd"]
    with subprocess.Popen([*argv, "--run-dir", str(folder)], stderr=subprocess.DEVNULL) as process:
        try:
            yield process.pid
        finally:
            process.kill()


def up(folder: Path) -> bool:
    """Whether it says so of its one session."""
    try:
        with socket.socket(socket.AF_UNIX) as door:
            door.settimeout(5)
            door.connect(str(folder / "bfd.sock"))
            told = json.loads(door.makefile().readline())
    except OSError:
        return False
    return [each["state"] for each in told["sessions"]] == ["Up"]


@pytest.mark.parametrize("rights", ["-all,+net_raw,+sys_nice", "-all"])
def test_two_ends_come_up(short_path: Path, rights: str) -> None:
    with namespace("bfda") as one, namespace("bfdb") as other:
        one.ip("link", "add", "e0", "type", "veth", "peer", "name", "e0", "netns", other.name)
        for space, address in ((one, "10.0.0.1/24"), (other, "10.0.0.2/24")):
            space.ip("address", "add", address, "dev", "e0")
            space.ip("link", "set", "e0", "up")
        ends = short_path / "one", short_path / "other"
        with (
            bfd(one, ends[0], "10.0.0.1", "10.0.0.2", rights) as pid,
            bfd(other, ends[1], "10.0.0.2", "10.0.0.1", rights),
        ):
            for end in ends:
                until(partial(up, end), f"BFD of {end.name} is up", patience=20)
            assert before_others(pid) == ("sys_nice" in rights)


def before_others(pid: int) -> bool:
    """Whether a process has real time, or niceness."""
    return os.sched_getscheduler(pid) != os.SCHED_OTHER or os.getpriority(os.PRIO_PROCESS, pid) < 0


SPINNING = """
import os, time
from bgpnet.bfd import turn
turn.ask()
end = time.monotonic() + 20
while os.sched_getscheduler(0) != os.SCHED_OTHER and time.monotonic() < end:
    pass
print(os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, 0))
"""


def test_who_never_sleeps_gives_real_time_back() -> None:
    """As under a flood of packets: nothing else would run on its processor."""
    done = subprocess.run(
        [sys.executable, "-c", SPINNING], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == [str(os.SCHED_OTHER), str(turn.NICENESS)]
