"""A machine that Kubernetes takes for a node: namespaces under one PID 1, and programs in them."""

import os
import signal
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.cluster.controlplane import until
from tests.cluster.rig import cgroups, remains
from tests.netlab import processes
from tests.netlab.images import REPOSITORY
from tests.netlab.node import BASE_ENVIRONMENT, RunningNode

_SCRIPT: Final = Path(__file__).with_name("machine.sh")

_NAMESPACES: Final = (
    "unshare",
    "--mount",
    "--pid",
    "--uts",
    "--ipc",
    "--cgroup",
    "--fork",
    "--kill-child=KILL",
)

INTO_CGROUPS: Final = (
    'for each in $CGROUPS; do echo $$ > "$each/cgroup.procs"; done; unset CGROUPS; exec "$@"'
)
"""Before the cgroup namespace is entered: a process outside the namespace's root would see itself as /../."""

_SYSTEM: Final = "system"
"""The cgroup of its own programs, beside that of pods, as systemd has it: neither starves the other."""


@dataclass(frozen=True)
class Parts:
    """What machines are made of: a PID 1, folders with programs by name, and a link to the world."""

    mark: str
    """Their cluster's."""
    first: Path
    kubernetes: Path
    containerd: Path
    plug: Callable[[str], None]
    """Puts links into the network namespace of this name."""
    unplug: Callable[[str], None]
    """Takes them away: the kernel does not do so at once when the namespace goes."""


