"""A plug-in as a runtime calls it: by exec, and with as little of our own in the way as can be."""

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.netns import Namespace


@dataclass(frozen=True)
class Call:
    """What a call is about: `netns` is a path."""

    command: str
    container: str
    netns: str


@dataclass(frozen=True)
class Done:
    """How a call went: the seconds from exec to exit as seen from outside, and of processor time."""

    seconds: float
    processor: float
    output: Any


@dataclass
class Plugin:
    """A plug-in with its configuration, on a host of its own.

    `server` is the process that works for it, 0 when it does all by itself.
    """

    name: str
    program: Path
    host: Namespace
    config: Mapping[str, Any]
    environment: Mapping[str, str]
    server: int = 0

    @contextmanager
    def ready(self) -> Iterator["Runner"]:
        """To run calls with, in the host's namespace."""
        config = os.memfd_create("config")
        os.write(config, json.dumps(self.config).encode())
        try:
            with self.host.entered():
                yield Runner(self, config)
        finally:
            os.close(config)

    def links(self) -> int:
        """How many veth links the host has."""
        return len(self.host.ip_json("link", "show", "type", "veth"))

    def server_processor(self) -> float:
        """Seconds of processor time that the server has used."""
        if not self.server:
            return 0.0
        fields = Path(f"/proc/{self.server}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Runner:
    """Starts calls and waits for them."""

    def __init__(self, plugin: Plugin, config: int) -> None:
        self._plugin = plugin
        self._config = config

    def run(self, call: Call) -> Done:
        """One call."""
        [done] = self.burst([call], 1)
        return done

    def burst(self, calls: Sequence[Call], at_once: int) -> list[Done]:
        """Many calls, so many at once.

        Raises:
            RuntimeError: one of them failed.
        """
        waiting = list(reversed(calls))
        running: dict[int, tuple[float, int, Call]] = {}
        done = []
        while waiting or running:
            while waiting and len(running) < at_once:
                self._start(waiting.pop(), running)
            process, status, usage = os.wait4(-1, 0)
            now = time.perf_counter()
            began, output, call = running.pop(process)
            length = os.fstat(output).st_size
            text = os.pread(output, length, 0)
            os.close(output)
            if status:
                raise RuntimeError(f"{self._plugin.name}: {call}: {text.decode(errors='replace')}")
            done.append(
                Done(now - began, usage.ru_utime + usage.ru_stime, json.loads(text) if text.strip() else {})
            )
        return done

    def _start(self, call: Call, running: dict[int, tuple[float, int, Call]]) -> None:
        output = os.memfd_create("output")
        # Each gets its own offset into the configuration.
        config = os.open(f"/proc/self/fd/{self._config}", os.O_RDONLY | os.O_CLOEXEC)
        environment = {
            "CNI_COMMAND": call.command,
            "CNI_CONTAINERID": call.container,
            "CNI_NETNS": call.netns,
            "CNI_IFNAME": "eth0",
            "CNI_PATH": str(self._plugin.program.parent),
            "PATH": os.environ["PATH"],
            **self._plugin.environment,
        }
        began = time.perf_counter()
        process = os.posix_spawn(
            self._plugin.program,
            [str(self._plugin.program)],
            environment,
            file_actions=[(os.POSIX_SPAWN_DUP2, config, 0), (os.POSIX_SPAWN_DUP2, output, 1)],
        )
        running[process] = (began, output, call)
        os.close(config)
