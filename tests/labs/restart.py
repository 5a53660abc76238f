"""The rig for graceful restart: kill parts of a node's speaker under 32 UDP flows and count what is lost.

`python -m tests.labs.restart [WORD…]` runs every case whose name has all the words and prints a table.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.netlab import crossing, faults, life, probes, reading
from tests.netlab.lab import Lab
from tests.netlab.node import RunningNode

FOLDER = Path(__file__).parent / "rig"
BLOCK = "10.244.0.0/26"
VM_PREFIX = "192.0.2.0/24"
VM, POD = "192.0.2.10", "10.244.0.1"
NODES = {"tor1": "10.0.1.11", "tor2": "10.0.2.11"}
"""The node's address on each ToR's link."""
TORS = tuple(NODES)
PATIENCE = 40.0
"""Seconds for the lab to settle, before and after a fault."""
STALL = 4.0
"""Seconds that a peer stalls: less than the hold time, 9."""
LATE = 5.0
"""Seconds without an agent, while the new sessions are up and End-of-RIB is due."""
GONE = 10.0
"""Seconds for a bare ExaBGP to end with its lab."""
BEFORE, AFTER = 1.0, 1.5
"""Seconds of probing before the fault and after everything is settled again."""


@dataclass(frozen=True, slots=True)
class Case:
    """One run of the rig.

    Attributes:
        victim: what is killed: exabgp, relay, speaker (its supervisor), agent, or node (all of them).
        down: seconds that it stays dead.
        tor: the ToRs' routing program, frr or bird.
        node: `bgpnet`, or `bare`: ExaBGP with a small child that announces, and End-of-RIB 0.3 s later.
        password: whether the sessions have TCP MD5.
        agent_dead: the agent is dead too, and comes back only 5 s after the new sessions (with the speaker's
            supervisor: together with it).
        stall: tor1's routing program stops for 4 s as its new session comes up, so while End-of-RIB is due.
        graceful: whether the speaker negotiates graceful restart (bare only).

    """

    victim: str
    down: float = 0
    tor: str = "frr"
    node: str = "bgpnet"
    password: bool = False
    agent_dead: bool = False
    stall: bool = False
    graceful: bool = True

    @property
    def ends_sessions(self) -> bool:
        """Whether the victim takes the BGP sessions along."""
        return self.victim not in {"agent", "relay"}

    def __str__(self) -> str:
        """Name the case, as a test and in the table."""
        words = [self.node, self.victim, f"{self.down:g}s", self.tor]
        words += ["md5"] if self.password else []
        words += ["agent-dead"] if self.agent_dead else []
        words += ["peer-stalls"] if self.stall else []
        words += [] if self.graceful else ["no-graceful-restart"]
        return "-".join(words)


QUICK = (
    Case("exabgp", node="bare"),
    Case("exabgp", node="bare", graceful=False),
    Case("exabgp", stall=True),
    Case("exabgp", agent_dead=True, tor="bird"),
    Case("node", 5, tor="bird", password=True),
)
"""The cases of every test run: the control, each routing program, MD5, a dead agent, a stalled peer."""

ALL = (
    *QUICK,
    Case("exabgp", node="bare", tor="bird"),
    Case("exabgp", node="bare", tor="bird", graceful=False),
    Case("exabgp", 5, node="bare", password=True),
    Case("exabgp", 30, node="bare"),
    Case("exabgp", tor="bird"),
    Case("exabgp", 5, password=True),
    Case("exabgp", 30),
    Case("exabgp", agent_dead=True),
    Case("exabgp", 5, tor="bird", agent_dead=True, password=True),
    Case("exabgp", tor="bird", stall=True),
    Case("relay"),
    Case("relay", tor="bird", password=True),
    Case("speaker"),
    Case("speaker", 5, tor="bird"),
    Case("speaker", 5, agent_dead=True, password=True),
    Case("agent", tor="bird"),
    Case("agent", 5, password=True),
    Case("agent", 30),
    Case("node"),
    Case("node", 5, stall=True),
    Case("node", 30),
    Case("node", 30, tor="bird"),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a case gave.

    Attributes:
        case: what was done.
        crossed: flows over each ToR before the fault.
        flapped: for each ToR, whether its session with the node is another one than before the fault.
        result: what the probes lost.

    """

    case: Case
    crossed: tuple[int, ...]
    flapped: tuple[bool, ...]
    result: probes.ProbeResult

    def __str__(self) -> str:
        """One row of the table."""
        worst = self.result.worst
        return (
            f"{self.case!s:40} lost {worst.lost:4} of {worst.sent:5}, longest gap"
            f" {self.result.longest_gap_ms:7.1f} ms, flows over tor1 and tor2 {self.crossed},"
            f" sessions {'new' if any(self.flapped) else 'kept'}"
        )


def run(case: Case, work: Path) -> Outcome:
    """Bring the rig up, do what the case says under the probe, take it down.

    Raises:
        LabError: the lab did not come up, or did not settle before or after the fault.

    """
    environment = {
        **os.environ,
        "NODE": case.node,
        "TOR": case.tor,
        "PASSWORD": "md5" if case.password else "none",
        "SPEAKER": "graceful" if case.graceful else "plain",
    }
    options = reading.Options(work, environment, name_prefix=f"t{os.getpid()}-")
    started: list[subprocess.Popen[bytes]] = []
    try:
        with life.running(reading.read(FOLDER, options), work, print) as lab:
            return _Rig(lab, case, started).outcome()
    finally:
        for process in started:
            process.wait(GONE)


