"""The planner's time, and how it grows with the cluster."""

import math
import time
from collections.abc import Callable
from dataclasses import replace

from bgpnet.model.bgp import Speaker
from bgpnet.model.declared import Declared
from bgpnet.model.kernel import Kernel
from bgpnet.model.snapshot import Snapshot
from bgpnet.planner import make_plan
from tests.bench.report import Row, row
from tests.unit import facts

NODES = (100, 1000, 5000)
ROUNDS = 15


def compare() -> list[Row]:
    """Whole plans, and plans after one object changed; there is nothing to hold them against."""
    rows = []
    for what, other in (("full", _same), ("one-change", _changed)):
        took = {count: _best(cluster(count), other) for count in NODES}
        rows += [row(f"plan/{what}/{count}", took[count] * 1000, None, "", "ms") for count in NODES]
        growth = math.log(took[NODES[-1]] / took[NODES[-2]]) / math.log(NODES[-1] / NODES[-2])
        rows.append(row(f"plan/{what}/exponent", growth, None, "", "of nodes"))
    return rows


def cluster(count: int) -> Snapshot:
    """The facts of one node of so many."""
    nodes = tuple(
        facts.node(
            f"n{number}",
            f"10.{128 + number // 256}.{number % 256}.0/24",
            addresses=(f"10.1.{number // 250}.{1 + number % 250}",),
        )
        for number in range(count)
    )
    declared = Declared(
        facts.configuration(), nodes, (facts.pool("pods", "10.128.0.0/10"),), facts.two_tors().peers
    )
    return Snapshot("n0", declared, Kernel(facts.UPLINKS, ()), Speaker((), ()))


def _same(snapshot: Snapshot, _turn: int) -> Snapshot:
    return snapshot


def _changed(snapshot: Snapshot, turn: int) -> Snapshot:
    """The last node has another prefix."""
    assert snapshot.declared is not None
    *others, last = snapshot.declared.nodes
    other = replace(last, pod_cidrs=(facts.prefix(f"10.190.{turn}.0/24"),))
    return replace(snapshot, declared=replace(snapshot.declared, nodes=(*others, other)))


def _best(snapshot: Snapshot, other: Callable[[Snapshot, int], Snapshot]) -> float:
    """Seconds of the best of some rounds."""
    make_plan(snapshot)
    taken = []
    for turn in range(ROUNDS):
        facts_now = other(snapshot, turn)
        begin = time.perf_counter()
        make_plan(facts_now)
        taken.append(time.perf_counter() - begin)
    return min(taken)
