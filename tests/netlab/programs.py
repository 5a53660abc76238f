"""The programs that nodes run: starting them, and noticing when one ends that should not have."""

import subprocess
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.netlab import images
from tests.netlab.errors import LabRunError
from tests.netlab.node import RunningNode
from tests.netlab.topology import Node

LAST_LINES = 15
"""Lines of a log that tell why a program ended."""
CHILDHOOD = 0.5
"""Seconds in which a program that cannot work usually ends."""
EXIT_TIMEOUT = 120.0
"""Seconds for a node that is awaited to exit."""
END_TIMEOUT = 10.0
"""Seconds for a killed process to end."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A program that ended with an error. `code` is negative for a signal."""

    node: str
    code: int
    log: Path

    def __str__(self) -> str:
        """Who, how, and the last lines of its log."""
        how = f"was ended by signal {-self.code}" if self.code < 0 else f"ended with exit code {self.code}"
        return f"the program of node {self.node} {how}; {last_lines(self.log)}"


class Programs:
    """The programs of a lab that keep running, by node."""

    def __init__(self) -> None:
        self._started: dict[str, tuple[RunningNode, subprocess.Popen[bytes]]] = {}
        self._youngest = time.monotonic()

    def start(self, node: Node, running: RunningNode) -> None:
        """Start what the node's image runs, or its own `entrypoint` and `cmd`.

        Raises:
            LabRunError: it does not start.

        """
        image = images.find(node.image)
        assert image is not None  # the reader refuses unknown images
        if node.entrypoint is None and image.start and node.cmd is None:
            done = running.run("sh", "-c", image.start)
            if done.code != 0:
                said = (done.stderr.strip() or done.stdout.strip() or "it said nothing")[-2000:]
                raise LabRunError(
                    f"node {node.name} ({node.image}) does not start: exit code {done.code}: {said}\n"
                    f"{last_lines(running.log)}"
                )
        argv = (*(node.entrypoint or ()), *(node.cmd or ()))
        if not argv:
            argv = tuple(word.format(node=node.name) for word in image.command)
        if argv:
            running.run("sh", "-c", 'command -v -- "$1"', "sh", argv[0]).checked(
                f"node {node.name} has no program {argv[0]}"
            )
            if former := self._started.pop(node.name, None):
                former[1].wait(END_TIMEOUT)
            self._started[node.name] = (running, running.spawn(*argv))
            self._youngest = time.monotonic()

    def failures(self) -> Iterator[Failure]:
        """The programs that ended with an error."""
        for name, (running, process) in list(self._started.items()):
            code = process.poll()
            if code is not None and code != 0:
                yield Failure(name, code, running.log)

    def watch_young_ones(self) -> None:
        """Return when the last program was started `CHILDHOOD` ago, or when one has ended with an error."""
        while self._started and time.monotonic() < self._youngest + CHILDHOOD and not any(self.failures()):
            time.sleep(0.02)

    def wait_exit(self, name: str) -> None:
        """Wait until the node's program has ended.

        Raises:
            LabRunError: it still runs after `EXIT_TIMEOUT`.

        """
        _, process = self._started[name]
        try:
            process.wait(EXIT_TIMEOUT)
        except subprocess.TimeoutExpired:
            raise LabRunError(
                f"node {name} was awaited to exit and still runs after {EXIT_TIMEOUT:g} s"
            ) from None

    def collect(self) -> None:
        """Collect the dead, so that none stays a zombie of ours."""
        for _, process in self._started.values():
            process.wait(END_TIMEOUT)


def last_lines(log: Path) -> str:
    """The last lines of a log, or that there are none."""
    with log.open(encoding="utf-8", errors="replace") as lines:
        found = [line.rstrip()[:500] for line in deque(lines, LAST_LINES)]
    if not found:
        return f"{log} is empty"
    return "\n".join([f"the last lines of {log}:", *(f"  | {line}" for line in found)])