class _Rig:
    """A rig that is up."""

    def __init__(self, lab: Lab, case: Case, started: "list[subprocess.Popen[bytes]]") -> None:
        self._lab = lab
        self._case = case
        self._started = started
        self._node = lab.node("node")
        self._tors = [lab.node(name) for name in TORS]

    def outcome(self) -> Outcome:
        if self._case.node == "bare":
            self._start_exabgp()
        self._settle()
        vm = probes.Place(self._lab.node("vm"), VM)
        pod = probes.Place(self._node, POD, pod="pod1")
        for tor in self._tors:
            crossing.watch(tor)
        with probes.flowing(vm, pod) as probe:
            probe.wait_until_flowing()
            probe.mark()
            time.sleep(BEFORE)
            crossed = tuple(
                len(crossing.crossed(probe.flows, {}, crossing.counts(tor))) for tor in self._tors
            )
            before = [session(tor) for tor in self._tors]
            self._inflict(before)
            self._settle()
            time.sleep(AFTER)
            flapped = tuple(session(tor) != then for tor, then in zip(self._tors, before, strict=True))
            return Outcome(self._case, crossed, flapped, probe.finish())

    def _inflict(self, before: list[str]) -> None:
        with ExitStack() as agent:
            if self._case.agent_dead:
                agent.enter_context(faults.dead(self._node, "agent"))
            with faults.dead(self._node, self._case.victim):
                time.sleep(self._case.down)
            self._restart()
            if self._case.agent_dead and self._case.victim in {"speaker", "node"}:
                agent.close()
            if self._case.stall:
                self._stall(before[0])
            if self._case.ends_sessions:
                self._wait_for_new_sessions(before)
            if self._case.agent_dead:
                time.sleep(LATE)

    def _restart(self) -> None:
        """Start what nobody keeps: the whole node, or the bare ExaBGP."""
        if self._case.node == "bare":
            self._start_exabgp()
        elif self._case.victim == "node":
            self._lab.start_programs(self._lab.topology.nodes["node"])

    def _start_exabgp(self) -> None:
        self._started.append(self._node.spawn("exabgp", "/etc/exabgp/exabgp.conf"))

    def _stall(self, before: str) -> None:
        """Stop tor1's routing program as soon as its session is a new one."""
        tor = self._tors[0]
        faults.until(f"a new session of {tor.name}", partial(_is_new, tor, before), PATIENCE)
        with faults.stopped(tor, "bgpd" if self._case.tor == "frr" else "bird"):
            time.sleep(STALL)

    def _wait_for_new_sessions(self, before: list[str]) -> None:
        for tor, then in zip(self._tors, before, strict=True):
            faults.until(f"a new session of {tor.name}", partial(_is_new, tor, then), PATIENCE)

    def _settle(self) -> None:
        """Wait until both ToRs hold a fresh route to the block, and leaf and node use both."""
        for tor in self._tors:
            faults.until(f"{tor.name} has a fresh route to {BLOCK}", partial(fresh, tor), PATIENCE)
        for name, prefix in (("leaf", BLOCK), ("node", VM_PREFIX)):
            both = partial(_has_both, self._lab.node(name), prefix)
            faults.until(f"{name} has two ways to {prefix}", both, PATIENCE)


def _has_both(node: RunningNode, prefix: str) -> bool:
    routes = node.ip_json("route", "show", prefix)
    return bool(routes) and len(routes[0].get("nexthops", [])) == len(TORS)


def _is_new(tor: RunningNode, before: str) -> bool:
    return session(tor) not in {"", before}


def fresh(tor: RunningNode) -> bool:
    """Whether the ToR has the node's block from a session that is up, and it is not stale."""
    if tor.image == "frr":
        shown = json.loads(tor.run("vtysh", "-c", f"show bgp ipv4 unicast {BLOCK} json").stdout or "{}")
        return any(not path.get("stale") for path in shown.get("paths", []))
    told = _bird_session(tor)
    stale = "graceful restart active" in told
    return "Established" in told and not stale and BLOCK in tor.run("birdc", "show route").stdout


def session(tor: RunningNode) -> str:
    """What tells the ToR's session with the node from a later one; empty when it is not up."""
    if tor.image == "frr":
        shown = json.loads(tor.run("vtysh", "-c", "show bgp neighbors json").stdout or "{}")
        told = shown.get(NODES[tor.name], {})
        return f"port {told['portForeign']}" if told.get("bgpState") == "Established" else ""
    words = _bird_session(tor).split()
    return f"since {words[3]}" if "Established" in words else ""


def _bird_session(tor: RunningNode) -> str:
    return tor.run("birdc", "show protocols all node_1").stdout.partition("node_1")[2]


def main() -> int:
    """Run the chosen cases."""
    chosen = [case for case in ALL if all(word in str(case).split("-") for word in sys.argv[1:])]
    with tempfile.TemporaryDirectory(prefix="bgpnet-rig-") as work:
        for case in chosen:
            print(run(case, Path(work)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
