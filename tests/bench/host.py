"""What others take away from the host is back after so long; and what a node costs at rest.

The lab `rack`: a node with two links to an FRR router. Nothing to compare with.
"""

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.bench.report import Row, row
from tests.labs.roughrack import (
    FAR_ACCEPTED,
    FAR_ANNOUNCED,
    RoughRack,
    announced_far,
    far,
    rough_rack,
    until,
)
from tests.netlab import faults, footprint

ROUNDS = 3
"""Of each; the worst counts."""

FORGETFUL = 11.0
"""Seconds after which the agent takes the same loss for no fight any more."""

RESTING = 20.0
"""Seconds over which a node at rest is watched."""

FLUSHES = {
    "next-hops": "ip nexthop flush",
    "discard-routes": "ip route flush type blackhole",
    "rules": "ip rule flush; ip rule add pref 32766 table main; ip rule add pref 32767 table default",
}
MANY = 10_000
"""Routes that are there when both uplinks lose their carrier."""

SETTINGS = {"forwarding": ("net/ipv4/ip_forward", "0"), "rp-filter": ("net/ipv4/conf/eth1/rp_filter", "1")}


def compare() -> list[Row]:
    """Every figure of the host part."""
    with (
        tempfile.TemporaryDirectory(prefix="bgpnet-bench-") as work,
        rough_rack(Path(work), tor=FAR_ANNOUNCED, accept=FAR_ACCEPTED) as rack,
    ):
        time.sleep(FORGETFUL)
        busy = footprint.busy(rack.node, RESTING)
        rows = [row("host/at-rest", 100 * sum(busy.values()), None, "", "% of a core")]
        for name, lines in FLUSHES.items():
            rows.append(_back(rack, name, partial(_run, rack, lines), partial(_table, rack)))
        for name, (path, bad) in SETTINGS.items():
            change = partial(_run, rack, f"sysctl -qw {path}={bad}")
            rows.append(_back(rack, name, change, partial(_setting, rack, path)))
        rows.append(_back(rack, "carrier", partial(_carrier, rack), rack.ways))
        failover = ("-c", "configure", "-c", "router bgp 65001", "-c", "no bgp fast-external-failover")
        rack.tor.run("vtysh", *failover).checked("vtysh")
        with announced_far(rack, MANY):
            rows.append(_back(rack, f"carrier-{MANY}", partial(_unheard, rack), partial(far, rack)))
    return rows


def _back(rack: RoughRack, name: str, act: Callable[[], None], look: Callable[[], object]) -> Row:
    """Milliseconds from an act until everything looks as before."""
    took = []
    for _round in range(ROUNDS):
        rack.settled()
        before = look()
        act()
        took.append(until(lambda before=before: look() == before, f"{name} are back"))  # type: ignore[misc]
    time.sleep(FORGETFUL)
    return row(f"host/back/{name}", 1000 * max(took), None, "", "ms")


def _run(rack: RoughRack, lines: str) -> None:
    for line in lines.split(";"):
        rack.node.run(*line.split()).checked(line)


def _setting(rack: RoughRack, path: str) -> str:
    return rack.node.run("cat", f"/proc/sys/{path}").stdout


def _table(rack: RoughRack) -> list[str]:
    """Our routes, those by which the node reaches others with their next hops."""
    ours = {route["dst"] for route in rack.node.ip_json("route", "show", "proto", "179")}
    return sorted(ours) + [str(way) for way in sorted(rack.ways())]


def _unheard(rack: RoughRack) -> None:
    """The same, and the agent sleeps: it hears nothing of it before all is over."""
    with faults.stopped(rack.node, "agent"):
        _carrier(rack)


def _carrier(rack: RoughRack) -> None:
    """Both uplinks are down for a second; from when they are up again on."""
    for state in ("down", "up"):
        lines = "".join(f"link set {link} {state}\n" for link in ("eth1", "eth2"))
        rack.node.run("ip", "-batch", "-", stdin=lines).checked("ip")
        if state == "down":
            until(lambda: not rack.ways(), "no way is left")
            time.sleep(1)
