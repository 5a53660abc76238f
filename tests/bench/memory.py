"""Memory of everything that runs on a node, as the share of it that is its own (PSS)."""

import tempfile
from pathlib import Path

from tests.bench.bgp import settle
from tests.bench.bgprack import FAR, rack, until
from tests.bench.report import Row, row

NODES = (1, 5000)


def compare() -> list[Row]:
    """With the objects of one node and of many, then with as many routes as two peers may announce."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="bgpnet-bench-") as folder:
        for count in NODES:
            with rack("bgpnet", Path(folder) / str(count), 2, count) as made:
                settle(made)
                rows.append(row(f"memory/node/{count}", mebibytes(made.pids()), None, "", "MiB PSS"))
                if count > 1:
                    continue
                made.feed(len(FAR))
                for router in made.routers:
                    router.tell("enable", "feed")
                until(
                    lambda: len(made.node.ip_json("-4", "route", "show", "proto", "179")) > len(FAR), "routes"
                )
                settle(made)
                name = f"memory/node/routes-{len(FAR)}"
                rows.append(row(name, mebibytes(made.pids()), None, "", "MiB PSS"))
    return rows


def mebibytes(pids: list[int]) -> float:
    """Of these processes together."""
    found = [Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines() for pid in pids]
    return sum(int(line.split()[1]) for lines in found for line in lines if line.startswith("Pss:")) / 1024
