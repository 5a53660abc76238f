"""PID 1 of a node, as the runner starts it: it makes the node's file system and then keeps the node alive."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.netlab import images, kernel
from tests.netlab.errors import LabRunError
from tests.netlab.topology import Bind, Node

PROGRAM = Path(__file__).parent / "inside" / "init.py"
UNSHARE = ("unshare", "--mount", "--propagation", "private", "--pid", "--uts", "--ipc", "--fork", "--")
END_TIMEOUT = 10.0
"""Seconds for a killed process to end."""


@dataclass(frozen=True, slots=True)
class FirstProcess:
    """A started PID 1. Until it is told to stay, it ends as soon as its runner does."""

    node: Node
    process: "subprocess.Popen[bytes]"

    def answer(self) -> int:
        """Its PID as seen from outside, once the node's files and sysctls are in place.

        Raises:
            LabRunError: the node cannot be made; with the reason.

        """
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        line = self.process.stdout.readline()
        answer: dict[str, Any] = (
            json.loads(line) if line else {"error": self.process.stderr.read().decode(errors="replace")}
        )
        if "error" in answer:
            raise LabRunError(f"node {self.node.name} cannot be made: {answer['error'].strip()}")
        return int(answer["pid"])

    def stay(self) -> None:
        """The PID is written down: live on without the runner."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it is dead, as whoever needs it will see
            self.process.stdin.write(b"stay\n")
            self.process.stdin.flush()
        self.close()

    def close(self) -> None:
        """Let go of it: without `stay`, it ends."""
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream is not None
            with contextlib.suppress(BrokenPipeError):
                stream.close()

    def collect(self) -> None:
        """Wait for its end, so that no zombie stays."""
        self.close()
        self.process.wait(END_TIMEOUT)


def start(node: Node, namespace: str, log: Path, scratch: Path) -> FirstProcess:
    """Start PID 1 of a node.

    Args:
        node: whose.
        namespace: name of its network namespace; empty: the root namespace.
        log: the host's file that the node sees as /var/log/node.log.
        scratch: an empty directory to build the node's files on; mounts there are the node's alone.

    """
    entering = ["nsenter", f"--net={kernel.NAMED / namespace}", "--"] if namespace else []
    process = subprocess.Popen(
        [*entering, *UNSHARE, sys.executable, "-ISE", str(PROGRAM)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    image = images.find(node.image)
    spec = {
        "hostname": node.name,
        "scratch": str(scratch),
        "hidden": dict(image.hidden) if image else {},
        "files": dict(image.files) if image else {},
        "binds": [_mount(bind) for bind in binds(node, log)],
        "sysctls": dict(node.sysctls),
    }
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):  # `answer` says why it died
        process.stdin.write(json.dumps(spec).encode() + b"\n")
        process.stdin.flush()
    return FirstProcess(node, process)


def binds(node: Node, log: Path) -> Iterable[Bind]:
    """Everything that is bound into a node, what comes later over what came before."""
    image = images.find(node.image)
    yield Bind(log, "/var/log/node.log", read_only=False)
    # The programs of the repository, which may stand below a directory that the node has of its own.
    yield Bind(images.REPOSITORY, str(images.REPOSITORY), read_only=True)
    own = {bind.target for bind in node.binds}
    for target, source in image.binds.items() if image else ():
        if target not in own:
            yield Bind(source, target, read_only=True)
    yield from node.binds


def _mount(bind: Bind) -> dict[str, Any]:
    return {"source": str(bind.source), "target": bind.target, "read_only": bind.read_only}
