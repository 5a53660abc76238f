"""Packet captures of nodes, bounded in size: tcpdump on all interfaces of a node's network namespace."""

import contextlib
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.netlab.errors import LabRunError
from tests.netlab.node import RunningNode

SNAPSHOT = 262
"""Bytes kept of each packet: headers and the beginning of what they carry."""
WHOLE_RUN = 100_000
"""Packets a node at most when a whole run is captured: below 30 MB."""
ONE_LOOK = 5_000
"""Packets a node at most while one check is looked at."""
END_TIMEOUT = 5.0
"""Seconds for tcpdump to write its file out."""


class Captures:
    """Captures under way."""

    def __init__(self) -> None:
        self._running: dict[Path, subprocess.Popen[str]] = {}

    def start(self, nodes: Iterable[RunningNode], folder: Path, packets: int) -> None:
        """Capture each network namespace into `folder`/NODE.pcap; returns when all of them listen.

        Nodes in the root namespace are left out: its traffic is not the lab's.

        Raises:
            LabRunError: tcpdump does not start.

        """
        folder.mkdir(parents=True, exist_ok=True)
        captured: set[str] = {""}
        fresh = []
        for node in nodes:
            path = folder / f"{node.name}.pcap"
            if node.namespace not in captured and path not in self._running:
                captured.add(node.namespace)
                self._running[path] = _tcpdump(node.pid, path, packets)
                fresh.append(path)
        for path in fresh:
            _wait_until_listening(path, self._running[path])

    def stop(self) -> None:
        """End them; the files are whole."""
        for process in self._running.values():
            _wait_until_idle(process)
            process.send_signal(signal.SIGINT)
        for process in self._running.values():
            try:
                process.communicate(timeout=END_TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
        self._running.clear()


@contextlib.contextmanager
def running(nodes: Iterable[RunningNode], folder: Path, packets: int) -> Iterator[None]:
    """Capture all nodes inside the block."""
    captures = Captures()
    try:
        captures.start(nodes, folder, packets)
        yield
    finally:
        captures.stop()


def _tcpdump(pid: int, path: Path, packets: int) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [
            *(
                "nsenter",
                f"--net=/proc/{pid}/ns/net",
                "tcpdump",
                "-Z",
                "root",
                "-n",
                "-U",
                "--immediate-mode",
            ),
            *("-i", "any", "-s", str(SNAPSHOT), "-c", str(packets), "-w", str(path)),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _wait_until_idle(process: "subprocess.Popen[str]") -> None:
    """Return when tcpdump sleeps: a packet not read yet keeps it runnable, and would be lost at its end."""
    deadline = time.monotonic() + END_TIMEOUT
    while process.poll() is None and time.monotonic() < deadline:
        stat = Path("/proc", str(process.pid), "stat").read_text(encoding="utf-8")
        if stat.rpartition(")")[2].split()[0] == "S":
            return
        time.sleep(0.01)


def _wait_until_listening(path: Path, process: "subprocess.Popen[str]") -> None:
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        if "listening on" in line:
            return
        said += line
    raise LabRunError(f"tcpdump for {path} does not start: {said.strip() or 'it said nothing'}")
