"""`make demo`: a legacy VM reaches pods on two nodes through two ToRs, and keeps reaching them."""

import contextlib
import os
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from tests.netlab import crossing, faults, footprint, interrupts, life, probes, reading
from tests.netlab.errors import LabError
from tests.netlab.lab import REPOSITORY, Lab
from tests.netlab.node import RunningNode

FOLDER = REPOSITORY / "containerlab" / "dual-tor"
BGPNET = str(Path(sys.executable).with_name("bgpnet"))
PATIENCE = 30.0
"""Seconds for anything to come true."""

PICTURE = """
                 vm  192.0.2.10, knows only its gateway
                  |
                leaf  AS 65000
               /      \\
      tor1 AS 65001   tor2 AS 65002
        |      \\      /      |
        |       \\    /       |
      node1 AS 64512   node2 AS 64512
      10.244.1.0/26    10.244.2.0/26    two pods on each
"""


class StepFailedError(Exception):
    """A step of the demo did not hold."""


def main() -> int:
    """Run every step; 0 only if each held."""
    started = time.monotonic()
    try:
        with interrupts.raised():
            run()
    except (LabError, StepFailedError) as error:
        print(f"\nThe demo failed: {error}", file=sys.stderr)
        return 1
    except interrupts.Interrupted as interrupted:
        with contextlib.suppress(OSError):  # the terminal may be gone
            print("\nInterrupted; everything is taken down again.", file=sys.stderr)
        return interrupted.exit_code
    print(f"\nEvery step held. {time.monotonic() - started:.0f} s in all.")
    return 0


def run() -> None:
    """The lab around the steps."""
    work = REPOSITORY / "build" / "labs"
    topology = reading.read(FOLDER, reading.Options(work, os.environ, name_prefix="demo-"))
    say("Starting the lab: two nodes, two ToRs, a leaf router and a VM, in network namespaces.")
    print(PICTURE)
    with life.running(topology, work, print) as lab:
        show(lab)
    say("Everything is taken down again.")


def show(lab: Lab) -> None:
    """The steps."""
    vm, node1, leaf, tor1 = (lab.node(name) for name in ("vm", "node1", "leaf", "tor1"))
    say("Waiting until both ToRs carry the pods' prefixes to the leaf.")
    until(
        "two next hops for each node's block on the leaf",
        lambda: ecmp(leaf, "10.244.1.0/26", "10.244.2.0/26"),
    )
    until("a route to the VM over both ToRs on node1", lambda: ecmp(node1, "192.0.2.0/24"))
    say("What node1 says of itself (bgpnet status):")
    print(node1.run(BGPNET, "status").checked("bgpnet status").stdout)
    say("What tor1's kernel has learned (ip route show proto bgp):")
    print(tor1.run("ip", "route", "show", "proto", "bgp").checked("ip route").stdout)
    say("The VM fetches a page from a pod of each node; the pod sees the VM's own address.")
    for address in ("10.244.1.1", "10.244.2.1"):
        page = vm.run("curl", "-sS", "--max-time", "5", f"http://{address}/").checked("curl").stdout
        if "sees 192.0.2.10" not in page:
            raise StepFailedError(f"the pod at {address} answered {page!r}, not with the VM's address")
        print(f"  http://{address}/  ->  {page.strip()}")
    say("What node1's processes weigh (proportional set size):")
    sizes = footprint.memory(node1)
    print("".join(f"  {role:8} {size:5.1f} MiB\n" for role, size in sizes.items()), end="")
    print(f"  {'together':8} {sum(sizes.values()):5.1f} MiB")

    fault(lab, "The agent of node1 is killed (kill -9) and kept away for 10 s.", 0, lambda: kill_agent(node1))
    fault(
        lab,
        "ExaBGP of node1 is killed (kill -9); its supervisor starts it again.",
        0,
        lambda: kill_exabgp(node1),
    )
    fault(
        lab,
        "tor1 is powered off: its links go dark. Traffic goes on through tor2.",
        100,
        lambda: power_off(tor1),
    )
    pages = [
        vm.run("curl", "-sS", "--max-time", "5", f"http://10.244.{n}.1/").checked("curl").stdout
        for n in (1, 2)
    ]
    print("".join(f"  {page.strip()}\n" for page in pages), end="")


def fault(lab: Lab, what: str, allowed: int, act: Callable[[], None]) -> None:
    """Do it under 32 probes; at most `allowed` packets of one flow may be lost (100 a second and flow)."""
    say(what)
    vm, node1 = lab.node("vm"), lab.node("node1")
    routers = [lab.node("tor1"), lab.node("tor2")]
    with flows(vm, node1) as probe:
        probe.wait_until_flowing()
        for router in routers:
            crossing.watch(router)
        time.sleep(0.5)
        crossed = [len(crossing.crossed(probe.flows, {}, crossing.counts(router))) for router in routers]
        probe.mark()
        act()
        result = probe.finish()
    worst = result.worst
    print(
        f"  {len(result.flows)} flows, {crossed[0]} over tor1 and {crossed[1]} over tor2 before; worst flow: "
        f"{worst.lost} of {worst.sent} packets lost, longest gap {result.longest_gap_ms:.0f} ms"
    )
    if 0 in crossed:
        raise StepFailedError("the flows did not cross both ToRs, so the step proves nothing")
    if worst.lost > allowed:
        raise StepFailedError(f"flow {worst.flow.name} lost {worst.lost} packets; at most {allowed} may be")


def flows(vm: RunningNode, node: RunningNode) -> AbstractContextManager[probes.Probe]:
    """Half of the flows from the VM to a pod, half back."""
    return probes.flowing(probes.Place(vm, "192.0.2.10"), probes.Place(node, "10.244.1.1", "pod11"))


def kill_agent(node: RunningNode) -> None:
    """Kill the agent and keep it dead for 10 s; return when it is back and has settled."""
    with faults.dead(node, "agent"):
        time.sleep(10)
    until("the agent is back", lambda: node.run(BGPNET, "status").code in (0, 1))
    time.sleep(2)


def kill_exabgp(node: RunningNode) -> None:
    """Kill ExaBGP and wait until both sessions are back and told everything."""
    faults.kill(node, "exabgp")
    time.sleep(1)
    until("both sessions are back", lambda: node.run(BGPNET, "status").code == 0)
    time.sleep(2)


def power_off(router: RunningNode) -> None:
    """The router is gone, its links dark; long enough for everyone to have noticed."""
    faults.power_off(router, links_go_dark=True)
    time.sleep(4)


def ecmp(router: RunningNode, *prefixes: str) -> bool:
    """Whether the kernel has two next hops for each prefix."""
    routes = {route["dst"]: route.get("nexthops", []) for route in router.ip_json("route")}
    return all(len(routes.get(prefix, [])) == len(("tor1", "tor2")) for prefix in prefixes)


def until(what: str, holds: Callable[[], bool]) -> None:
    """Wait for it, and say how long it took."""
    print(f"  after {faults.until(what, holds, PATIENCE):.1f} s: {what}")


def say(line: str) -> None:
    """One step."""
    print(f"\n== {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
