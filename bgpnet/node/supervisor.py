"""The supervisor of a node without Kubernetes: agent, CNI server and speaker under one process.

Each is started again alone when it dies, so that none takes another along: a dead agent leaves the sessions
and the pods' network alone. All die with this process, whatever kills it, as with a container.
"""

import logging
import select
import signal
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bgpnet.drivers import process

_log = logging.getLogger(__name__)

FAREWELL: Final = 10.0
"""Seconds that the children have to end after SIGTERM; the speaker's own limit for ExaBGP is 3 s."""

_EXIT_USAGE: Final = 2
"""Exit code of a child whose command line or settings are wrong: starting it again cannot help."""


@dataclass(frozen=True, slots=True)
class Child:
    """One process of the node: its name and the arguments of the `bgpnet` command."""

    name: str
    arguments: Sequence[str]


def run(children: Sequence[Child], program: Sequence[str] = ()) -> int:
    """Keep the children running until SIGTERM or SIGINT.

    Args:
        children: started in this order.
        program: what runs them; by default this very `bgpnet`, wherever it is installed.

    Returns:
        0: stopped as asked. 1: a child had to be killed for it. 2: a child says its settings are wrong.
    """
    program = program or _own_program()
    keepers = [process.Keeper(process.Child(child.name, (*program, *child.arguments))) for child in children]
    with process.signals() as wakeup:
        while True:
            now = time.monotonic()
            due = min((_start(keeper, now) for keeper in keepers if keeper.pid is None), default=now + 60.0)
            select.select([wakeup], [], [], max(0.0, due - now))
            if process.received(wakeup) & {signal.SIGTERM, signal.SIGINT}:
                return _stop(keepers, wakeup)
            if _EXIT_USAGE in _bury(keepers):
                _stop(keepers, wakeup)
                return _EXIT_USAGE


def _own_program() -> tuple[str, ...]:
    script = Path(sys.argv[0]).resolve()
    itself = (str(script),) if script.name == "bgpnet" else ("-P", "-m", "bgpnet")
    return (sys.executable, *itself)


def _start(keeper: process.Keeper, now: float) -> float:
    """Start a child when it is due; when it will be, or a minute from now."""
    if keeper.due is None or now < keeper.due:
        return now + 60.0 if keeper.due is None else keeper.due
    pid = process.spawn(keeper.child)
    keeper.start(pid, now)
    _log.info("child started name=%s pid=%d restarts=%d", keeper.child.name, pid, keeper.restarts)
    return now + 60.0


def _bury(keepers: Sequence[process.Keeper]) -> list[int]:
    """Take note of the children that have ended; their exit codes."""
    codes = []
    for pid, code in process.reap():
        for keeper in keepers:
            if keeper.pid == pid:
                keeper.end(time.monotonic())
                codes.append(code)
                _log.warning(
                    "child ended name=%s pid=%d cause=%r", keeper.child.name, pid, process.cause(code)
                )
    return codes


def _stop(keepers: Sequence[process.Keeper], wakeup: socket.socket) -> int:
    """End all children: SIGTERM, a bounded wait, SIGKILL."""
    for keeper in keepers:
        process.tell(keeper.pid, signal.SIGTERM)
    limit = time.monotonic() + FAREWELL
    killed = 0
    while any(keeper.pid is not None for keeper in keepers):
        left = limit - time.monotonic()
        if left <= 0.0:
            for keeper in keepers:
                if keeper.pid is not None and not killed:
                    _log.error("child had to be killed name=%s pid=%d", keeper.child.name, keeper.pid)
                process.tell(keeper.pid, signal.SIGKILL)
            killed = 1
        select.select([wakeup], [], [], max(0.05, left))
        process.received(wakeup)
        for pid, _ in process.reap():
            for keeper in keepers:
                if keeper.pid == pid:
                    keeper.end(time.monotonic())
    return killed
