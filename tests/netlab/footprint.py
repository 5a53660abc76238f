"""What a bgpnet node's processes cost: memory and processor time, by role."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from tests.netlab import faults
from tests.netlab.node import RunningNode

ROLES = ("node", "agent", "cni", "speaker", "exabgp", "relay", "bfd")


def memory(node: RunningNode) -> dict[str, float]:
    """Proportional set size of each process by role, MiB: what is shared is counted once over all."""
    return _by_role(node, _pss)


def busy(node: RunningNode, seconds: float) -> dict[str, float]:
    """Share of one core that each process uses over some seconds, by role; 0.01 is one per cent."""
    before = _by_role(node, _cpu)
    time.sleep(seconds)
    after = _by_role(node, _cpu)
    return {role: (after[role] - before[role]) / seconds for role in before}


def _by_role(node: RunningNode, measure: Callable[[Path], float]) -> dict[str, float]:
    return {
        role: sum(measure(Path("/proc", str(process.pid))) for process in faults.having(node, role))
        for role in ROLES
    }


def _pss(process: Path) -> float:
    for line in (process / "smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0  # it ends just now


def _cpu(process: Path) -> float:
    """Seconds of processor time, user and system: fields 14 and 15 of proc(5) stat."""
    fields = (process / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
