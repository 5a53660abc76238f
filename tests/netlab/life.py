"""A lab's life from outside: up for as long as a block runs, or until somebody takes it down; then gone."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.netlab import interrupts, kernel, processes, state
from tests.netlab.errors import LabRunError, LabSetupError
from tests.netlab.lab import REPOSITORY, Lab, Say
from tests.netlab.topology import Topology

GONE_TIMEOUT = 60.0
"""Seconds for the kernel to end killed processes: one that waits for its lock of links must get it first."""


@contextlib.contextmanager
def running(topology: Topology, work: Path, say: Say, *, capture: bool = False) -> Iterator[Lab]:
    """The lab is up inside the block and gone after it, however the block or this process ends.

    Args:
        topology: the lab.
        work: gets a directory of the lab's name with its logs.
        say: hears how far things are.
        capture: capture every node's packets from the moment that it has links.

    Raises:
        LabError: it cannot be brought up, is in use, or is up already.

    """
    with state.held(topology.name):
        _refuse_second(topology.name, say)
        lab = Lab(topology, work, say)
        if capture:
            lab.capture_all()
        with _guarded(topology.name):
            try:
                lab.up()
                yield lab
            finally:
                _end(lab)


def bring_up(topology: Topology, work: Path, say: Say) -> Lab:
    """Bring a lab up that stays until `take_down`; what a failure leaves half made is taken away.

    Raises:
        LabError: it cannot be brought up, is in use, or is up already.

    """
    with state.held(topology.name):
        _refuse_second(topology.name, say)
        lab = Lab(topology, work, say)
        with _guarded(topology.name):
            try:
                lab.up()
                lab.keep()
            except BaseException:
                _end(lab)
                raise
        return lab


def _end(lab: Lab) -> None:
    with interrupts.ignored():
        lab.give_up()
        take_down(lab.topology.name)
        lab.collect()


def put_away(name: str) -> bool:
    """Take a lab down that is up on purpose, or that a killed run left behind; whether there was one.

    Raises:
        LabError: a run holds it, or something cannot be taken away.

    """
    with state.held(name), interrupts.ignored():
        there = state.read(name) is not None
        take_down(name)
    return there


def clean_after_killed_run(name: str) -> None:
    """Take away what a run left that was killed, or is about to end; a lab that is up on purpose stays.

    Raises:
        LabError: another run has begun, and cleans up itself; or something cannot be taken away.

    """
    known = state.read(name)
    if known is not None and not known.kept:
        processes.wait_until_gone([known.runner], GONE_TIMEOUT)
    with state.held(name):
        known = state.read(name)
        if known is None or not known.kept:
            take_down(name)


def take_down(name: str) -> None:
    """Take away everything that a lab of this name made, from its state alone.

    Raises:
        LabRunError: something cannot be taken away; it says what.

    """
    known = state.read(name)
    if known is None:
        state.forget(name)
        return
    victims = [pid for pid, start in known.pids if start and processes.start_time(pid) == start]
    for namespace in known.namespaces:
        victims += kernel.inhabitants(namespace)
    for pid in victims:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    left = processes.wait_until_gone(victims, GONE_TIMEOUT)
    kernel.batch((f"link del {link}" for link in known.links), force=True)
    kernel.batch((f"netns del {each}" for each in known.namespaces if kernel.exists(each)), force=True)
    remaining = [each for each in known.namespaces if kernel.exists(each)]
    if left or remaining:
        raise LabRunError(f"lab {name} is not gone: processes {left}, namespaces {remaining}")
    state.forget(name)


def _refuse_second(name: str, say: Say) -> None:
    """Take away what a killed run left behind; a lab that is up on purpose stays."""
    known = state.read(name)
    if known is None:
        return
    if known.kept:
        raise LabSetupError(f"lab {name} is up already: take it down first: make lab-down LAB={known.file}")
    say("  taking away what a killed run of this lab has left")
    take_down(name)


@contextlib.contextmanager
def _guarded(name: str) -> Iterator[None]:
    """Should this process be killed inside the block, or kept from cleaning up, another one does it."""
    down = [sys.executable, "-m", "tests.netlab", "down", "--after-killed-run", name]
    guards: list[subprocess.Popen[bytes]] = []
    try:
        with interrupts.deferred():
            guards.append(
                subprocess.Popen(
                    ["sh", "-c", 'read -r word; [ "$word" = done ] || exec "$@"', "guard", *down],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    cwd=REPOSITORY,
                    start_new_session=True,
                )
            )
        yield
    finally:
        with interrupts.ignored():
            known = state.read(name)
            clean = known is None or known.kept
            for guard in guards:
                assert guard.stdin is not None
                if clean:
                    guard.communicate(b"done\n")
                else:
                    guard.stdin.close()  # it begins once we have ended
