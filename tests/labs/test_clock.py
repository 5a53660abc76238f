"""The node's clock is set, an hour forward and two back: sessions, routes and pods do not notice."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.labs.roughrack import RoughRack, never_without, rough_rack, until
from tests.netlab import faults, footprint
from tests.steppedclock import Clock

pytestmark = pytest.mark.lab

STEP = "/etc/clock-step"
HOUR = 3600
HOLD = 9.0
"""Seconds of hold time; a sender whose timers follow the wall would be silent for an hour."""


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Clock:
    return Clock(tmp_path_factory.mktemp("clock"), STEP)


@pytest.fixture(scope="module")
def rack(clock: Clock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RoughRack]:
    with rough_rack(tmp_path_factory.mktemp("stepped"), binds=clock.binds(STEP)) as rack:
        yield rack


def test_a_clock_that_is_set_ends_no_session_and_loses_no_route(rack: RoughRack, clock: Clock) -> None:
    rack.settled()
    for role in footprint.ROLES:
        for process in faults.having(rack.node, role):
            assert "clock.so" in Path(f"/proc/{process.pid}/maps").read_text(encoding="utf-8"), role
    before, edited = rack.up_since(), rack.manifests / "21-node1.yaml"
    text = edited.read_text(encoding="utf-8")
    with never_without(rack):
        for step, patience in ((HOUR, 3.0), (-HOUR, HOLD + 1.5)):
            clock.set(step)
            begun = time.monotonic()
            told = int(rack.node.run("date", "+%s").checked("date").stdout)
            assert abs(told - step - time.time()) < HOUR / 2
            rack.node.run("pod", "add", "pod1").checked("pod add")
            rack.node.run("pod", "del", "pod1").checked("pod del")
            block = f"10.244.{2 if step > 0 else 3}.0/26"
            more = text.replace("[10.244.1.0/26]", f"[10.244.1.0/26, {block}]")
            edited.write_text(more, encoding="utf-8")
            until(lambda block=block: bool(rack.ways(block, on="tor")), "a new prefix is announced")  # type: ignore[misc]
            edited.write_text(text, encoding="utf-8")
            time.sleep(max(0.0, begun + patience - time.monotonic()))
            assert rack.same_sessions(before), f"after a step of {step} s"
            assert rack.fine()
        clock.set(0)
    assert all(session["flaps"] == 0 for session in rack.status()["sessions"])
    assert "exabgp ended" not in rack.log(), "the watchdog took it for frozen"
