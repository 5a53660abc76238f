"""What everybody in a fabric says while it does not settle, for who looks for the cause."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tests.netlab import demo
from tests.netlab.lab import Lab

ASKED: Final = {
    "bgpnet": (f"{demo.BGPNET} status", f"{demo.BGPNET} peers -o json", "cat /run/bgpnet/bfd-state.json"),
    "frr": (
        "vtysh -c 'show bgp summary json'",
        "vtysh -c 'show bfd peers json'",
        "vtysh -c 'show bfd peers counters json'",
        "vtysh -c 'show bgp neighbors json'",
    ),
    "bird": ("birdc show protocols all", "birdc show bfd sessions"),
}
"""Of each kind of node."""
EVERYBODY: Final = ("ip -d link show", "ip route show", "ip neigh show", "ss -tino", "nft list ruleset")


def write(lab: Lab, why: str) -> Path:
    """Ask every node, and add what it says to NODE.evidence beside its log; their folder."""
    for name in lab.topology.nodes:
        node = lab.node(name)
        with (lab.work / f"{name}.evidence").open("a", encoding="utf-8") as file:
            file.write(f"\n===== {datetime.now(UTC):%H:%M:%S.%f} {why}\n")
            for line in (*ASKED.get(node.image, ()), *EVERYBODY):
                done = node.run("sh", "-c", f"{line} 2>&1")
                file.write(f"--- {line}: {done.code}\n{done.stdout}\n")
    return lab.work
