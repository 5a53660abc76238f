"""Faults to put a lab under: processes killed and kept dead, routers without power, peers that stall.

Everything is found by the command line inside the node's PID namespace and done from outside, so that a node
needs no tool for it.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from itertools import pairwise
from pathlib import PurePath

from tests.netlab import processes
from tests.netlab.errors import LabRunError
from tests.netlab.lab import Lab
from tests.netlab.node import RunningNode
from tests.netlab.processes import Process

GONE_TIMEOUT = 60.0
"""Seconds for a killed process to end: one that waits for the kernel's lock of links has to get it first."""

KEEPERS = {"agent": "node", "bfd": "node", "cni": "node", "speaker": "node", "exabgp": "speaker"}
"""Who starts a process again when it dies. ExaBGP starts its relay itself, and cannot be stopped for it."""

POWER_TABLE = "bgpnet_lab_power"


def role(argv: Sequence[str]) -> str:
    """What a process is: node, agent, cni, speaker, exabgp or relay of bgpnet, else its program's name."""
    for word, following in pairwise([*argv, ""]):
        name = PurePath(word).name
        if name == "bgpnet":
            return following
        if name in {"exabgp", "bgpnet.speaker.exabgp_entry"}:
            return "exabgp"
        if name.endswith(".py"):
            return name.removesuffix(".py")
    return PurePath(argv[0]).name if argv else ""


def having(node: RunningNode, wanted: str) -> list[Process]:
    """The node's processes with this role."""
    return [process for process in node.processes() if role(process.argv) == wanted]


def kill(node: RunningNode, *roles: str) -> None:
    """`kill -9` every process with one of these roles, all in one go; returns when they are dead.

    Raises:
        LabRunError: a role has no process, or one does not die.

    """
    found = {wanted: having(node, wanted) for wanted in roles}
    missing = [wanted for wanted, those in found.items() if not those]
    if missing:
        running = ", ".join(sorted({role(process.argv) for process in node.processes()}))
        raise LabRunError(f"node {node.name} runs no {' and no '.join(missing)}; it runs {running}")
    pids = [process.pid for those in found.values() for process in those]
    for pid in pids:
        with suppress(ProcessLookupError):  # a child dies with its parent, which was one of them
            os.kill(pid, signal.SIGKILL)
    left = processes.wait_until_gone(pids, GONE_TIMEOUT)
    if left:
        raise LabRunError(f"node {node.name}: {left} survived kill -9 for {GONE_TIMEOUT:g} s")


@contextmanager
def stopped(node: RunningNode, *roles: str) -> Iterator[None]:
    """The processes do not run inside the block, but are there (SIGSTOP, SIGCONT).

    Raises:
        LabRunError: there is none of a role.

    """
    pids = []
    for wanted in roles:
        those = [process.pid for process in having(node, wanted)]
        if not those:
            raise LabRunError(f"node {node.name} runs no {wanted}")
        pids += those
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in filter(processes.alive, pids):
            os.kill(pid, signal.SIGCONT)
            # nsenter stops with the program that it has started, and would not notice its end
            os.kill(processes.parent(pid), signal.SIGCONT)


@contextmanager
def dead(node: RunningNode, victim: str) -> Iterator[None]:
    """The victim is killed and stays dead inside the block: who would start it again is stopped meanwhile.

    What nobody keeps stays dead: start it after the block.
    """
    keeper = KEEPERS.get(victim, "")
    with stopped(node, keeper) if having(node, keeper) else nullcontext():
        kill(node, victim)
        yield


def power_off(router: RunningNode, *, links_go_dark: bool) -> None:
    """Nothing leaves or enters the router any more, and none of its processes runs.

    Args:
        router: the victim.
        links_go_dark: whether its neighbours lose carrier. If not, their links stay up and all is silence: a
            router that hangs, or one behind a media converter.

    """
    links = _links(router)
    if links_go_dark:
        lines = "".join(f"link set {link} down\n" for link in links)
        router.run("ip", "-batch", "-", stdin=lines).checked(f"{router.name}: ip")
    else:
        router.run("nft", "-f", "-", stdin=_silence(links)).checked(f"{router.name}: nft")
    for process in router.processes():
        with suppress(ProcessLookupError):  # likewise
            os.kill(process.pid, signal.SIGKILL)


def power_on(lab: Lab, name: str) -> None:
    """Undo `power_off`, as a router that starts again with the configuration it had."""
    router = lab.node(name)
    lines = "".join(f"link set {link} up\n" for link in _links(router))
    router.run("ip", "-batch", "-", stdin=lines).checked(f"{name}: ip")
    undo = f"table netdev {POWER_TABLE}\ndelete table netdev {POWER_TABLE}\n"
    router.run("nft", "-f", "-", stdin=undo).checked(f"{name}: nft")
    lab.start_programs(lab.topology.nodes[name])


def _links(router: RunningNode) -> list[str]:
    return [link["ifname"] for link in router.ip_json("link", "show", "type", "veth")]


def _silence(links: Sequence[str]) -> str:
    """Rules at the links themselves: also bridged frames, ARP and the kernel's own resets are dropped."""
    chains = "".join(
        f"chain {hook}{number} {{ type filter hook {hook} device {link} priority -500; policy drop; }}\n"
        for number, link in enumerate(links)
        for hook in ("ingress", "egress")
    )
    return f"table netdev {POWER_TABLE} {{\n{chains}}}\n"


def until(what: str, holds: Callable[[], bool], timeout: float) -> float:
    """Wait until it holds; the seconds that it took.

    Raises:
        LabRunError: it did not within `timeout` seconds.

    """
    begun = time.monotonic()
    while not holds():
        if time.monotonic() - begun > timeout:
            raise LabRunError(f"waited {timeout:g} s in vain: {what}")
        time.sleep(0.05)
    return time.monotonic() - begun