class Machine:
    """One of them. It may be switched off and on again: its disk stays. `close` leaves nothing."""

    def __init__(self, name: str, folder: Path, parts: Parts) -> None:
        self.name = name
        self.folder = folder
        self.space = remains.name(parts.mark, name)
        self._parts = parts
        self._cgroups: list[Path] = []
        self._starter = ThreadPoolExecutor(1)
        self._programs: dict[str, subprocess.Popen[bytes]] = {}
        self._node: RunningNode | None = None
        for each in ("disk", "store"):
            (folder / each).mkdir(parents=True)
        mounting = ["mount", "-t", "tmpfs", "-o", "mode=755", self.space, str(self.disk)]
        subprocess.run(mounting, check=True, timeout=10)

    @property
    def disk(self) -> Path:
        return self.folder / "disk"

    @property
    def is_on(self) -> bool:
        return self._node is not None

    @property
    def node(self) -> RunningNode:
        """To run things in it.

        Raises:
            AssertionError: it is off.

        """
        assert self._node is not None, f"{self.name} is switched off"
        return self._node

    def on(self) -> None:
        """Switch it on: nothing of ours runs in it yet."""
        subprocess.run(["ip", "netns", "add", self.space], check=True, timeout=10)
        self._parts.plug(self.space)
        self._cgroups = cgroups.make(self.space)
        for each in self._cgroups:
            (each / _SYSTEM).mkdir()
        first = self._parts.first
        made = ["sh", str(_SCRIPT), self.name, str(self.disk), str(self.folder / "store"), str(first)]
        folders = [str(self._parts.kubernetes), str(self._parts.containerd), str(REPOSITORY)]
        entering = ["nsenter", f"--net=/run/netns/{self.space}", *_NAMESPACES]
        self._start("machine", [*entering, *made, *folders])
        pid = until(self._first, f"{self.name} has its PID 1", self.log, patience=20)
        log = self.folder / "probes.log"
        path = f"{self._parts.kubernetes}:{self._parts.containerd}:{BASE_ENVIRONMENT['PATH']}"
        environment = {**BASE_ENVIRONMENT, "PATH": path}
        self._node = RunningNode(self.name, self.space, "", pid, environment, log)

    def off(self) -> None:
        """As when the power fails: every process is killed at once, and what memory held is lost."""
        if self._node is not None:
            with suppress(ProcessLookupError):
                os.kill(self._node.pid, signal.SIGKILL)
        elif "machine" in self._programs:
            self._programs["machine"].kill()
        for process in self._programs.values():
            process.wait(20)
        self._programs.clear()
        if self._node is not None:
            self._parts.unplug(self.space)
        self._node = None
        subprocess.run(["ip", "netns", "del", self.space], check=False, capture_output=True, timeout=10)
        cgroups.remove(self._cgroups)
        self._cgroups = []

    def close(self) -> None:
        """Switch it off and throw its disk away."""
        self.off()
        self._starter.shutdown()
        subprocess.run(["umount", "--lazy", self.disk], check=True, timeout=10)
        # rm, unlike shutil.rmtree, does not mind what somebody else takes away meanwhile.
        subprocess.run(["rm", "-rf", self.folder / "store"], check=True, timeout=60)

    def start(self, name: str, *argv: str) -> None:
        """A program of the machine that keeps running; it writes into NAME.log of the machine's folder."""
        pid = str(self.node.pid)
        self._start(name, ["nsenter", "-t", pid, "-m", "-u", "-i", "-n", "-p", "-C", "--", *argv])

    def kill(self, name: str) -> None:
        """End a started program with SIGKILL."""
        process = self._programs.pop(name)
        for child in processes.children(process.pid):
            os.kill(child, signal.SIGKILL)
        process.wait(10)

    def processor_seconds(self) -> float:
        """What all its processes have used since it was switched on (cgroup-v1/cpuacct.rst)."""
        usage = (each / "cpuacct.usage" for each in self._cgroups)
        return sum(int(each.read_text()) for each in usage if each.exists()) / 1e9

    def write(self, path: str, text: str) -> None:
        """A file of the machine."""
        script = 'mkdir -p "$(dirname "$1")" && cat > "$1.new" && mv "$1.new" "$1"'
        self.node.run("sh", "-c", script, "write", path, stdin=text).checked(f"{self.name}: {path}")

    def install(self, program: Path, folder: str) -> None:
        """Put a program of this machine into one of its folders."""
        script = 'mkdir -p "$1" && cat > "$1/$2" && chmod 755 "$1/$2"'
        self.feed(program, "sh", "-c", script, "install", folder, program.name)

    def feed(self, source: Path, *argv: str) -> None:
        """Run a program to its end with a file on its standard input."""
        with source.open("rb") as stream:
            whole = self.node.argv(*argv)
            environment = dict(self.node.environment)
            done = subprocess.run(
                whole, stdin=stream, capture_output=True, timeout=120, env=environment, check=False
            )
        assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]

    def log(self) -> str:
        """The last of what each program said."""
        return "\n".join(
            f"--- {self.name} {each.stem}\n{each.read_text(errors='replace')[-3000:]}"
            for each in sorted(self.folder.glob("*.log"))
        )

    def _start(self, name: str, argv: list[str]) -> None:
        folders = self._cgroups
        environment = dict(BASE_ENVIRONMENT)
        if self._node is not None:
            folders = [each / _SYSTEM for each in folders]
            environment |= {"PATH": self._node.environment["PATH"]}
        environment["CGROUPS"] = " ".join(map(str, folders))

        def start() -> subprocess.Popen[bytes]:
            # Should the test run be killed, the kernel ends what it started: with the thread that did.
            whole = ["setpriv", "--pdeathsig", "KILL", "sh", "-c", INTO_CGROUPS, "into", *argv]
            return subprocess.Popen(whole, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment)

        with (self.folder / f"{name}.log").open("ab") as log:
            self._programs[name] = self._starter.submit(start).result()

    def _first(self) -> int:
        """PID 1 as seen from outside, once it has made the machine; 0 before."""
        process = self._programs["machine"]
        assert process.poll() is None, f"{self.name} cannot be made:\n{self.log()}"
        for child in processes.children(process.pid):
            with suppress(OSError):
                if (
                    Path(f"/proc/{child}/cmdline")
                    .read_bytes()
                    .startswith(str(self._parts.first).encode() + b"\0")
                ):
                    return child
        return 0
