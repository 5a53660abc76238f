"""From a change to the other side's kernel: ours beside BIRD, which does the same in the same rack."""

import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bgpnet.drivers.netlink import wire
from tests.bench.bgprack import FAR, OWN, Rack, Watch, rack, until, watching
from tests.bench.report import Row, row

EDITS = 60
ANNOUNCED = (1, 100, 1000, 10_000)
LEARNED = (1000, 10_000)
FAILED_OVER = 10_000
ROUNDS = 3
"""Of each; the best counts, for both: other work on the machine takes away, it never gives."""

BIRD = "BIRD 2"

Figures = dict[str, float]
"""Milliseconds by the name of the row."""


def compare() -> list[Row]:
    """Every figure of the BGP part."""
    ours, theirs = measured("bgpnet"), measured("BIRD")
    return [row(name, ours[name], theirs[name], BIRD, "ms") for name in ours]


def measured(name: str) -> Figures:
    """The figures of one program on the node."""
    figures: Figures = {}
    with tempfile.TemporaryDirectory(prefix="bgpnet-bench-") as folder:
        with rack(name, Path(folder) / "one", 1) as one, watching(one.routers[0].space) as watch:
            figures |= edits(one, watch)
            for count in ANNOUNCED:
                figures |= announced(one, watch, count)
        with rack(name, Path(folder) / "two", 2) as two, watching(two.node) as watch:
            for count in LEARNED:
                figures |= learned(two, watch, count)
            figures |= failed_over(two, watch)
    return figures


def edits(rack: Rack, watch: Watch) -> Figures:
    """One prefix comes and goes, by an edit of the node's configuration, at moments that nobody foresees."""
    taken = []
    chance = random.Random(7)
    rack.own(OWN[:1])
    for edit in range(EDITS):
        time.sleep(0.3 + chance.random() / 2)
        watch.drain()
        begin = time.monotonic()
        rack.own(OWN[: 1 + (edit + 1) % 2])
        taken.append(watch.last(OWN[1:2], wire.DELROUTE if edit % 2 else wire.NEWROUTE) - begin)
    return {
        "bgp/change-to-kernel/p50": statistics.median(taken) * 1000,
        "bgp/change-to-kernel/p99": statistics.quantiles(taken, n=100, method="inclusive")[98] * 1000,
    }


def announced(rack: Rack, watch: Watch, count: int) -> Figures:
    """So many prefixes come, until the router's kernel has the last; and go."""
    prefixes = OWN[1 : 1 + count] if count < len(OWN) else OWN
    come, gone = [], []
    for _round in range(ROUNDS):
        rack.own([] if count == len(OWN) else OWN[:1])
        settle(rack)
        come.append(timed(watch, lambda: rack.own(sorted({OWN[0], *prefixes})), prefixes, wire.NEWROUTE))
        settle(rack)
        gone.append(timed(watch, lambda: rack.own(OWN[:1]), prefixes[1:] or prefixes, wire.DELROUTE))
    return {f"bgp/announce/{count}": min(come), f"bgp/withdraw/{count}": min(gone)}


def learned(rack: Rack, watch: Watch, count: int) -> Figures:
    """One router announces so many prefixes, until the node's kernel has the last."""
    taken = []
    for _round in range(ROUNDS):
        rack.feed(count)
        settle(rack)
        with feeding(rack, 1):
            taken.append(
                timed(watch, lambda: rack.routers[0].tell("enable", "feed"), FAR[:count], wire.NEWROUTE)
            )
    return {f"bgp/learn/{count}": min(taken)}


def failed_over(rack: Rack, watch: Watch) -> Figures:
    """Both routers announce the same; one ends its session, until no route leads to it any more."""
    taken = []
    rack.feed(FAILED_OVER)
    with feeding(rack, 2):
        for _round in range(ROUNDS):
            for router in rack.routers:
                router.tell("enable", "feed")
                router.tell("enable", "node")
            rack.established()
            until(lambda: both_ways(rack) == FAILED_OVER, "each route has two ways")
            settle(rack)
            watch.drain()
            begin = time.monotonic()
            rack.routers[0].tell("disable", "node")
            end = watch.last(FAR[:FAILED_OVER], wire.NEWROUTE, without="10.0.1.1/32")
            taken.append((end - begin) * 1000)
            if both_ways(rack):
                raise RuntimeError("routes lead to the router that is gone")
    return {f"bgp/failover/{FAILED_OVER}": min(taken)}


def both_ways(rack: Rack) -> int:
    """How many routes of the node lead by way of the first router besides another."""
    found = rack.node.ip_json("-4", "route", "show", "root", "100.64.0.0/10")
    hops = ([hop.get("gateway") for hop in route.get("nexthops", ())] for route in found)
    return sum("10.0.1.1" in each for each in hops)


def timed(watch: Watch, act: Callable[[], object], prefixes: list[str], kind: int) -> float:
    """Milliseconds from an act until the last of these prefixes is told of."""
    watch.drain()
    begin = time.monotonic()
    act()
    return (watch.last(prefixes, kind) - begin) * 1000


def settle(rack: Rack) -> None:
    """Wait until the node's processes rest: what is left to do of one case is not to count for the next."""
    before = -1.0
    while (spent := processor(rack)) - before > SLEEPY:
        before = spent
        time.sleep(0.5)


SLEEPY = 0.06
"""Seconds of processor time in half a second."""


def processor(rack: Rack) -> float:
    """Seconds of processor time that the node's processes have used."""
    ticks = 0
    for pid in rack.pids():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / 100


@contextmanager
def feeding(rack: Rack, number: int) -> Iterator[None]:
    """Routers announce inside the block at most, and nothing is left of it afterwards."""
    try:
        yield
    finally:
        for router in rack.routers[:number]:
            router.tell("disable", "feed")
        until(
            lambda: not rack.node.ip_json("-4", "route", "show", "root", "100.64.0.0/10"), "routes are gone"
        )
