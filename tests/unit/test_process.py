"""Children: delays, spawning, reaping, death of the parent."""

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bgpnet.drivers import process
from bgpnet.drivers.process import FIRST_DELAY, LONGEST_DELAY, STEADY, Child, Keeper


def test_the_first_death_is_answered_at_once() -> None:
    keeper = Keeper(Child("x", ("true",)))
    assert keeper.due == 0.0
    keeper.start(7, 100.0)
    assert (keeper.pid, keeper.restarts) == (7, 0)
    keeper.end(100.1)
    assert (keeper.pid, keeper.due) == (None, 100.1)


def test_deaths_at_once_are_answered_ever_later_up_to_a_bound() -> None:
    keeper = Keeper(Child("x", ("true",)))
    now, delays = 0.0, []
    for _ in range(12):
        keeper.start(7, now)
        now += 0.01
        keeper.end(now)
        assert keeper.due is not None
        delays.append(round(keeper.due - now, 6))
        now = keeper.due
    assert delays[:4] == [0.0, FIRST_DELAY, 2 * FIRST_DELAY, 4 * FIRST_DELAY]
    assert delays[-1] == LONGEST_DELAY
    assert keeper.restarts == 11


def test_a_steady_life_is_forgiven_everything() -> None:
    keeper = Keeper(Child("x", ("true",)))
    for _ in range(5):
        keeper.start(7, 0.0)
        keeper.end(0.1)
    keeper.start(7, 10.0)
    keeper.end(10.0 + STEADY)
    assert keeper.due == 10.0 + STEADY


def ended(pid: int) -> int:
    """The exit code of a child, by the kernel's own notice."""
    descriptor = os.pidfd_open(pid)
    try:
        assert select.select([descriptor], [], [], 5)[0]
    finally:
        os.close(descriptor)
    return dict(process.reap())[pid]


def test_a_child_has_its_environment_and_its_output_goes_where_it_was_told() -> None:
    reader, writer = os.pipe()
    child = Child("env", ("env",), {"PATH": os.environ["PATH"], "WHO": "me"})
    pid = process.spawn(child, writer)
    os.close(writer)
    assert ended(pid) == 0
    with os.fdopen(reader) as output:
        assert sorted(output.read().split()) == sorted(
            [f"PATH={os.environ['PATH']}", "WHO=me", f"BGPNET_PARENT={os.getpid()}"]
        )


def test_signals_ignored_by_the_parent_are_not_ignored_by_the_child() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        pid = process.spawn(Child("sleep", ("sleep", "60")))
        process.tell(pid, signal.SIGTERM)
        assert ended(pid) == -signal.SIGTERM
    finally:
        signal.signal(signal.SIGTERM, before)
    assert process.cause(-signal.SIGTERM) == "signal SIGTERM"


def test_a_program_that_is_not_there_shows_as_a_death() -> None:
    assert ended(process.spawn(Child("none", ("/nowhere/none",)))) == 127


def test_without_setpriv_it_works_and_warns(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "env").symlink_to("/usr/bin/env")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ended(process.spawn(Child("true", ("/bin/true",)))) == 0


def test_children_that_are_nobodys_business_are_reaped_too() -> None:
    pid = os.posix_spawn("/bin/true", ["true"], {})
    assert ended(pid) == 0
    assert process.reap() == []


PARENT = """
import sys, time
from bgpnet.drivers.process import Child, spawn
print(spawn(Child("sleep", ("sleep", "60"))), flush=True)
time.sleep(60)
"""


def test_a_killed_parent_takes_its_child_along() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        descriptor = os.pidfd_open(int(parent.stdout.readline()))
        end = time.monotonic() + 5
        while b"sleep" not in _command(descriptor) and time.monotonic() < end:
            time.sleep(0.002)  # setpriv has told the kernel before it becomes sleep
        parent.kill()
        assert select.select([descriptor], [], [], 5)[0]
        os.close(descriptor)


def _command(pidfd: int) -> bytes:
    for line in Path(f"/proc/self/fdinfo/{pidfd}").read_text().splitlines():
        if line.startswith("Pid:"):
            return Path(f"/proc/{line.split()[1]}/comm").read_bytes()
    return b""


def test_signals_wake_a_loop() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with process.signals() as wakeup:
        assert process.received(wakeup) == set()
        os.kill(os.getpid(), signal.SIGTERM)
        assert select.select([wakeup], [], [], 5)[0]
        assert process.received(wakeup) == {signal.SIGTERM}
    assert signal.getsignal(signal.SIGTERM) is before


ORPHANAGE = """
import os, signal, sys
from bgpnet.drivers import process
child = process.Child("child", (sys.executable, "-c", sys.argv[1]))
print(process.spawn(child), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""

CHILD = """
import time
from bgpnet.drivers import process
if not process.orphaned():
    time.sleep(60)
"""


def test_a_child_whose_parent_died_before_their_bond_was_made_ends_by_itself(tmp_path: Path) -> None:
    """The parent dies while `setpriv` has yet to ask the kernel to tell of its death."""
    slow = tmp_path / "setpriv"
    slow.write_text(f'#!/bin/sh\nsleep 0.3\nexec {shutil.which("setpriv")} "$@"\n', encoding="utf-8")
    slow.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    argv = [sys.executable, "-c", ORPHANAGE, CHILD]
    with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        descriptor = os.pidfd_open(int(parent.stdout.readline()))
    try:
        assert select.select([descriptor], [], [], 10)[0], "the child lives on"
    finally:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        os.close(descriptor)
