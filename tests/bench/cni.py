"""ADD and DEL of both plug-ins, one after another and in bursts."""

import itertools
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bgpnet.drivers.podlink import detach
from tests.bench.plugin import Call, Done, Plugin
from tests.bench.reference import Reference
from tests.bench.report import Row, row
from tests.cninode import CONFIG, SHIM, built_shim, cni_node
from tests.netns import namespace
from tests.podspaces import podspaces

ROUNDS = 8
SEQUENTIAL = 50  # of a round
BURST = 1000
BURST_ROUNDS = 2
SETTLE_SECONDS = 30


@dataclass
class Figures:
    """What was measured of one plug-in, round by round: seconds, and seconds of processor time a pod."""

    add: list[list[float]] = field(default_factory=list)
    delete: list[list[float]] = field(default_factory=list)
    bursts: dict[int, list[float]] = field(default_factory=dict)
    deletes: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    held: list[list[float]] = field(default_factory=list)


def compare(reference: Reference | None) -> list[Row]:
    """Every figure of the CNI part; of ours alone when there is no reference.

    Of several rounds the best counts: other work on the machine takes away, it never gives.
    """
    built_shim()
    with ours() as own, other(reference) as others, podspaces(BURST + SEQUENTIAL) as spaces:
        plugins = [own, *others]
        figures = {plugin.name: Figures() for plugin in plugins}
        for plugin in plugins:  # the first calls find cold caches
            sequential(plugin, spaces[:5], Figures())
        for _round in range(ROUNDS):
            for plugin in plugins:
                sequential(plugin, spaces[:SEQUENTIAL], figures[plugin.name])
        for _round in range(BURST_ROUNDS):
            for at_once in (8, 32):
                for plugin in plugins:
                    burst(plugin, spaces, at_once, figures[plugin.name])
        behind = [behind_deletion(own, spaces) for _round in range(2 * ROUNDS)]
        memory = proportional_kib(own.server) / 1024
        with planning():
            busy = Figures()
            for _round in range(ROUNDS):
                sequential(own, spaces[:SEQUENTIAL], busy)
        mine = figures[own.name]
    theirs = figures[others[0].name] if others else None
    rows = [*_rows(mine, theirs, reference.name if reference else ""), *_alone(mine, busy, memory)]
    return [*rows, row("cni/add/behind-deletion", statistics.median(behind) * 1000, None, "", "ms p50")]


def sequential(plugin: Plugin, spaces: Sequence[str], figures: Figures) -> None:
    """ADD all, one after another, then DEL all."""
    with plugin.ready() as runner:
        for command, seconds in (("ADD", figures.add), ("DEL", figures.delete)):
            seconds.append(
                [
                    runner.run(Call(command, f"seq{number}", space)).seconds
                    for number, space in enumerate(spaces)
                ]
            )
    settle(plugin)


def burst(plugin: Plugin, spaces: Sequence[str], at_once: int, figures: Figures) -> None:
    """ADD a thousand, some more one after another while those are held, then DEL the thousand."""
    before = plugin.server_processor()
    pods = [(f"burst{number}", space) for number, space in enumerate(spaces[:BURST])]
    with plugin.ready() as runner:
        began = time.perf_counter()
        done = runner.burst([Call("ADD", *pod) for pod in pods], at_once)
        figures.bursts.setdefault(at_once, []).append(time.perf_counter() - began)
        _demand_distinct(done)
        extra = [(f"held{number}", space) for number, space in enumerate(spaces[BURST:])]
        held = [runner.run(Call("ADD", *pod)) for pod in extra]
        figures.held.append([one.seconds for one in held])
        done += held
        began = time.perf_counter()
        gone = runner.burst([Call("DEL", *pod) for pod in pods], 32)
        figures.deletes.append(time.perf_counter() - began)
        done += gone
        done += [runner.run(Call("DEL", *pod)) for pod in extra]
    settle(plugin)
    processor = sum(one.processor for one in done) + plugin.server_processor() - before
    figures.processor.append(processor / len(spaces))


def behind_deletion(plugin: Plugin, spaces: Sequence[str]) -> float:
    """Seconds of an ADD that comes when a full group of links is just being deleted."""
    group = [(f"gone{number}", space) for number, space in enumerate(spaces[: detach.GROUP_SIZE])]
    late = ("late", spaces[detach.GROUP_SIZE])
    with plugin.ready() as runner:
        for command in ("ADD", "DEL"):
            for pod in group:
                runner.run(Call(command, *pod))
        seconds = runner.run(Call("ADD", *late)).seconds
        runner.run(Call("DEL", *late))
    settle(plugin)
    return seconds


