"""Faults of processes and sessions of node1.

Each is a block: inside it the fault is there and has been noticed, after it, it is mended.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

from tests.faults.fabric import BACK, HOLD, PATIENCE, Fabric
from tests.faults.setup import KEY_FILE
from tests.netlab import demo, faults
from tests.netlab.node import RunningNode

AWAY: Final = 3.0
"""Seconds until a container that was killed is started again."""


@contextmanager
def agent_killed(fabric: Fabric) -> Iterator[float]:
    """The agent is killed and comes back after 3 s."""
    with _killed(fabric, "agent"):
        yield 0


@contextmanager
def exabgp_killed(fabric: Fabric) -> Iterator[float]:
    """ExaBGP is killed; its supervisor starts it again."""
    faults.kill(fabric.node, "exabgp")
    time.sleep(BACK)
    fabric.settle()
    yield 0


@contextmanager
def speaker_container_killed(fabric: Fabric) -> Iterator[float]:
    """Supervisor, ExaBGP and relay are killed at once and come back after 3 s; BFD's container goes on."""
    with _killed(fabric, "speaker", "exabgp", "relay"):
        yield 0


@contextmanager
def agent_and_speaker_killed(fabric: Fabric) -> Iterator[float]:
    """The agent and the whole container of the speaker are killed at once and come back after 3 s."""
    with _killed(fabric, "agent", "speaker", "exabgp", "relay"):
        yield 0


@contextmanager
def bfd_killed(fabric: Fabric) -> Iterator[float]:
    """BFD is killed; who keeps it starts it again at once."""
    faults.kill(fabric.node, "bfd")
    faults.until("bfd is back", partial(_is_new, fabric.node, "bfd", 0), PATIENCE)
    time.sleep(BACK)
    fabric.settle()
    yield 0


@contextmanager
def _killed(fabric: Fabric, *roles: str) -> Iterator[None]:
    with faults.stopped(fabric.node, "node"):
        faults.kill(fabric.node, *roles)
        time.sleep(AWAY)
    for role in roles:
        faults.until(f"{role} is back", partial(_is_new, fabric.node, role, 0), PATIENCE)
    time.sleep(BACK)
    fabric.settle()
    yield


@contextmanager
def upgrade_agent_then_speaker(fabric: Fabric) -> Iterator[float]:
    """Agent, then speaker and BFD end by SIGTERM and are started anew."""
    _restart(fabric, "agent", "speaker", "bfd")
    yield 0


@contextmanager
def upgrade_speaker_then_agent(fabric: Fabric) -> Iterator[float]:
    """Speaker and BFD, then the agent end by SIGTERM and are started anew."""
    _restart(fabric, "speaker", "bfd", "agent")
    yield 0


def _restart(fabric: Fabric, *roles: str) -> None:
    for role in roles:
        (old,) = faults.having(fabric.node, role)
        os.kill(old.pid, signal.SIGTERM)
        faults.until(f"a new {role}", partial(_is_new, fabric.node, role, old.pid), PATIENCE)
        time.sleep(BACK)
        fabric.settle()


def _is_new(node: RunningNode, role: str, old: int) -> bool:
    return any(each.pid != old for each in faults.having(node, role))


@contextmanager
def wrong_md5_key(fabric: Fabric) -> Iterator[float]:
    """The nodes get a key for tor1 that tor1 does not have."""
    fabric.add_key("not-the-key-of-tor1")
    fabric.edit("11-tor1.yaml", "  accept:\n", f"  passwordFile: {KEY_FILE}\n  accept:\n")
    try:
        _wait_without_tor1(fabric)
        yield 0
    finally:
        fabric.edit("11-tor1.yaml", f"  passwordFile: {KEY_FILE}\n", "")


@contextmanager
def max_prefix_hit(fabric: Fabric) -> Iterator[float]:
    """Tor1 announces one prefix more than node1 allows it, a block of node2."""
    fabric.edit("11-tor1.yaml", "  accept:\n", "  maxPrefix: 2\n  accept:\n")
    try:
        time.sleep(BACK)
        fabric.edit("22-node2.yaml", "[10.244.2.0/26]", "[10.244.2.0/26, 10.244.9.0/26]")
        _wait_without_tor1(fabric)
        yield 0
    finally:
        fabric.edit("22-node2.yaml", ", 10.244.9.0/26]", "]")
        fabric.edit("11-tor1.yaml", "  maxPrefix: 2\n", "")


def _wait_without_tor1(fabric: Fabric) -> None:
    faults.until("node1 is without tor1", lambda: not demo.ecmp(fabric.node, "192.0.2.0/24"), PATIENCE)
    time.sleep(HOLD)
