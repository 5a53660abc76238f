"""TCP connections between two places of a lab: how long the longest silence was, and whether one broke."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.netlab.errors import LabRunError
from tests.netlab.probes import INTERVAL, Place

PROGRAM: Final = Path(__file__).parent / "inside" / "streams.py"


@dataclass(frozen=True, slots=True)
class StreamResult:
    """The longest time without an echo on one connection, and why connections ended."""

    longest_ms: float
    broken: tuple[str, ...]


class Streams:
    """Connections under way."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def mark(self) -> None:
        """Count from here on."""
        self.result("mark")

    def result(self, command: str = "report") -> StreamResult:
        """Where things stand since the last mark.

        Raises:
            LabRunError: the client is gone.

        """
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        told = _answer(self._process)
        return StreamResult(told["longest_ms"], tuple(told["broken"]))


def _answer(process: "subprocess.Popen[str]") -> dict[str, Any]:
    assert process.stdout is not None
    assert process.stderr is not None
    line = process.stdout.readline()
    if not line:
        raise LabRunError(f"a TCP probe ended: {process.stderr.read().strip()[-500:]}")
    return dict(json.loads(line))


@contextmanager
def streaming(client: Place, server: Place, port: int, count: int) -> Iterator[Streams]:
    """Connections of a client to a server, a tick every 10 ms each, inside the block."""
    with ExitStack() as stack:
        stack.enter_context(_running(server, {"listen": [server.address, port]}))
        wish = {
            "source": client.address,
            "target": [server.address, port],
            "count": count,
            "interval": INTERVAL,
        }
        yield Streams(stack.enter_context(_running(client, wish)))


@contextmanager
def _running(place: Place, config: dict[str, Any]) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        place.node.argv(sys.executable, "-ISE", str(PROGRAM), json.dumps(config), pod=place.pod),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(place.node.environment),
        start_new_session=True,
    ) as process:
        try:
            _answer(process)
            yield process
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
