"""What nodes say about each other: networks that are shared, stages that are waited for. Pure."""

from collections.abc import Mapping

from tests.netlab import images
from tests.netlab.stages import cycle
from tests.netlab.topofile import Stage
from tests.netlab.topology import Node
from tests.netlab.yamlfile import Findings, Path


def check(nodes: Mapping[str, Node], findings: Findings) -> None:
    """Complain about nodes that name others, or themselves, in vain."""
    for name, node in nodes.items():
        here = ("topology", "nodes", name)
        if node.shares and not (node.shares in nodes and nodes[node.shares].namespace_owner):
            remedy = "must be container: and the name of another node that has a network of its own"
            findings.complain((*here, "network-mode"), f"container:{node.shares}", remedy)
        for stage, plan in node.stages.items():
            place = (*here, "stages", stage)
            if stage in {"healthy", "exit"}:
                _check_wait(place, node, stage, findings)
            _check_early(place, node, stage, findings)
            for other, awaited in plan.wait_for:
                if other in nodes:
                    _check_wait((*place, "wait-for"), nodes[other], awaited, findings)
                else:
                    remedy = f"there is no such node: the nodes are {', '.join(nodes)}"
                    findings.complain((*place, "wait-for"), other, remedy)
    circle = () if findings else cycle(nodes)
    if circle:
        told = " -> ".join(f"{node}/{stage}" for node, stage in circle)
        remedy = "waits for itself: break the circle"
        findings.complain(("topology", "nodes", circle[0][0], "stages"), told, remedy)


def _check_early(place: Path, node: Node, stage: Stage, findings: Findings) -> None:
    for each in node.stages[stage].exec:
        if (stage, each.phase, each.target) == ("create", "on-enter", "container"):
            remedy = "the node is not there yet: use 'phase: on-exit' or 'target: host'"
            findings.complain((*place, "exec"), each.command, remedy)


def _check_wait(place: Path, other: Node, awaited: Stage, findings: Findings) -> None:
    name = other.name
    if not other.has_processes:
        findings.complain(place, name, f"a node of kind {other.kind} has no stages: wait for another")
    elif awaited == "healthy" and other.healthcheck is None:
        findings.complain(place, name, f"can never be healthy: give node {name} a healthcheck")
    elif awaited == "exit" and not _runs_program(other):
        findings.complain(place, name, f"can never exit, as it runs no program: give node {name} a cmd")


def _runs_program(node: Node) -> bool:
    image = images.find(node.image)
    return bool(node.entrypoint or node.cmd or (image is not None and image.command))
