"""How well BFD, and BGP with a hold time of 9 s, hold while every processor is busy.

The lab `watched` with 100 ms x 3 towards FRR and BIRD, and a loop that spins for each processor. What the
routers hear is captured where they hear it. The part `hold` of `make bench` is three times 20 minutes, by
what `bgpnet bfd` has:

plain      the priority of others
prior      what it takes where it may
container  the share of a processor that the chart asks for, in a cgroup (v1) beside one of the loops that has
           all processors; the speaker likewise

`python -m tests.bench.hold SECONDS [INTERVAL] [plain|prior|container]` is one of these, for other times; exit
code 1: a session was lost.
"""

import os
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from bgpnet.bfd.packet import Packet, decode
from tests.bench.report import Row, row
from tests.labs.watchedlab import NODE, TORS, Watched, agree, running
from tests.netlab import faults

SECONDS = 20 * 60.0
INTERVAL = 100
"""Milliseconds; three of them."""
CORE = 1024
"""Shares of one processor."""

UDP_PAYLOAD = 42
"""Bytes of an Ethernet frame before it: 14, 20 and 8."""


def gaps(capture: bytes, source: str) -> list[float]:
    """Milliseconds between the BFD packets of this address, in a file of tcpdump's."""
    moments, at = [], 24
    while at + 16 <= len(capture):
        seconds, micro, length, _ = struct.unpack_from("=IIII", capture, at)
        frame = capture[at + 16 : at + 16 + length]
        at += 16 + length
        if ".".join(map(str, frame[26:30])) == source and isinstance(decode(frame[UDP_PAYLOAD:]), Packet):
            moments.append(seconds * 1000 + micro / 1000)
    return [later - earlier for earlier, later in pairwise(moments)]


@contextmanager
def busy() -> Iterator[list[int]]:
    """Loops that spin, one for each processor."""
    number = os.cpu_count() or 1
    loops = [subprocess.Popen([sys.executable, "-ISE", "-c", "while True: pass"]) for _ in range(number)]
    try:
        yield [loop.pid for loop in loops]
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


@dataclass(frozen=True)
class Held:
    """What was seen of a node whose processors were busy."""

    lost: list[str]
    """Sessions that ended, "BFD with frr" or "BGP with frr"."""
    longest: float
    """Milliseconds between two packets that a router heard, at most."""
    share: float
    """Of a processor, that `bgpnet bfd` used."""


def compare() -> list[Row]:
    """Three times 20 minutes."""
    rows = []
    for name in TURNS:
        seen = measure(SECONDS, INTERVAL, name)
        rows.append(row(f"hold/{name}/sessions-lost", len(seen.lost), None, "", f"in {SECONDS / 60:.0f} min"))
        rows.append(row(f"hold/{name}/longest-gap", seen.longest, None, "", "ms"))
        rows.append(row(f"hold/{name}/bfd", 100 * seen.share, None, "", "% of a core"))
    return rows


def measure(seconds: float, interval: int, turn: str) -> Held:
    """Start the lab, hold, and print what was seen."""
    with tempfile.TemporaryDirectory(prefix="bgpnet-hold-") as work, running(Path(work), "hold") as lab:
        return hold(lab, seconds, interval, turn)


