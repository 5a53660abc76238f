"""Routers' own programs and our rules over generated configurations: good ones pass, broken ones do not."""

import re
import subprocess
import tempfile
from pathlib import Path

import pytest

from bgpnet.drivers.routers import frr
from bgpnet.drivers.routers.check import PROGRAMS, checked
from bgpnet.model.router import Neighbors, System
from bgpnet.model.routercheck import Verdict
from bgpnet.render.routers.diff import compared
from bgpnet.render.routers.difftext import commands
from bgpnet.render.routers.rendered import rendered
from bgpnet.render.routers.systems import TABLES
from tests.generated import EXAMPLES, REPOSITORY
from tests.labs.brokenrouters import BROKEN
from tests.unit.routerfacts import one, tor
from tests.unit.routervariants import variants

pytestmark = pytest.mark.lab

WITH_PROGRAM = sorted(PROGRAMS)


@pytest.mark.parametrize("system", sorted(TABLES))
@pytest.mark.parametrize("router", ["tor1", "tor2"])
def test_the_examples_are_accepted(system: System, router: str) -> None:
    file = EXAMPLES / system / f"{router}.{TABLES[system].suffix}"
    outcome = checked(file.name, system, router, file.read_text())
    assert outcome.findings == ()
    assert outcome.verdict is (Verdict.OK if system in PROGRAMS else Verdict.UNVERIFIED)


@pytest.mark.parametrize(
    "file",
    [
        "clos/configs/spine1/frr.conf",
        "dual-tor/configs/tor1/frr.conf",
        "dual-tor-bird/configs/tor1/bird.conf",
    ],
)
def test_what_a_router_has_of_its_own_beside_ours_is_no_fault(file: str) -> None:
    """Whole configurations of the labs: neighbours by address, `protocol device`."""
    system = System(Path(file).stem)
    text = (REPOSITORY / "containerlab" / file).read_text()
    assert checked(file, system, "", text).findings == ()


@pytest.mark.parametrize("system", sorted(TABLES))
def test_everything_that_can_be_rendered_is_accepted(system: System) -> None:
    made = list(variants(system))
    assert len(made) >= 5
    for text in made:
        outcome = checked("x", system, "tor1", text)
        assert outcome.findings == (), text


@pytest.mark.parametrize(
    ("system", "pattern", "instead"),
    [
        pytest.param(system, *change, id=f"{system}-{n}")
        for system, told in BROKEN.items()
        for n, change in enumerate(told)
    ],
)
def test_a_broken_template_is_caught(system: System, pattern: str, instead: str) -> None:
    text = (EXAMPLES / system / f"tor1.{TABLES[system].suffix}").read_text()
    broken, count = re.subn(pattern, instead, text, flags=re.MULTILINE | re.DOTALL)
    assert count, "the template has changed: this breaks nothing any more"
    outcome = checked("x", system, "tor1", broken)
    assert outcome.verdict is Verdict.WRONG


def test_ten_ways_to_break_each_system_are_tried() -> None:
    assert set(BROKEN) == set(TABLES)
    assert all(len(told) >= 10 for told in BROKEN.values())


def _frr(socket: Path, *lines: str) -> str:
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        done = subprocess.run(
            ["vtysh", "--vty_socket", socket, "-f", file.name], capture_output=True, text=True, check=False
        )
    return done.stdout + done.stderr


def _running(socket: Path) -> str:
    show = ["vtysh", "--vty_socket", str(socket), "-c", "show running-config"]
    return subprocess.run(show, capture_output=True, text=True, check=True).stdout


def test_the_commands_of_a_diff_bring_a_running_frr_to_what_is_wanted_and_the_rollback_back(
    tmp_path: Path,
) -> None:
    """From one router's configuration to the other's, as a rename of all objects would ask for, and away again."""
    table = TABLES[System.FRR]
    config = one(tor(neighbors=Neighbors.EACH))
    wanted = rendered(config)
    old = (
        rendered(one(tor()))
        .configuration.replace("K8S_TOR1", "K8S_OLD")
        .replace("timers 3 9", "timers 10 30")
    )
    own = "router bgp 65001\n neighbor 10.1.1.0 remote-as 65000\n neighbor 10.1.1.0 description uplink\nexit"
    with frr.scratch("/usr/lib/frr/bgpd", tmp_path) as socket:
        _frr(socket, own)
        before = _running(socket)
        _frr(socket, old)
        diff = compared(config, table, wanted.configuration, _running(socket))
        assert diff.changes
        said = _frr(socket, commands(diff.changes, table.running, table.grammar.language, table.comment))
        assert said == ""
        assert compared(config, table, wanted.configuration, _running(socket)).changes == ()
        assert "K8S_OLD" not in _running(socket)
        assert "neighbor 10.1.1.0 description uplink" in _running(socket)
        assert _frr(socket, wanted.rollback) == ""
        left = _running(socket)
    assert "K8S_" not in left
    assert set(before.splitlines()) <= set(left.splitlines())
