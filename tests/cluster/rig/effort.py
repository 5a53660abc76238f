"""How long something took, and how long it would have taken had the machine had nothing else to do."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.cluster.rig.cluster import Cluster
from tests.cluster.rig.machine import Machine
from tests.netlab import processes

_TICKS: Final = os.sysconf("SC_CLK_TCK")

_BUSY: Final = (0, 1, 2, 5, 6, 7)
"""Fields of /proc/stat that are work: user, nice, system, irq, softirq, steal (proc(5))."""


@dataclass(frozen=True)
class Taken:
    """Seconds by the clock, and seconds of processors: the cluster's own, and everybody's."""

    seconds: float
    own: float
    everybody: float

    @property
    def alone(self) -> float:
        """Seconds that it would have taken alone: processors are shared by use."""
        return self.seconds * min(1.0, self.own / max(self.everybody, 0.01))

    def __sub__(self, earlier: "Taken") -> "Taken":
        return Taken(
            self.seconds - earlier.seconds, self.own - earlier.own, self.everybody - earlier.everybody
        )


def now(cluster: Cluster) -> Taken:
    """Where the clocks stand; subtract an earlier one."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    everybody = sum(int(fields[number]) for number in _BUSY) / _TICKS
    own = sum(machine.processor_seconds() for machine in cluster.machines.values())
    return Taken(time.monotonic(), own + sum(map(processor_seconds, cluster.plane.pids())), everybody)


def of_ours(machine: Machine) -> float:
    """Seconds that our processes on a machine have used by now; without the shim, the runtime's child."""
    space = Path(f"/proc/{machine.node.pid}/ns/net")
    found = processes.described(processes.sharing("net", space))
    mine = [each.pid for each in found if any("bgpnet" in word for word in each.argv[1:3])]
    return sum(map(processor_seconds, mine))


def processor_seconds(pid: int) -> float:
    """What a process has used, with children that it has collected; 0 when there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / _TICKS
