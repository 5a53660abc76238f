"""The order in which the nodes of a lab come up. Pure.

Every node goes through create, create-links, configure and then its `exec`; healthy and exit are not done but
awaited. The meaning is containerlab's (docs/manual/nodes.md, "stages"; core/clab.go, scheduleNodeWorkerF): a
stage waits for the stage before it and for what its `wait-for` names. Where nothing waits, all nodes go
through a stage together, so `exec` runs when every node is up.
"""

from collections.abc import Collection, Mapping
from typing import Literal

from tests.netlab.topology import Node, StagePlan

Phase = Literal["create", "create-links", "configure", "exec", "healthy", "exit"]
Step = tuple[str, Phase]
"""A node's name and what it does or is awaited to be."""

ACTS: tuple[Phase, ...] = ("create", "create-links", "configure", "exec")
"""What the runner carries out, in a node's order."""
WATCHES: tuple[Phase, ...] = ("healthy", "exit")
"""What the runner waits for, where somebody wants to know."""
_BEFORE: Mapping[Phase, Phase] = {
    "create-links": "create",
    "configure": "create-links",
    "exec": "configure",
    "healthy": "exec",
    "exit": "exec",
}


def steps(nodes: Mapping[str, Node]) -> tuple[Step, ...]:
    """Every step of a lab: the acts of each node, and what some node waits for or hangs a command on."""
    machines = [name for name, node in nodes.items() if node.has_processes]
    acts: list[Step] = [(name, act) for act in ACTS for name in machines]
    wanted: set[Step] = {
        step for node in nodes.values() for plan in node.stages.values() for step in plan.wait_for
    }
    wanted |= {(node.name, stage) for node in nodes.values() for stage in node.stages}
    watches: list[Step] = [(name, watch) for watch in WATCHES for name in machines if (name, watch) in wanted]
    return (*acts, *watches)


def needs(step: Step, nodes: Mapping[str, Node]) -> tuple[Step, ...]:
    """The steps that must be finished before this one begins."""
    name, phase = step
    before: tuple[Step, ...] = ((name, _BEFORE[phase]),) if phase in _BEFORE else ()
    waits = () if phase == "exec" else nodes[name].stages.get(phase, StagePlan()).wait_for
    # A shared network namespace must be there first (core/clab.go, createNamespaceSharingDependency).
    lender: tuple[Step, ...] = (
        ((nodes[name].shares, "create"),) if phase == "create" and nodes[name].shares else ()
    )
    return (*before, *waits, *lender)


def ready(done: Collection[Step], nodes: Mapping[str, Node]) -> tuple[Step, ...]:
    """The steps that may begin now, all of one phase. Watches come only when nothing is left to act on."""
    free = [
        step for step in steps(nodes) if step not in done and all(need in done for need in needs(step, nodes))
    ]
    for phase in ACTS:
        now = tuple(step for step in free if step[1] == phase)
        if now:
            return now
    return tuple(free)


def cycle(nodes: Mapping[str, Node]) -> tuple[Step, ...]:
    """A circle of steps that wait for each other, closed by its first step; empty when there is none."""
    finished: set[Step] = set()

    def visit(step: Step, trail: tuple[Step, ...]) -> tuple[Step, ...]:
        if step in trail:
            return (*trail[trail.index(step) :], step)
        if step in finished:
            return ()
        for need in needs(step, nodes):
            found = visit(need, (*trail, step))
            if found:
                return found
        finished.add(step)
        return ()

    for step in steps(nodes):
        found = visit(step, ())
        if found:
            return found
    return ()
