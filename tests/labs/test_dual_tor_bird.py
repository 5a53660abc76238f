"""The lab dual-tor with BIRD as the ToRs' routing program: the same expectations hold."""

import os

import pytest

from tests.netlab import judge, life, reading
from tests.netlab.images import REPOSITORY

pytestmark = pytest.mark.lab

FOLDER = REPOSITORY / "containerlab" / "dual-tor"


def test_what_the_lab_expects_holds_with_bird(tmp_path_factory: pytest.TempPathFactory) -> None:
    work = tmp_path_factory.mktemp("dual-tor-bird")
    topology = reading.read(FOLDER, reading.Options(work, {"TOR": "bird"}, name_prefix=f"tb{os.getpid()}-"))
    assert topology.nodes["tor1"].image == "bird"
    said: list[str] = []
    with life.running(topology, work, print) as lab:
        score = judge.judge(judge.read(FOLDER, topology.nodes), lab.nodes, said.append)
    assert score.failed == 0, "\n".join(said)
