"""The labs with generated routers: what their expect.yml says holds, and how soon the first packet passes."""

import os
import time
from pathlib import Path
from tempfile import NamedTemporaryFile

import pytest

from bgpnet.cli import main
from tests.netlab import demo, judge, life, reading
from tests.netlab.images import REPOSITORY
from tests.netlab.lab import Lab

pytestmark = pytest.mark.lab


def the_running_configuration_is_what_was_generated(lab: Lab) -> None:
    """By the router's own word, after it ran: no line differs, and nothing of its own part is ours."""
    for name in ("tor11", "tor22"):
        running = lab.node(name).run("vtysh", "-c", "show running-config").stdout
        with NamedTemporaryFile("w", suffix=".conf") as file:
            file.write(running)
            file.flush()
            manifests = str(REPOSITORY / "containerlab" / "clos" / "configs" / "manifests")
            assert main(["routers", "diff", manifests, "--router", name, "--running", file.name]) == 0


def the_default_route_goes_with_the_prefix_that_it_is_tied_to(lab: Lab) -> None:
    def told() -> bool:
        return bool(lab.node("node1").run("ip", "route", "show", "default", "proto", "179").stdout)

    assert told()
    for words, wanted in (("no network", False), ("network", True)):
        lines = (
            "configure terminal",
            "router bgp 65001",
            "address-family ipv4 unicast",
            f"{words} 198.51.100.0/24",
        )
        lab.node("router").run("vtysh", *(word for line in lines for word in ("-c", line))).checked("vtysh")
        demo.until(f"the default route after `{words}`", lambda wanted=wanted: told() is wanted)  # type: ignore[misc]


EXTRA = {
    "clos": the_running_configuration_is_what_was_generated,
    "single-router": the_default_route_goes_with_the_prefix_that_it_is_tied_to,
}


@pytest.mark.parametrize("name", ["dual-tor-bird", "mixed-tor", "clos", "single-router"])
def test_what_the_lab_expects_holds(name: str, tmp_path: Path) -> None:
    folder = REPOSITORY / "containerlab" / name
    topology = reading.read(folder, reading.Options(tmp_path, os.environ, name_prefix=f"lg{os.getpid()}-"))
    said: list[str] = []
    started = time.monotonic()
    with life.running(topology, tmp_path, print) as lab:
        results = judge.verdicts(judge.read(folder, topology.nodes), lab.nodes, said.append)
        first = next(results)
        first_packet = time.monotonic() - started
        failed = [result for result in (first, *results) if not result.holds]
        if not failed and name in EXTRA:
            EXTRA[name](lab)
    assert not failed, "\n".join(said)
    if name == "clos":
        assert first_packet <= 30, "from nothing to the first packet"
