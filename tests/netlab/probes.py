"""UDP probes between two places of a lab: what was lost on the worst flow, and for how long.

Half of the flows go each way; each has ports of its own, so that layer-4 multipath hashing spreads them. A
packet every 10 ms a flow. `inside/flows.py` says how a busy machine is kept from looking like loss.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.netlab.errors import LabRunError
from tests.netlab.node import RunningNode

PROGRAM = Path(__file__).parent / "inside" / "flows.py"
FLOWS = 32
INTERVAL = 0.010
"""Seconds between two packets of a flow."""
FLOWING_TIMEOUT = 20.0
"""Seconds for every flow to deliver its first packet."""
SETTLE = 0.5
"""Seconds for packets that are still on their way when the sending has stopped."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a probe begins or ends: a node, or a pod of it, and the address used there."""

    node: RunningNode
    address: str
    pod: str = ""


@dataclass(frozen=True, slots=True)
class Flow:
    """One UDP flow, one way."""

    name: str
    source: str
    source_port: int
    target: str
    target_port: int


@dataclass(frozen=True, slots=True)
class FlowResult:
    """What became of a flow. `longest_gap_ms` is between two arrivals, by the receiving kernel's clock."""

    flow: Flow
    sent: int
    lost: int
    longest_gap_ms: float


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """All flows. `late_ms`: how late the busier sender was at its worst, to judge the gaps by."""

    flows: tuple[FlowResult, ...]
    late_ms: float
    unsendable: dict[str, int]

    @property
    def worst(self) -> FlowResult:
        """The flow that lost most, then the one with the longest gap."""
        return max(self.flows, key=lambda each: (each.lost, each.longest_gap_ms))

    @property
    def lost(self) -> int:
        """Packets that the worst flow lost."""
        return self.worst.lost

    @property
    def longest_gap_ms(self) -> float:
        """Longest time without an arrival on any flow."""
        return max(each.longest_gap_ms for each in self.flows)


class Probe:
    """Flows under way."""

    def __init__(self, flows: tuple[Flow, ...], sides: tuple["_Side", "_Side"]) -> None:
        self.flows = flows
        self._sides = sides

    def wait_until_flowing(self, timeout: float = FLOWING_TIMEOUT) -> None:
        """Return when every flow has delivered a packet.

        Raises:
            LabRunError: some did not in time; it names them.

        """
        deadline = time.monotonic() + timeout
        while silent := [each.flow.name for each in self.result().flows if each.lost == each.sent]:
            if time.monotonic() > deadline:
                raise LabRunError(
                    f"no packet of these flows arrived within {timeout:g} s: {', '.join(silent)}"
                )
            time.sleep(0.05)

    def mark(self) -> None:
        """Count from zero from here on."""
        self._ask("mark")

    def result(self) -> ProbeResult:
        """Where things stand since the last mark; what is on its way counts as lost."""
        return _joined(self.flows, self._ask("report"))

    def finish(self) -> ProbeResult:
        """Stop sending, let the last packets arrive, and say what became of every flow.

        Raises:
            LabRunError: a socket's own buffer overflowed, so the counts would not be the network's.

        """
        self._ask("stop")
        time.sleep(SETTLE)
        return self.result()

    def _ask(self, command: str) -> list[dict[str, Any]]:
        for side in self._sides:
            side.say(command)
        return [side.answer() for side in self._sides]


class _Side:
    """The program on one side."""

    def __init__(self, place: Place, flows: tuple[Flow, ...]) -> None:
        config = {
            "address": place.address,
            "interval": INTERVAL,
            "send": {
                f.name: [f.source_port, f.target, f.target_port] for f in flows if f.source == place.address
            },
            "receive": {f.name: f.target_port for f in flows if f.target == place.address},
        }
        self._name = place.pod or place.node.name
        self._process = subprocess.Popen(
            place.node.argv(sys.executable, "-ISE", str(PROGRAM), json.dumps(config), pod=place.pod),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=dict(place.node.environment),
            start_new_session=True,
        )
        self.answer()

    def say(self, command: str) -> None:
        """Send a command."""
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """Read one answer.

        Raises:
            LabRunError: the program is gone, or its socket buffers overflowed.

        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            assert self._process.stderr is not None
            raise LabRunError(
                f"the probe at {self._name} ended: {self._process.stderr.read().strip()[-500:]}"
            )
        report: dict[str, Any] = json.loads(line)
        if report["overflowed"]:
            raise LabRunError(f"the probe at {self._name} was too slow to read: its counts mean nothing")
        return report

    def close(self) -> None:
        """End the program."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()


@contextmanager
def flowing(one: Place, other: Place, count: int = FLOWS, *, ports_from: int = 20000) -> Iterator[Probe]:
    """Flows between two places inside the block, half of them each way.

    Args:
        one: a place.
        other: another one.
        count: flows in all.
        ports_from: the first port; probes of one place at the same time are 500 apart.

    """
    flows = tuple(_flows(one.address, other.address, count, ports_from))
    sides: list[_Side] = []
    try:
        sides.append(_Side(one, flows))
        sides.append(_Side(other, flows))
        yield Probe(flows, (sides[0], sides[1]))
    finally:
        for side in sides:
            side.close()


def _flows(one: str, other: str, count: int, port: int) -> Iterator[Flow]:
    for number in range(count // 2):
        yield Flow(f"out{number}", one, port + number, other, port + 10000 + number)
        yield Flow(f"back{number}", other, port + 250 + number, one, port + 10250 + number)


def _joined(flows: tuple[Flow, ...], reports: list[dict[str, Any]]) -> ProbeResult:
    sent = {name: (number, report) for report in reports for name, number in report["sent"].items()}
    received = {name: values for report in reports for name, values in report["received"].items()}
    results = []
    for flow in flows:
        number, sender = sent[flow.name]
        count, _duplicates, first, last, gap, _at = received[flow.name]
        head = (first or sender["last_sent"]) - sender["first_sent"]
        tail = sender["last_sent"] - (last or sender["last_sent"])
        results.append(FlowResult(flow, number, number - count, max(head, gap, tail) / 1e6))
    unsendable: dict[str, int] = {}
    for report in reports:
        for name, number in report["unsendable"].items():
            unsendable[name] = unsendable.get(name, 0) + number
    return ProbeResult(tuple(results), max(report["late_ms"] for report in reports), unsendable)
