"""Zero loss over the death of any part of the speaker, on FRR and BIRD: the rig's cases.

A test run takes the quick ones; BGPNET_RIG=all takes all, in about seven minutes.
"""

import os
from pathlib import Path

import pytest

from tests.labs.restart import ALL, QUICK, Case, run

pytestmark = pytest.mark.lab

CASES = ALL if os.environ.get("BGPNET_RIG") == "all" else QUICK


@pytest.mark.parametrize("case", [case for case in CASES if case.graceful], ids=str)
def test_nothing_is_lost(case: Case, tmp_path: Path) -> None:
    """Pain point 2: graceful restart purges routes because End-of-RIB was sent before the replay."""
    outcome = run(case, tmp_path)
    assert 0 not in outcome.crossed, "the flows did not cross both ToRs, so nothing is proven"
    assert outcome.flapped == (case.ends_sessions,) * 2
    assert outcome.result.lost == 0, str(outcome)


@pytest.mark.parametrize("case", [case for case in CASES if not case.graceful], ids=str)
def test_without_graceful_restart_the_rig_sees_the_loss(case: Case, tmp_path: Path) -> None:
    """The control: what can be lost is lost, so that zero means something."""
    assert run(case, tmp_path).result.lost > 0
