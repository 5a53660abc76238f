"""The lab rack for tests that are rough with its node: manifests of its own, and what both sides say."""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Network
from itertools import islice
from pathlib import Path
from typing import Any

from tests.labs.meanwhile import meanwhile
from tests.netlab import demo, life, reading
from tests.netlab.lab import REPOSITORY, Lab
from tests.netlab.node import RunningNode

FOLDER = REPOSITORY / "tests" / "labs" / "rack"
VM = "192.0.2.0/24"
BLOCK = "10.244.1.0/26"
NODES = ("10.0.1.11", "10.0.2.11")
"""The node's addresses, as the ToR knows its neighbours."""


@dataclass(frozen=True)
class RoughRack:
    """A rack that is up."""

    lab: Lab
    manifests: Path

    @property
    def tor(self) -> RunningNode:
        """The router."""
        return self.lab.node("tor")

    @property
    def node(self) -> RunningNode:
        """The bgpnet node."""
        return self.lab.node("node1")

    def status(self) -> dict[str, Any]:
        """What `bgpnet status` tells; empty when the agent does not answer."""
        done = self.node.run(demo.BGPNET, "status", "-o", "json")
        return dict(json.loads(done.stdout)) if done.stdout.startswith("{") else {}

    def reasons(self) -> dict[str, str]:
        """Object and reason of each rejection."""
        return {each["object"]: each["reason"] for each in self.status().get("rejections", ())}

    def fine(self) -> bool:
        """Whether `bgpnet status` has nothing to complain of."""
        return self.node.run(demo.BGPNET, "status").code == 0

    def ways(self, prefix: str = VM, on: str = "node1") -> set[tuple[str, str]]:
        """Gateway and link of each next hop of a route, as `ip` shows it."""
        shown = self.lab.node(on).ip_json("route", "show", "exact", prefix)
        hops = [hop for route in shown for hop in route.get("nexthops", [route])]
        return {(hop.get("gateway", ""), hop.get("dev", "")) for hop in hops}

    def neighbors(self) -> dict[str, dict[str, Any]]:
        """The ToR's neighbours, by address."""
        shown = self.tor.run("vtysh", "-c", "show bgp neighbors json").checked("vtysh").stdout
        return {peer: told for peer, told in json.loads(shown).items() if "." in peer}

    def up_since(self) -> dict[str, int]:
        """When each session came up, by the router's word; of those that are up."""
        return {
            peer: told["bgpTimerUpEstablishedEpoch"]
            for peer, told in self.neighbors().items()
            if told["bgpState"] == "Established"
        }

    def same_sessions(self, before: dict[str, int]) -> bool:
        """Whether these sessions are still up; FRR works the second out anew each time it is asked."""
        now = self.up_since()
        return now.keys() == before.keys() and all(abs(now[peer] - before[peer]) <= 1 for peer in now)

    def settled(self) -> None:
        """Both sessions up, both ways there, nothing to complain of."""
        until(lambda: set(self.up_since()) >= set(NODES), "both sessions are up")
        until(lambda: len(self.ways()) == len(NODES), "two ways to the VM")
        until(lambda: len(self.ways(BLOCK, on="tor")) == len(NODES), "two ways to the block")
        until(self.fine, "the node is fine")

    def log(self) -> str:
        """The node's log."""
        return self.node.log.read_text(encoding="utf-8", errors="replace")


def until(holds: Callable[[], bool], what: str, within: float = 40.0) -> float:
    """Wait until it holds; the seconds that it took."""
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() < begun + within, f"not within {within} s: {what}"
        time.sleep(0.02)
    return time.monotonic() - begun


FAR = IPv4Network("100.64.0.0/10")
"""Where the routes are, /24 each, that `announces_far` has the ToR announce."""
FAR_ACCEPTED = f"    - {{prefix: {FAR}, maxLength: 24}}\n"
# FRR 8.4.4 believes in its nexthop groups when the kernel has emptied them (docs/decisions.md).
FAR_ANNOUNCED = (
    f"!\nno zebra nexthop kernel enable\nip prefix-list VM_NETWORK seq 20 permit {FAR} ge 24 le 24\n"
)
"""What a rack needs for it: rules of each peer, and configuration of the ToR."""


def far(rack: RoughRack) -> tuple[int, int]:
    """How many learned routes the node's kernel has by way of each gateway, beside that to the VM."""
    shown = rack.node.run("ip", "route", "show", "proto", "179", "root", str(FAR)).stdout
    return shown.count("via 10.0.1.1 dev eth1"), shown.count("via 10.0.2.1 dev eth2")


def tell_far(rack: RoughRack, verb: str, count: int) -> None:
    """Have the ToR announce so many routes (`verb`: "") or take them back ("no")."""
    lines = ["router bgp 65001", "no bgp network import-check", "address-family ipv4 unicast"]
    lines += [f"{verb} network {prefix}" for prefix in islice(FAR.subnets(new_prefix=24), count)]
    done = rack.tor.run("vtysh", "-f", "/dev/stdin", stdin="\n".join(lines) + "\n")
    if not verb:  # else it complains of what it does not announce
        done.checked("vtysh")


@contextmanager
def announced_far(rack: RoughRack, count: int) -> Iterator[None]:
    """The ToR announces so many routes inside the block, and the node has them, both ways."""
    tell_far(rack, "", count)
    try:
        until(lambda: far(rack) == (count, count), "all of them are there, both ways", within=60)
        yield
    finally:
        tell_far(rack, "no", count)
        until(lambda: far(rack) == (0, 0), "they are gone", within=60)


def never_without(rack: RoughRack) -> AbstractContextManager[None]:
    """The ToR's kernel has a route to the node's block all the while."""
    return meanwhile(lambda: bool(rack.ways(BLOCK, on="tor")), 0.05, "the ToR has a route to the block")


@contextmanager
def rough_rack(
    work: Path, tor: str = "", accept: str = "", node: str = "", binds: str = ""
) -> Iterator[RoughRack]:
    """Bring it up.

    `tor`: more of its configuration; `accept`: rules of each peer; `node`, `binds`: fields and binds of it.
    """
    folder = work / "tests" / "labs" / "rack"
    shutil.copytree(FOLDER, folder)
    for outside in ("containerlab", "plugin"):
        (work / outside).symlink_to(REPOSITORY / outside)
    config = folder / "configs" / "tor" / "frr.conf"
    config.write_text(config.read_text(encoding="utf-8") + tor, encoding="utf-8")
    topology = folder / "lab.clab.yml"
    text = topology.read_text(encoding="utf-8").replace("image: bgpnet\n", f"image: bgpnet\n{node}")
    text = text.replace("        - ${SITE}:", f"{binds}        - ${{SITE}}:")
    topology.write_text(text, encoding="utf-8")
    site = work / "site"
    shutil.copytree(folder / "configs" / "manifests", site / "manifests")
    for peer in ("11-tor1.yaml", "12-tor2.yaml"):
        path = site / "manifests" / peer
        path.write_text(path.read_text(encoding="utf-8") + accept, encoding="utf-8")
    options = reading.Options(work / "out", {**os.environ, "SITE": str(site)}, name_prefix=f"r{os.getpid()}-")
    with life.running(reading.read(folder, options), work / "out", print) as lab:
        rack = RoughRack(lab, site / "manifests")
        rack.settled()
        yield rack
