"""A node that runs: how to reach into its namespaces."""

import json
import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.netlab import command, processes
from tests.netlab.errors import LabRunError
from tests.netlab.processes import Process

BASE_ENVIRONMENT: Mapping[str, str] = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
}
"""What every process of a node starts with, as in a container: nothing of the caller's environment."""


@dataclass(frozen=True, slots=True)
class RunningNode:
    """Handle on a node. `pid` is its PID 1 as seen from outside; `namespace` the name in /run/netns."""

    name: str
    namespace: str
    image: str
    pid: int
    environment: Mapping[str, str]
    log: Path

    def argv(self, *argv: str, pod: str = "") -> list[str]:
        """The command line that runs `argv` inside the node, or inside one of its pods."""
        inside = ["ip", "netns", "exec", pod, *argv] if pod else list(argv)
        target = str(self.pid)
        return ["nsenter", "-t", target, "-m", "-u", "-n", "-p", "-i", "--", *inside]

    def run(self, *argv: str, pod: str = "", timeout: float = 30.0, stdin: str = "") -> command.Finished:
        """Run a program to its end inside the node, or inside one of its pods."""
        return command.run(
            self.argv(*argv, pod=pod), timeout=timeout, stdin=stdin, environment=self.environment
        )

    def run_in_network(self, *argv: str, pod: str = "", timeout: float = 30.0) -> command.Finished:
        """Run a program of this machine in the network of the node, or of one of its pods.

        It sees this machine's files, so that a node needs no program to be looked at.
        """
        home = f"/proc/{self.pid}/root/run/netns/{pod}" if pod else f"/proc/{self.pid}/ns/net"
        return command.run(["nsenter", f"--net={home}", "--", *argv], timeout=timeout)

    def spawn(self, *argv: str, pod: str = "") -> "subprocess.Popen[bytes]":
        """Start a program that keeps running; it writes into the node's log and outlives the caller."""
        with self.log.open("ab") as log:
            return subprocess.Popen(
                self.argv(*argv, pod=pod),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(self.environment),
                start_new_session=True,
            )

    def ip_json(self, *args: str, pod: str = "") -> list[dict[str, Any]]:
        """`ip -j -d ARGS` inside."""
        done = self.run("ip", "-j", "-d", *args, pod=pod).checked(f"{self.name}: ip {' '.join(args)}")
        return list(json.loads(done.stdout)) if done.stdout.strip() else []

    def processes(self) -> list[Process]:
        """Every living process of the node but PID 1, with pods' processes."""
        inside = processes.sharing("pid", Path(f"/proc/{self.pid}/ns/pid"))
        return processes.described(pid for pid in inside if pid != self.pid)

    def find(self, *words: str) -> list[Process]:
        """The node's processes whose command line has all of `words`, each in one argument."""
        return [
            process
            for process in self.processes()
            if all(any(word in argument for argument in process.argv) for word in words)
        ]

    def signal(self, number: signal.Signals, *words: str) -> list[Process]:
        """Send a signal to every process that `find` finds, and say which.

        Raises:
            LabRunError: there is none.

        """
        found = self.find(*words)
        if not found:
            running = "; ".join(" ".join(process.argv)[:60] for process in self.processes()) or "none"
            raise LabRunError(
                f"node {self.name} has no process with {' and '.join(words)}; it runs: {running}"
            )
        for process in found:
            os.kill(process.pid, number)
        return found