def settle(plugin: Plugin) -> None:
    """Wait until the host has no pod's link any more: what is left to do belongs to who left it.

    A link that is deleted is not listed any more while the kernel still holds its lock for links (RTNL) on
    its account; to set a link up takes that lock.
    """
    deadline = time.monotonic() + SETTLE_SECONDS
    while plugin.links():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{plugin.name}: links are left after {SETTLE_SECONDS} s")
    plugin.host.ip("link", "set", "lo", "up")


def proportional_kib(pid: int) -> int:
    """Memory of a process (PSS) in KiB: what it shares with others counts for each in part."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise RuntimeError(f"process {pid} has no memory")


@contextmanager
def planning() -> Iterator[None]:
    """While an agent plans for 5,000 nodes without a pause."""
    busy = subprocess.Popen([sys.executable, "-m", "tests.bench.load"], stdout=subprocess.PIPE)
    try:
        assert busy.stdout is not None
        if not busy.stdout.readline():
            raise RuntimeError("the planner does not plan")
        yield
    finally:
        busy.kill()
        busy.communicate()


@contextmanager
def ours() -> Iterator[Plugin]:
    """Our plug-in with its server."""
    with cni_node("10.244.0.0/16") as node:
        assert node.server is not None
        environment = {"BGPNET_CNI_SOCKET": str(node.run_dir / "cni.sock")}
        yield Plugin("bgpnet", SHIM, node.host, CONFIG, environment, node.server.pid)


@contextmanager
def other(reference: Reference | None) -> Iterator[list[Plugin]]:
    """The reference plug-ins with the same pool of addresses; none when there are none."""
    if reference is None:
        yield []
        return
    with namespace("ref") as host, tempfile.TemporaryDirectory(prefix="bgpnet-ref-") as leases:
        config = {
            "cniVersion": "1.0.0",
            "name": "pods",
            "type": "ptp",
            "mtu": 1500,
            "ipam": {
                "type": "host-local",
                "ranges": [[{"subnet": "10.244.0.0/16"}]],
                "routes": [{"dst": "0.0.0.0/0"}],
                "dataDir": leases,
            },
        }
        yield [Plugin(reference.name, reference.folder / "ptp", host, config, {})]


def _demand_distinct(done: Sequence[Done]) -> None:
    addresses = {address["address"] for one in done for address in one.output["ips"]}
    if len(addresses) != len(done):
        raise RuntimeError(f"{len(done)} pods have {len(addresses)} addresses")


def _rows(ours: Figures, theirs: Figures | None, name: str) -> list[Row]:
    rows = [
        row(
            "cni/add/sequential",
            median_ms(ours.add),
            median_ms(theirs.add) if theirs else None,
            name,
            "ms p50",
        ),
        row(
            "cni/add/sequential-p99",
            ninety_ninth_ms(ours.add),
            ninety_ninth_ms(theirs.add) if theirs else None,
            name,
            "ms p99",
        ),
    ]
    for at_once in (8, 32):
        pace = BURST / min(ours.bursts[at_once])
        against = BURST / min(theirs.bursts[at_once]) if theirs else None
        rows.append(row(f"cni/add/burst-{BURST}-c{at_once}", pace, against, name, "pods/s"))
    rows += [
        row(
            "cni/cpu-per-pod",
            min(ours.processor) * 1000,
            min(theirs.processor) * 1000 if theirs else None,
            name,
            "ms",
        ),
        row(
            "cni/del/sequential",
            median_ms(ours.delete),
            median_ms(theirs.delete) if theirs else None,
            name,
            "ms p50",
        ),
        row(
            "cni/del/c32",
            BURST / min(ours.deletes),
            BURST / min(theirs.deletes) if theirs else None,
            name,
            "pods/s",
        ),
    ]
    return rows


def _alone(ours: Figures, busy: Figures, memory: float) -> list[Row]:
    return [
        row("cni/add/held-1000", median_ms(ours.held), None, "", "ms p50"),
        row("cni/add/held-1000-p99", ninety_ninth_ms(ours.held), None, "", "ms p99"),
        row("cni/add/replanning", median_ms(busy.add), None, "", "ms p50"),
        row("cni/add/replanning-p99", ninety_ninth_ms(busy.add), None, "", "ms p99"),
        row("cni/memory", memory, None, "", "MiB PSS"),
    ]


def median_ms(rounds: Sequence[Sequence[float]]) -> float:
    """Milliseconds within which half of the calls of the best round returned."""
    return min(statistics.median(seconds) for seconds in rounds) * 1000


def ninety_ninth_ms(rounds: Sequence[Sequence[float]]) -> float:
    """Milliseconds within which 99 of 100 calls of all rounds returned."""
    return statistics.quantiles(itertools.chain(*rounds), n=100)[98] * 1000
