"""What a node runs out of, or what stops for a while: the ToR keeps the prefix, and all is well after.

BGPNET_STOP_SECONDS: for how long agent, relay and ExaBGP are stopped; 12 by default.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.labs.roughrack import (
    FAR_ACCEPTED,
    FAR_ANNOUNCED,
    NODES,
    RoughRack,
    announced_far,
    far,
    never_without,
    rough_rack,
    tell_far,
    until,
)
from tests.netlab import demo, faults, footprint, memorylimit

pytestmark = pytest.mark.lab

SMALL = "/run/bgpnet"
SMALL_RUN = (
    "      cmd: sh -c 'mkdir -p /run/bgpnet && mount -t tmpfs -o size=1m small /run/bgpnet && exec"
    " bgpnet node --node node1 --source files:/etc/bgpnet/manifests --run-dir /run/bgpnet'\n"
)
"""A run directory that is soon full."""
LONG = float(os.environ.get("BGPNET_STOP_SECONDS", "12"))
"""Seconds: longer than the hold time of 9 s, and than the watchdog's patience."""
STOPPED = {"agent": LONG, "relay": LONG, "exabgp": LONG}
KEEPS_SESSIONS = {"agent", "cni", "speaker", "bfd"}
"""Who can stop without a session that ends: the watchdog replaces ExaBGP when it, or its relay, is frozen."""
FEW = 1000
"""Routes of the ToR's that come and go."""
GROWTH = 12.0
"""MiB that all of a node's processes together may grow by meanwhile."""

