"""A fabric of two ToRs that is up, from a copy of its lab folder that is set up for what is to be tried."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests import generated
from tests.faults import evidence, setup
from tests.faults.case import BFD
from tests.netlab import demo, faults, life, reading
from tests.netlab.errors import LabRunError
from tests.netlab.lab import REPOSITORY, Lab
from tests.netlab.node import RunningNode
from tests.netlab.probes import Place

BLOCKS: Final = {"node1": "10.244.1.0/26", "node2": "10.244.2.0/26"}
VM: Final = "192.0.2.10"
VM_NETWORK: Final = "192.0.2.0/24"
POD: Final = "10.244.1.1"
LOGS: Final = REPOSITORY / "build" / "labs"
PATIENCE: Final = 75.0
"""Seconds for the fabric to settle: a failure that BFD told is forgotten after a minute of silence."""
SLOW: Final = 20.0
"""Seconds after which everybody is asked what keeps the fabric from settling."""
SEEN: Final = 2.0
"""Seconds after a fault that is noticed at once, or by BFD."""
HOLD: Final = 11.0
"""Seconds until the hold time has told of a fault."""
BACK: Final = 1.0
"""Seconds after a process came back, before it is asked how it is."""


class Fabric:
    """The lab, and the folder of manifests of its nodes."""

    def __init__(self, lab: Lab, manifests: Path, variant: str) -> None:
        self.lab, self._manifests = lab, manifests
        self.node, self.node2 = lab.node("node1"), lab.node("node2")
        self.leaf, self.tor = lab.node("leaf"), lab.node("tor1")
        self.tors = (self.tor, lab.node("tor2"))
        self.vm = Place(lab.node("vm"), VM)
        self.pod = Place(self.node, POD, pod="pod11")
        self.itself = Place(self.node, setup.LOOPBACKS["node1"])
        self.ways = len(self.tors)
        self.silence = SEEN if variant == BFD else HOLD
        """Seconds until silence has told of a fault."""

    def edit(self, manifest: str, old: str, new: str) -> None:
        """Write another text into a manifest."""
        setup.edit(self._manifests / manifest, old, new)

    def add_key(self, key: str) -> None:
        """Put a file of a password beside the manifests."""
        path = self._manifests / setup.KEY_FILE
        path.write_text(key + "\n", encoding="ascii")
        path.chmod(0o600)

    @contextmanager
    def off(self, victim: RunningNode, *, dark: bool) -> Iterator[None]:
        """Inside the block it has no power; its links are dark, or silent."""
        faults.power_off(victim, links_go_dark=dark)
        try:
            yield
        finally:
            faults.power_on(self.lab, victim.name)

    @contextmanager
    def one_way(self) -> Iterator[None]:
        """Inside the block tor2 has no power, and everything goes over tor1."""
        with self.off(self.tors[1], dark=True):
            self.ways = 1
            try:
                self.settle()
                yield
            finally:
                self.ways = len(self.tors)

    def settle(self) -> None:
        """Wait until everything is reached over both ToRs, and both nodes are fine by their own word.

        With tor2 off: until everything is reached over tor1, and both nodes have a session with it.

        Raises:
            LabRunError: it did not; what everybody says of it is beside the logs.

        """
        wanted = {
            "all ways to every block": lambda: self._reaches(self.leaf, *BLOCKS.values()),
            "all ways to node1 itself": lambda: self._reaches(self.leaf, setup.LOOPBACKS["node1"]),
            "all ways to the VM": lambda: self._reaches(self.node, VM_NETWORK),
            "all ways from node2 to the VM": lambda: self._reaches(self.node2, VM_NETWORK),
            "node1 is fine": lambda: self.is_fine(self.node),
            "node2 is fine": lambda: self.is_fine(self.node2),
        }
        for what, holds in wanted.items():
            try:
                faults.until(what, holds, SLOW)
            except LabRunError:
                where = evidence.write(self.lab, what)
                print(f"  {SLOW:g} s and not yet {what}: see {where}/*.evidence", flush=True)
                faults.until(what, holds, PATIENCE - SLOW)

    def _reaches(self, node: RunningNode, *prefixes: str) -> bool:
        """Whether a node has as many ways to each prefix as there are ToRs with power."""
        if self.ways > 1:
            return demo.ecmp(node, *prefixes)
        return all(node.ip_json("route", "show", prefix) for prefix in prefixes) and not any(
            demo.ecmp(node, prefix) for prefix in prefixes
        )

    def is_fine(self, node: RunningNode) -> bool:
        """Whether all sessions of a node are up and told everything, and BFD is up where it is asked for."""
        told = node.run(demo.BGPNET, "peers", "-o", "json").stdout
        peers: list[dict[str, Any]] = json.loads(told)["peers"] if told else []
        if self.ways == 1:
            return [peer["state"] for peer in peers].count("Established") == 1
        return setup.watched(peers) and node.run(demo.BGPNET, "status").code == 0

    def has_route(self, tor: RunningNode, node: str) -> bool:
        """Whether the ToR's kernel has a route to the node's block."""
        return bool(tor.ip_json("route", "show", BLOCKS[node]))


@contextmanager
def running(lab: str, variant: str, work: Path) -> Iterator[Fabric]:
    """The fabric, up and settled, inside the block."""
    folder = Path(tempfile.mkdtemp(dir=work)) / lab
    shutil.copytree(REPOSITORY / "containerlab" / lab, folder)
    setup.apply(folder, variant)
    for path, text in generated.routers_of_lab(folder / "configs" / "manifests"):
        path.write_text(setup.at_once(text), encoding="utf-8")
    options = reading.Options(LOGS, os.environ, name_prefix=f"faults-{variant}-")
    with life.running(reading.read(folder, options), LOGS, print) as up:
        fabric = Fabric(up, folder / "configs" / "manifests", variant)
        fabric.settle()
        yield fabric
