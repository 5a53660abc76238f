"""A ToR whose bgpd restarts gracefully, judged by its kernel: what it has routes to it has all the time."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import generated
from tests.netlab import demo, faults, life, reading
from tests.netlab.lab import REPOSITORY, Lab
from tests.netlab.node import RunningNode

pytestmark = pytest.mark.lab

FOLDER = REPOSITORY / "tests" / "labs" / "restarting"
ROUTES = {"10.244.1.0/26": "10.0.1.11", "10.244.2.0/26": "10.0.1.12", "192.0.2.0/24": "10.1.1.0"}
"""What the ToR has from node1, node2 and the leaf."""
START = "/usr/lib/frr/bgpd -d -A 127.0.0.1 --log file:/var/log/node.log && vtysh -b"
MARK = "203.0.113.1"


@pytest.fixture
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The lab, up since seconds."""
    work = tmp_path_factory.mktemp("restarting")
    folder = shutil.copytree(FOLDER, work / "lab")
    for path, text in generated.routers_of_lab(folder / "configs" / "manifests"):
        path.write_text(text, encoding="utf-8")
    options = reading.Options(work / "out", os.environ, name_prefix=f"re{os.getpid()}-")
    with life.running(reading.read(folder, options), work / "out", print) as up:
        demo.until("the ToR has every route", lambda: selected(up.node("tor")) == ROUTES)
        demo.until("its kernel too", lambda: installed(up.node("tor")) == ROUTES)
        yield up


def selected(tor: RunningNode) -> dict[str, str]:
    """Next hops of the paths that bgpd has chosen; none are while it waits for End-of-RIB."""
    told = tor.run("vtysh", "-c", "show bgp ipv4 unicast json").stdout
    paths = json.loads(told).get("routes", {}) if told.startswith("{") else {}
    return {
        prefix: path["nexthops"][0]["ip"]
        for prefix, those in paths.items()
        for path in those
        if path.get("bestpath")
    }


def installed(tor: RunningNode) -> dict[str, str]:
    """Next hops of the kernel's routes to the same."""
    routes = tor.ip_json("route", "show")
    return {route["dst"]: route.get("gateway", "") for route in routes if route["dst"] in ROUTES}


@contextmanager
def watched(tor: RunningNode, told: Path) -> Iterator[None]:
    """Inside the block the kernel's changes of routes are written down, all of them at its end."""
    with told.open("wb") as out:
        argv = ["nsenter", f"--net=/proc/{tor.pid}/ns/net", "--", "ip", "monitor", "route"]
        process = subprocess.Popen(argv, stdout=out, stdin=subprocess.DEVNULL)
    try:
        _mark(tor, told, "add", MARK)
        yield
        _mark(tor, told, "del", f"Deleted blackhole {MARK}")
    finally:
        process.kill()
        process.wait()


def _mark(tor: RunningNode, told: Path, verb: str, word: str) -> None:
    """Change a route until it is seen: the monitor may not have been there yet."""

    def seen() -> bool:
        tor.run("ip", "route", verb, "blackhole", MARK)
        if verb == "add" and word not in told.read_text():
            tor.run("ip", "route", "del", "blackhole", MARK)
        return word in told.read_text()

    demo.until(f"the monitor shows that a route was {verb}ed", seen)


def test_a_tor_restarts_in_a_young_fabric_while_a_node_is_new(lab: Lab, tmp_path: Path) -> None:
    """Pain point 2, the other way round: FRR deletes what it keeps as soon as its neighbours let it.

    They do when all that are up have sent End-of-RIB, though others are not back yet, and when one says that
    it has restarted, as a node with a new speaker could.
    """
    tor, told = lab.node("tor"), tmp_path / "routes"
    with watched(tor, told):
        faults.kill(tor, "bgpd")
        faults.kill(lab.node("node2"), "exabgp")
        tor.run("sh", "-c", START).checked(START)
        demo.until("bgpd has chosen paths again", lambda: selected(tor) == ROUTES)
    lost = [line for line in told.read_text().splitlines() if line.startswith("Deleted") and MARK not in line]
    assert not lost
    assert installed(tor) == ROUTES
