"""How well BFD holds while every processor is busy: `python -m tests.labs.hold SECONDS [INTERVAL] [plain]`.

The lab `watched` with INTERVAL x 3 (milliseconds; 100) towards FRR and BIRD, two loops that spin for each
processor, and beside it BGP with a hold time of 9 s. What the routers hear is captured where they
hear it. `plain`: without the niceness that `bgpnet bfd` takes where it may. Exit code 1: a session was lost.
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
from itertools import pairwise
from pathlib import Path

from bgpnet.bfd.packet import Packet, decode
from tests.labs.watchedlab import NODE, TORS, Watched, running, until
from tests.netlab import faults

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
def busy() -> Iterator[int]:
    """Loops that spin, two for each processor."""
    number = 2 * (os.cpu_count() or 1)
    loops = [subprocess.Popen([sys.executable, "-ISE", "-c", "while True: pass"]) for _ in range(number)]
    try:
        yield number
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def faster(lab: Watched, interval: int) -> None:
    """Both ends of both sessions ask for this interval, in milliseconds."""
    lines = [
        "configure",
        "bfd",
        "profile node",
        f"transmit-interval {interval}",
        f"receive-interval {interval}",
    ]
    lab.lab.node("frr").run("vtysh", *(word for line in lines for word in ("-c", line))).checked("vtysh")
    asked = f'interface "*" {{ interval {interval} ms; multiplier 3; }}'
    bird = lab.lab.node("bird")
    script = f"sed 's/interface .*interval.*;.*}};/{asked};/' /etc/bird/bird.conf > /run/bird/fast.conf"
    bird.run("sh", "-c", script).checked("sed")
    bird.run("birdc", "configure", '"/run/bird/fast.conf"').checked("birdc")
    for tor in TORS:
        lab.configure(tor, f"{{minInterval: {interval}}}")
    until(
        "the times are agreed on", lambda: all(lab.bfd(tor)["detection"] == 3 * interval for tor in TORS), 30
    )


def hold(lab: Watched, seconds: float, interval: int, *, plain: bool) -> bool:
    """Hold, and print what was seen; whether no session was lost."""
    lab.settled()
    faster(lab, interval)
    lab.settled()
    (process,) = faults.having(lab.node, "bfd")
    if plain:
        os.setpriority(os.PRIO_PROCESS, process.pid, 0)
    niceness = os.getpriority(os.PRIO_PROCESS, process.pid)
    before = {tor: (peer["flaps"], peer["bfd"]["flaps"]) for tor, peer in lab.peers().items()}
    lives = lab.lives()
    captures = {tor: Path(f"/tmp/hold-{os.getpid()}-{tor}.pcap") for tor in TORS}  # noqa: S108 - of this process
    listeners = [
        lab.lab.node(tor).argv("tcpdump", "-i", "eth1", "-U", "-w", "-", "udp", "port", "3784")
        for tor in TORS
    ]
    with busy() as loops:
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
    print(f"{passed:.0f} s at {interval} ms x 3, {loops} spinning loops, niceness {niceness}:", flush=True)
    for tor, path in captures.items():
        found = sorted(gaps(path.read_bytes(), NODE[tor]))
        path.unlink()
        print(
            f"  {tor}: {len(found)} packets heard, gaps p50 {found[len(found) // 2]:.1f}"
            f" p99.9 {found[len(found) * 999 // 1000]:.1f} longest {found[-1]:.1f} ms"
            f" of {3 * interval} allowed"
        )
    after = {tor: (peer["flaps"], peer["bfd"]["flaps"]) for tor, peer in lab.peers().items()}
    held = lab.lives() == lives and after == before
    print(f"  sessions {'held' if held else 'LOST'}; bfd used {100 * used / passed:.2f} % of a processor")
    return held


def _processor_time(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> int:
    """Run it."""
    words = [word for word in sys.argv[1:] if word != "plain"]
    seconds, interval = float(words[0]), int(words[1]) if len(words) > 1 else 100
    with tempfile.TemporaryDirectory(prefix="bgpnet-hold-") as work, running(Path(work), "hold") as lab:
        return 0 if hold(lab, seconds, interval, plain="plain" in sys.argv) else 1


if __name__ == "__main__":
    sys.exit(main())
