"""The lab `watched`: what a node and its two ToRs say of each other, by BFD and by BGP."""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tests.netlab import demo, faults, life, reading
from tests.netlab.lab import REPOSITORY, Lab

FOLDER: Final = REPOSITORY / "tests" / "labs" / "watched"
TORS: Final = {"frr": "10.0.1.1", "bird": "10.0.2.1"}
NODE: Final = {"frr": "10.0.1.11", "bird": "10.0.2.11"}
LINKS: Final = {"frr": "eth1", "bird": "eth2"}
BLOCK: Final = "10.244.1.0/26"
LEARNED: Final = "192.0.2.0/24"

QUIET: Final = 1.0
"""Seconds for which a BGP session has to be up: FRR sets its BFD session up anew once BGP has come up."""


class Near(float):
    """A number that equals others within a tenth."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, float) and abs(self - other) < 0.1

    def __hash__(self) -> int:
        return 0


class Watched:
    """The lab, up."""

    def __init__(self, lab: Lab, manifests: Path) -> None:
        self.lab, self.manifests = lab, manifests
        self.node = lab.node("node1")

    def peers(self) -> dict[str, Any]:
        """`bgpnet peers -o json`, by ToR; none while the agent does not answer."""
        told = self.node.run(demo.BGPNET, "peers", "-o", "json").stdout
        peers = json.loads(told)["peers"] if told else []
        return {peer["object"].partition("/")[2]: peer for peer in peers}

    def bfd(self, tor: str) -> dict[str, Any]:
        return dict(self.peers()[tor]["bfd"])

    def configure(self, tor: str, bfd: str) -> None:
        """Write another `spec.bfd`."""
        name = {"frr": "11-frr.yaml", "bird": "12-bird.yaml"}[tor]
        text = (FOLDER / "configs" / "manifests" / name).read_text()
        (self.manifests / name).write_text(text.replace("bfd: {}", f"bfd: {bfd}"))

    def hops(self) -> set[str]:
        """Gateways of the node's route to what the ToRs announce."""
        found = self.node.ip_json("route", "show", LEARNED)
        hops = [hop for route in found for hop in route.get("nexthops", [route])]
        return {hop["gateway"] for hop in hops if "gateway" in hop}

    def has_route(self, tor: str) -> bool:
        """Whether the ToR's kernel has a route to the node's pods."""
        return bool(self.lab.node(tor).ip_json("route", "show", BLOCK))

    def vtysh(self, command: str) -> Any:  # noqa: ANN401 - FRR's JSON
        return json.loads(self.lab.node("frr").run("vtysh", "-c", f"{command} json").stdout or "{}")

    def frr_bfd(self) -> dict[str, Any]:
        (session,) = self.vtysh("show bfd peers")
        return dict(session)

    def bird_bfd(self) -> list[str]:
        """State, since, interval, timeout."""
        shown = self.lab.node("bird").run("birdc", "show", "bfd", "sessions").stdout
        return next(line for line in shown.splitlines() if line.startswith(NODE["bird"])).split()[2:]

    def lives(self) -> tuple[Any, ...]:
        """What is another one once a ToR has lost its BFD session with the node."""
        (counters,) = self.vtysh("show bfd peers counters")
        state, since, *_ = self.bird_bfd()
        # BIRD works its moment out anew each time, and it may differ by a millisecond.
        at = datetime.strptime(since, "%H:%M:%S.%f").replace(tzinfo=UTC)
        return (self.frr_bfd()["id"], counters["session-down"], state, Near(at.timestamp()))

    def settled(self) -> None:
        """BFD and BGP up everywhere for a while, and every route there."""
        faults.until("all sessions are up, and watched", self._quiet, 40.0)

    def _quiet(self) -> bool:
        now, peers = time.time(), self.peers()
        return (
            len(peers) == len(TORS)
            and all(
                peer["bfd"]["state"] == "Up"
                and peer["state"] == "Established"
                and now - peer["since"] > QUIET
                for peer in peers.values()
            )
            and self.hops() == set(TORS.values())
            and all(map(self.has_route, TORS))
        )


def until(what: str, holds: Callable[[], bool], within: float = 10.0) -> float:
    return faults.until(what, holds, within)


def agree(lab: Watched, interval: int, multiplier: int) -> None:
    """Have both ends of both sessions ask for these times, and wait until all know. Milliseconds."""
    lines = [
        "configure",
        "bfd",
        "profile node",
        f"transmit-interval {interval}",
        f"receive-interval {interval}",
        f"detect-multiplier {multiplier}",
    ]
    lab.lab.node("frr").run("vtysh", *(word for line in lines for word in ("-c", line))).checked("vtysh")
    asked = f'interface "*" {{ interval {interval} ms; multiplier {multiplier}; }}'
    bird = lab.lab.node("bird")
    script = f"sed 's/interface .*interval.*;.*}};/{asked};/' /etc/bird/bird.conf > /run/bird/fast.conf"
    bird.run("sh", "-c", script).checked("sed")
    bird.run("birdc", "configure", '"/run/bird/fast.conf"').checked("birdc")
    for tor in TORS:
        lab.configure(tor, f"{{minInterval: {interval}, multiplier: {multiplier}}}")
    seconds = (f"{interval / 1000:.3f}", f"{interval * multiplier / 1000:.3f}")
    until(
        "the times are agreed on",
        lambda: (
            all(lab.bfd(tor)["detection"] == interval * multiplier for tor in TORS)
            and tuple(lab.bird_bfd()[2:]) == seconds
            and lab.frr_bfd()["remote-transmit-interval"] == interval
            and lab.frr_bfd()["remote-detect-multiplier"] == multiplier
        ),
        30,
    )


@contextmanager
def running(work: Path, label: str) -> Iterator[Watched]:
    """The lab with a copy of its manifests."""
    manifests = work / "manifests"
    shutil.copytree(FOLDER / "configs" / "manifests", manifests)
    environment = {**os.environ, "MANIFESTS": str(manifests)}
    options = reading.Options(work / "out", environment, name_prefix=f"{label}{os.getpid()}-")
    with life.running(reading.read(FOLDER, options), work / "out", print) as lab:
        yield Watched(lab, manifests)
