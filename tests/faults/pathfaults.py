"""Faults of routers, links and power.

Each is a block: inside it the fault is there and has been noticed, after it, it is mended. It gives the
milliseconds that something else than the flows took, where that is what is measured.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from tests.faults.fabric import BACK, PATIENCE, SEEN, Fabric
from tests.netlab import faults
from tests.netlab.node import RunningNode

KEEPALIVE: Final = 3.0
"""Seconds between two KEEPALIVEs of a router, the last of which may have come through."""
CUT: Final = "bgpnet_fault_cut"


@contextmanager
def tor_daemon_restarted(fabric: Fabric) -> Iterator[float]:
    """The routing daemon of tor1 is killed and started anew, as a helper only."""
    _restart_daemon(fabric, graceful=False)
    yield 0


@contextmanager
def tor_daemon_restarted_gracefully(fabric: Fabric) -> Iterator[float]:
    """The routing daemon of tor1 is killed and restarts gracefully; its kernel forwards meanwhile."""
    _restart_daemon(fabric, graceful=True)
    yield 0


def _restart_daemon(fabric: Fabric, *, graceful: bool) -> None:
    tor = fabric.tor
    if tor.image == "frr":
        faults.kill(tor, "bgpd")
        line = "/usr/lib/frr/bgpd -d -A 127.0.0.1 --log file:/var/log/node.log && vtysh -b"
    else:
        faults.kill(tor, "bird")
        line = "bird -c /etc/bird/bird.conf -s /run/bird/bird.ctl" + (" -R" if graceful else "")
    time.sleep(BACK)
    tor.run("sh", "-c", line).checked(f"{tor.name}: {line}")
    time.sleep(SEEN)
    fabric.settle()


@contextmanager
def uplink_of_tor_cut(fabric: Fabric) -> Iterator[float]:
    """The link between tor1 and the leaf has no carrier any more."""
    with _cut(fabric.tor, "eth1", SEEN):
        yield 0


@contextmanager
def link_of_node_cut(fabric: Fabric) -> Iterator[float]:
    """The link between node1 and tor1 has no carrier any more; tor1's bridge keeps its own by other nodes."""
    with _cut(fabric.tor, "eth2", fabric.silence):
        yield 0


@contextmanager
def _cut(node: RunningNode, link: str, seen: float) -> Iterator[None]:
    node.run("ip", "link", "set", link, "down").checked("ip")
    try:
        time.sleep(seen)
        yield
    finally:
        node.run("ip", "link", "set", link, "up").checked("ip")


@contextmanager
def link_of_node_deaf(fabric: Fabric) -> Iterator[float]:
    """Nothing of tor1 comes in at node1; all keeps carrier."""
    with _hears_nothing(fabric.node, "eth1", fabric.silence):
        yield 0


@contextmanager
def link_of_node_dumb(fabric: Fabric) -> Iterator[float]:
    """Nothing of node1 comes in at tor1; all keeps carrier."""
    with _hears_nothing(fabric.tor, "eth2", fabric.silence):
        yield 0


@contextmanager
def _hears_nothing(node: RunningNode, link: str, silence: float) -> Iterator[None]:
    """What arrives is lost, as by dead optics: a sender's kernel knows of what is dropped on its own side."""
    chain = f"chain in {{ type filter hook ingress device {link} priority -500; policy drop; }}"
    rules = f"nft -f - <<'X'\ntable netdev {CUT} {{\n{chain}\n}}\nX"
    node.run_in_network("sh", "-c", rules).checked("nft")
    try:
        time.sleep(silence + KEEPALIVE)
        yield
    finally:
        node.run_in_network("nft", "delete", "table", "netdev", CUT).checked("nft")


@contextmanager
def tor_off_with_carrier_loss(fabric: Fabric) -> Iterator[float]:
    """Tor1 has no power; its links go dark."""
    with fabric.off(fabric.tor, dark=True):
        time.sleep(SEEN)
        yield 0


@contextmanager
def tor_off_in_silence(fabric: Fabric) -> Iterator[float]:
    """Tor1 has no power; its neighbours keep their carrier."""
    with fabric.off(fabric.tor, dark=False):
        time.sleep(fabric.silence)
        yield 0


@contextmanager
def node_off(fabric: Fabric) -> Iterator[float]:
    """Node2 has no power, in silence: measured is the time until no ToR has a route to it."""
    begun = time.monotonic()
    with fabric.off(fabric.node2, dark=False):
        gone = lambda: not any(fabric.has_route(tor, "node2") for tor in fabric.tors)  # noqa: E731 - said once
        faults.until("no ToR has a route to node2", gone, PATIENCE)
        yield (time.monotonic() - begun) * 1000
