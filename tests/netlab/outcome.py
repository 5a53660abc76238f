"""What a run leaves behind to read: the nodes' tables, their routers' words, the checks' results."""

import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from tests.netlab import images
from tests.netlab.errors import LabRunError
from tests.netlab.judge import Score
from tests.netlab.node import RunningNode

RESULT = "result.json"
ASK_TIMEOUT = 10.0
"""Seconds for one question."""

KERNEL: Mapping[str, tuple[str, ...]] = {
    "links.json": ("ip", "-d", "-s", "-j", "-p", "link"),
    "addresses.json": ("ip", "-j", "-p", "address"),
    "routes.json": ("ip", "-4", "-d", "-j", "-p", "route", "show", "table", "all"),
    "routes6.json": ("ip", "-6", "-d", "-j", "-p", "route", "show", "table", "all"),
    "nexthops.json": ("ip", "-d", "-j", "-p", "nexthop"),
    "neighbours.json": ("ip", "-d", "-j", "-p", "neighbour"),
}
"""The kernel's tables of a node or pod, by file."""

ROUTERS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "frr": {
        "running-config.txt": ("vtysh", "-c", "show running-config"),
        "bgp-summary.json": ("vtysh", "-c", "show bgp summary json"),
        "bgp-neighbours.json": ("vtysh", "-c", "show bgp neighbors json"),
        "bgp-ipv4.json": ("vtysh", "-c", "show bgp ipv4 unicast json"),
        "bgp-ipv6.json": ("vtysh", "-c", "show bgp ipv6 unicast json"),
        "zebra-routes.json": ("vtysh", "-c", "show ip route json"),
    },
    "bird": {
        "protocols.txt": ("birdc", "show protocols all"),
        "bird-routes.txt": ("birdc", "show route all"),
    },
    "openbgpd": {
        "bgp-summary.json": ("bgpctl", "-j", "show", "summary"),
        "bgp-rib.json": ("bgpctl", "-j", "show", "rib", "detail"),
        "bgp-rib-in.json": ("bgpctl", "-j", "show", "rib", "in", "detail"),
    },
    "gobgp": {
        "bgp-neighbours.json": ("gobgp", "-j", "neighbor"),
        "bgp-rib.json": ("gobgp", "-j", "global", "rib"),
    },
    "bgpnet": {"status.json": ("bgpnet", "status", "-o", "json")},
}
"""What an image's program says of itself, by file."""


def collect(nodes: Iterable[RunningNode], work: Path) -> None:
    """Write every node's tables below `work`/NODE/, its pods' below `work`/NODE/POD/.

    A question that is not answered leaves the reason in the file: this must not hide what a run has found.
    """
    with ThreadPoolExecutor() as pool:
        for future in [pool.submit(_ask_node, node, work / node.name) for node in nodes]:
            future.result()


def write(work: Path, lab: str, folder: Path, score: Score) -> None:
    """Write result.json."""
    work.mkdir(parents=True, exist_ok=True)
    told = {
        "lab": lab,
        "folder": str(folder),
        "passed": score.passed,
        "failed": score.failed,
        "checks": [asdict(result) for result in score.results],
    }
    (work / RESULT).write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def _ask_node(node: RunningNode, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for name, argv in {**KERNEL, **ROUTERS.get(images.key(node.image), {})}.items():
        (folder / name).write_text(_answer(node, argv), encoding="utf-8")
    (folder / "processes.txt").write_text(
        "".join(f"{process.pid} {' '.join(process.argv)}\n" for process in node.processes()), encoding="utf-8"
    )
    for pod in _pods(node):
        (folder / pod).mkdir(exist_ok=True)
        for name, argv in KERNEL.items():
            (folder / pod / name).write_text(_answer(node, argv, pod), encoding="utf-8")


def _pods(node: RunningNode) -> list[str]:
    """Names of the network namespaces that were made inside the node."""
    try:
        done = node.run("ip", "-j", "netns", "list", timeout=ASK_TIMEOUT)
    except LabRunError:
        return []
    return [str(entry["name"]) for entry in json.loads(done.stdout or "[]")] if done.code == 0 else []


def _answer(node: RunningNode, argv: tuple[str, ...], pod: str = "") -> str:
    try:
        done = node.run(*argv, pod=pod, timeout=ASK_TIMEOUT)
    except LabRunError as error:
        return f"{error}\n"
    return done.stdout if done.code == 0 else f"exit code {done.code}: {done.stderr or done.stdout}\n"
