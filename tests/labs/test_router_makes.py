"""The labs of each make of router: what their expect.yml says, judged by the router's own tool."""

import os

import pytest

from tests.netlab import judge, life, reading
from tests.netlab.images import REPOSITORY

pytestmark = pytest.mark.lab


@pytest.mark.parametrize("name", ["frr", "bird", "openbgpd", "gobgp-rs"])
def test_what_the_lab_expects_holds(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder, work = REPOSITORY / "containerlab" / name, tmp_path_factory.mktemp(name)
    topology = reading.read(folder, reading.Options(work, {}, name_prefix=f"r{name[0]}{os.getpid()}-"))
    said: list[str] = []
    with life.running(topology, work, print) as lab:
        score = judge.judge(judge.read(folder, topology.nodes), lab.nodes, said.append)
    assert score.failed == 0, "\n".join(said)
