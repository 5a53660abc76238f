"""The labs with generated routers: what their expect.yml says holds, and how soon the first packet passes."""

import os
import time
from pathlib import Path

import pytest

from tests.netlab import judge, life, reading
from tests.netlab.images import REPOSITORY

pytestmark = pytest.mark.lab


@pytest.mark.parametrize("name", ["dual-tor-bird", "mixed-tor", "clos"])
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
    assert not failed, "\n".join(said)
    if name == "clos":
        assert first_packet <= 30, "from nothing to the first packet"