ASKING = """
import glob, socket, time
asked = []
for path in glob.glob("/run/bgpnet/*.sock") + glob.glob("/run/bgpnet/speaker/*.sock"):
    for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
        asked.append(socket.socket(socket.AF_UNIX, kind))
        asked[-1].settimeout(1)
        try:
            asked[-1].connect(path)
        except OSError:
            pass
time.sleep(1)
"""
"""Somebody at every door of the node's."""
WATCHED = {"relay": 6.0, "speaker": 6.0}
"""Seconds without descriptors: longer than the watchdog's patience."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RoughRack]:
    work = tmp_path_factory.mktemp("resources")
    with rough_rack(work, tor=FAR_ANNOUNCED, accept=FAR_ACCEPTED, node=SMALL_RUN) as rack:
        yield rack


@pytest.fixture
def rack(running: RoughRack) -> RoughRack:
    running.settled()
    return running


@pytest.mark.parametrize("role", ["agent", "relay", "exabgp", "speaker", "cni"])
def test_a_process_that_stops_for_a_while_costs_the_fabric_nothing(rack: RoughRack, role: str) -> None:
    """SIGSTOP, while the router goes on: afterwards the node has what the router tells by then."""
    with announced_far(rack, FEW):
        rack.settled()
        before, small = rack.up_since(), sum(footprint.memory(rack.node).values())
        with never_without(rack):
            with faults.stopped(rack.node, role):
                until_awake = time.monotonic() + STOPPED.get(role, 2.0)
                said = churn(rack, until_awake)
            until(lambda: far(rack) == (FEW // 2, FEW // 2), "what the router tells now", within=60)
            rack.settled()
        grown = sum(footprint.memory(rack.node).values()) - small
    print(f"{role} stopped: {grown:.1f} MiB more, `bgpnet status` exited with {sorted(said)}")
    assert grown < GROWTH, f"{grown:.1f} MiB more"
    if role in KEEPS_SESSIONS:
        assert rack.same_sessions(before)
    if role == "agent":
        assert said == {3}, "nobody answers for an agent that is frozen"


def churn(rack: RoughRack, until_then: float) -> set[int]:
    """The ToR takes half of its routes away and back, at last away; what `bgpnet status` exits with."""
    codes = set()
    while True:
        tell_far(rack, "no", FEW // 2)
        codes.add(rack.node.run(demo.BGPNET, "status").code)
        if time.monotonic() > until_then:
            return codes
        tell_far(rack, "", FEW // 2)


@pytest.mark.parametrize("role", ["agent", "cni", "relay", "exabgp", "speaker", "bfd"])
def test_a_process_that_runs_out_of_memory_is_back_and_costs_the_fabric_nothing(
    rack: RoughRack, role: str
) -> None:
    """Killed by the kernel at its limit, as a container is: at whatever it does just then."""
    (process,) = faults.having(rack.node, role)
    before = rack.up_since()
    with never_without(rack):
        if memorylimit.available():
            with memorylimit.starved(process.pid) as killed:
                until(lambda: poked(rack) and killed() > 0, f"the kernel kills {role}")
        else:
            print("no memory cgroup of version 1: killed without one")
            faults.kill(rack.node, role)
        until(
            lambda: {each.pid for each in faults.having(rack.node, role)} - {process.pid} != set(),
            "it is back",
        )
        rack.settled()
    rack.node.run("pod", "add", "pod98").checked("pod add")
    rack.node.run("pod", "del", "pod98").checked("pod del")
    if role not in {"exabgp", "speaker"}:
        assert rack.same_sessions(before)


def poked(rack: RoughRack) -> bool:
    """Give every process something to do."""
    tell_far(rack, "", FEW)
    rack.node.run(sys.executable, "-ISE", "-c", ASKING)
    rack.node.run(demo.BGPNET, "status")
    tell_far(rack, "no", FEW)
    return True


@pytest.mark.parametrize("role", ["agent", "exabgp", "relay", "speaker", "cni", "bfd"])
def test_without_file_descriptors_a_process_goes_on(rack: RoughRack, role: str) -> None:
    """Who asks it meanwhile makes it neither spin nor die, and the watchdog takes nobody for frozen."""
    (process,) = faults.having(rack.node, role)
    before = rack.up_since()
    used = 1 + max(int(path.name) for path in Path(f"/proc/{process.pid}/fd").iterdir())
    prlimit = ["prlimit", "--pid", str(process.pid)]
    found = subprocess.run(
        [*prlimit, "--nofile", "-o", "SOFT", "--noheadings"], capture_output=True, text=True, check=True
    )
    with never_without(rack):
        subprocess.run([*prlimit, f"--nofile={used}:"], check=True)
        try:
            rack.node.run("ip", "route", "flush", "proto", "179")
            rack.node.run(sys.executable, "-ISE", "-c", ASKING).checked("asking")
            if role != "agent":
                faults.kill(rack.node, "agent")
            busy = footprint.busy(rack.node, WATCHED.get(role, 1.0))
            assert busy[role] < 0.5, f"it spins: {busy}"
        finally:
            subprocess.run([*prlimit, f"--nofile={found.stdout.strip()}:"], check=True)
        rack.settled()
    rack.node.run("pod", "add", "pod99").checked("pod add")
    rack.node.run("pod", "del", "pod99").checked("pod del")
    assert rack.same_sessions(before)
    assert faults.having(rack.node, role)[0].pid == process.pid, "it died of it"


def test_a_full_run_directory_is_said_and_stops_nothing(rack: RoughRack) -> None:
    """A new prefix is announced all the same; what cannot be written is listed, and written later."""
    more = rack.manifests / "21-node1.yaml"
    text = more.read_text(encoding="utf-8")
    fill = rack.node.run("sh", "-c", f"cat /dev/zero > {SMALL}/fill; df {SMALL} | tail -1")
    assert "100%" in fill.stdout, fill
    try:
        with never_without(rack):
            more.write_text(
                text.replace("[10.244.1.0/26]", "[10.244.1.0/26, 10.244.9.0/26]"), encoding="utf-8"
            )
            until(
                lambda: len(rack.ways("10.244.9.0/26", on="tor")) == len(NODES), "the new prefix is announced"
            )
            until(lambda: "No space left" in str(rack.status().get("rejections")), "it is said")
            rack.node.run("rm", f"{SMALL}/fill").checked("rm")
            until(rack.fine, "all is written")
            assert "10.244.9.0/26" in rack.node.run("cat", f"{SMALL}/blocks.json").stdout
    finally:
        rack.node.run("rm", "-f", f"{SMALL}/fill")
        more.write_text(text, encoding="utf-8")
    until(lambda: not rack.ways("10.244.9.0/26", on="tor"), "the prefix is gone")