def hold(lab: Watched, seconds: float, interval: int, turn: str) -> Held:
    """Hold, and print what was seen. `interval`: milliseconds."""
    lab.settled()
    agree(lab, interval, 3)
    lab.settled()
    (process,) = faults.having(lab.node, "bfd")
    before = sessions(lab)
    captures = {tor: Path(f"/tmp/hold-{os.getpid()}-{tor}.pcap") for tor in TORS}  # noqa: S108 - of this process
    listeners = [
        lab.lab.node(tor).argv("tcpdump", "-i", "eth1", "-U", "-w", "-", "udp", "port", "3784")
        for tor in TORS
    ]
    with busy() as loops, TURNS[turn](lab, loops):
        files = [path.open("wb") for path in captures.values()]
        dumps = [
            subprocess.Popen(argv, stdout=file, stderr=subprocess.DEVNULL)
            for argv, file in zip(listeners, files, strict=True)
        ]
        processor = _processor_time(process.pid)
        begun = time.monotonic()
        time.sleep(seconds)
        passed = time.monotonic() - begun
        used = _processor_time(process.pid) - processor
        for dump in dumps:
            dump.send_signal(signal.SIGTERM)
            dump.wait()
        for file in files:
            file.close()
    after = sessions(lab)
    load = os.getloadavg()[2]
    print(f"{passed:.0f} s at {interval} ms x 3, {len(loops)} spinning loops, load {load:.1f}, {turn}:")
    longest = 0.0
    for tor, path in captures.items():
        found = sorted(gaps(path.read_bytes(), NODE[tor]))
        path.unlink()
        longest = max(longest, found[-1])
        print(
            f"  {tor}: {len(found)} packets heard, gaps p50 {found[len(found) // 2]:.1f}"
            f" p99.9 {found[len(found) * 999 // 1000]:.1f} longest {found[-1]:.1f} ms"
            f" of {3 * interval} allowed"
        )
    seen = Held([name for name in before if after.get(name) != before[name]], longest, used / passed)
    print(
        f"  lost: {', '.join(seen.lost) or 'none'}; bfd used {100 * seen.share:.2f} % of a processor",
        flush=True,
    )
    return seen


@contextmanager
def plain(lab: Watched, _loops: list[int]) -> Iterator[None]:
    """No priority."""
    (process,) = faults.having(lab.node, "bfd")
    os.sched_setscheduler(process.pid, os.SCHED_OTHER, os.sched_param(0))
    os.setpriority(os.PRIO_PROCESS, process.pid, 0)
    yield


@contextmanager
def prior(_lab: Watched, _loops: list[int]) -> Iterator[None]:
    """As it runs."""
    yield


@contextmanager
def container(lab: Watched, loops: list[int]) -> Iterator[None]:
    """In cgroups, as pods of a node are."""
    (process,) = faults.having(lab.node, "bfd")
    os.sched_setscheduler(
        process.pid, os.SCHED_OTHER, os.sched_param(0)
    )  # none in a container of this kernel
    speaker = [each.pid for role in ("speaker", "exabgp", "relay") for each in faults.having(lab.node, role)]
    top = Path(f"/sys/fs/cgroup/cpu/bgpnet-hold-{os.getpid()}")
    pods = {"loops": (len(loops) * CORE, loops), "bfd": (20, [process.pid]), "speaker": (20, speaker)}
    top.mkdir()
    (top / "cpu.shares").write_text(f"{len(loops) * CORE}\n", encoding="ascii")
    for name, (share, pids) in pods.items():
        (top / name).mkdir()
        (top / name / "cpu.shares").write_text(f"{share}\n", encoding="ascii")
        for pid in pids:
            (top / name / "cgroup.procs").write_text(f"{pid}\n", encoding="ascii")
    try:
        yield
    finally:
        for name in pods:
            for word in (top / name / "cgroup.procs").read_text(encoding="ascii").split():
                (top.parent / "cgroup.procs").write_text(f"{word}\n", encoding="ascii")
            (top / name).rmdir()
        top.rmdir()


TURNS = {"plain": plain, "prior": prior, "container": container}


def sessions(lab: Watched) -> dict[str, object]:
    """What is another one once the session has ended, by either side's word."""
    peers, (router, downs, state, since) = lab.peers(), lab.lives()
    return {
        "BFD with frr": (peers["frr"]["bfd"]["flaps"], router, downs),
        "BFD with bird": (peers["bird"]["bfd"]["flaps"], state, since),
        **{f"BGP with {tor}": (peer["flaps"], peer["state"]) for tor, peer in peers.items()},
    }


def _processor_time(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> int:
    """One run."""
    turn = next((word for word in sys.argv[1:] if word in TURNS), "prior")
    numbers = [float(word) for word in sys.argv[1:] if word not in TURNS]
    return 1 if measure(numbers[0], int([*numbers, INTERVAL][1]), turn).lost else 0


if __name__ == "__main__":
    sys.exit(main())
