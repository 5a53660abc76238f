"""Pods on both nodes at once, one by our plug-in and one by the reference: neighbours slow both alike."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from tests.cluster.controlplane import until
from tests.cluster.rig import effort, podimage, settings
from tests.cluster.rig.cluster import NODES
from tests.cluster.rig.installed import Installed

FIRST: Final = "/etc/cni/net.d/00-race.conflist"
"""The runtime takes the first by name, so ours is out of force while this is there."""

SUBNETS: Final = ("10.245.0.0/24", "fd00:245::/112")
"""Of each family one: pods get as many addresses as from ours."""

LEFT: Final = "/var/lib/cni/networks/race"
"""What host-local leaves behind: the address that it gave last."""

PATIENCE: Final = 400.0
"""Seconds for hundreds of pods, beside busy neighbours."""


@dataclass(frozen=True)
class Race:
    """Seconds until the pods of each node were Ready, and what ours took of the processors."""

    ours: float
    theirs: float
    work: float
    """How many times the processors' time of the other node that of ours was."""
    share: float
    """The part of our processes, but the shim, in all that the pods of a node cost the cluster."""

    @property
    def ratio(self) -> float:
        """How many times the reference's time ours was."""
        return self.ours / self.theirs


def race(running: Installed, ours: str, count: int) -> Race:
    """So many pods on each node; on `ours` by our plug-in. They go again.

    Each node has half of the processors while both want them: their cgroups have the same weight.
    """
    (theirs,) = set(NODES) - {ours}
    with _reference_on(running, theirs):
        _start(running, "warm", 1)
        assert [_ours(running, name) for name in (ours, theirs)] == [1, 0], "the runtime reads FIRST late"
        _end(running, "warm")
        began, used = effort.now(running.on), effort.of_ours(running.on.machines[ours])
        before = _work(running)
        seconds = _start(running, "race", count)
        work = {name: now - before[name] for name, now in _work(running).items()}
        used = effort.of_ours(running.on.machines[ours]) - used
        taken = effort.now(running.on) - began
        assert [_ours(running, name) for name in (ours, theirs)] == [count, 0]
        _end(running, "race")
    return Race(seconds[ours], seconds[theirs], work[ours] / work[theirs], used / (taken.own / len(NODES)))


@contextmanager
def _reference_on(running: Installed, name: str) -> Iterator[None]:
    machine = running.on.machines[name]
    machine.write(FIRST, json.dumps(json.loads(settings.ptp(*SUBNETS)) | {"name": "race"}))
    try:
        yield
    finally:
        machine.node.run("rm", "-rf", FIRST, LEFT).checked(f"{name}: rm")


def _start(running: Installed, app: str, count: int) -> dict[str, float]:
    """Seconds until each node's pods were Ready."""
    apps = {name: f"{app}-{name}" for name in NODES}
    began = effort.now(running.on)
    running.on.apply(*(podimage.deployment(apps[name], count, nodeName=name) for name in NODES))
    done: dict[str, float] = {}

    def look() -> bool:
        for name in NODES:
            if name not in done and running.on.ready_pods(apps[name], count):
                done[name] = (effort.now(running.on) - began).seconds
        return len(done) == len(NODES)

    until(look, f"{count} pods of {app} are Ready on each node", running.log, PATIENCE)
    return done


def _work(running: Installed) -> dict[str, float]:
    """Seconds of processors that each node has used."""
    return {name: machine.processor_seconds() for name, machine in running.on.machines.items()}


def _end(running: Installed, app: str) -> None:
    for name in NODES:
        running.unweb(f"{app}-{name}", PATIENCE)


def _ours(running: Installed, name: str) -> int:
    """How many pods of a node have a link of ours."""
    links = running.on.machines[name].node.run("ip", "-j", "link").checked("ip link").stdout
    return sum(each["ifname"].startswith("bgp") for each in json.loads(links))
