"""What outsiders see of a cluster: packets between the VM and pods, and BGP sessions by the routers' word."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final

from tests.cluster.rig import podimage
from tests.cluster.rig.cluster import Cluster
from tests.netlab import probes

VM: Final = "192.0.2.10"

VM6: Final = "2001:db8:2::10"

Json = dict[str, Any]


def place(running: Cluster, pod: Json) -> probes.Place:
    """Where a pod is."""
    node = running.machines[pod["spec"]["nodeName"]].node
    return probes.Place(node, pod["status"]["podIP"], running.pod_space(pod))


def vm(running: Cluster) -> probes.Place:
    """The VM behind the leaf."""
    return probes.Place(running.lab.node("vm"), VM)


def fetch(one: probes.Place, address: str, port: int = podimage.PORT) -> str:
    """The page of a pod, or of a service, as fetched from somewhere: `POD sees ADDRESS`."""
    url = f"http://{address}:{port}/cgi-bin/who"
    done = one.node.run("curl", "-sS", "--max-time", "5", url, pod=one.pod)
    return done.checked(f"{one.node.name} {one.pod}: curl {url}").stdout.strip()


def address6(pod: Json) -> str:
    """A pod's IPv6 address, as Kubernetes tells it."""
    (found,) = (each["ip"] for each in pod["status"]["podIPs"] if ":" in each["ip"])
    return str(found)


def answers(one: probes.Place, address: str) -> bool:
    """Whether a ping from somewhere comes back, the first one."""
    return one.node.run("ping", "-c", "1", "-W", "2", address, pod=one.pod).code == 0


@contextmanager
def flowing(running: Cluster, *pods: Json) -> Iterator[list[probes.Probe]]:
    """Packets between the VM and each of these pods, and between the first two of them, all the while."""
    places = [place(running, pod) for pod in pods]
    pairs = [(vm(running), each) for each in places]
    if len(places) > 1:
        pairs.append((places[0], places[1]))
    with ExitStack() as stack:
        made = [
            stack.enter_context(probes.flowing(one, other, 8, ports_from=20000 + 500 * number))
            for number, (one, other) in enumerate(pairs)
        ]
        for each in made:
            each.wait_until_flowing()
        for each in made:
            each.mark()
        yield made


def lost(flows: list[probes.Probe]) -> dict[str, int]:
    """Packets lost by each pair's worst flow; the flows end."""
    found = {}
    for each in flows:
        result = each.finish()
        found[f"{each.flows[0].source} {each.flows[0].target}"] = result.lost
    return found


@dataclass(frozen=True)
class Session:
    """A session by a router's word: its state, how often it came up and how often it was lost."""

    state: str
    established: int
    dropped: int


def sessions(running: Cluster) -> dict[str, Session]:
    """Each node's session at each ToR."""
    found = {}
    for tor in ("tor1", "tor2"):
        told = running.lab.node(tor).run("vtysh", "-c", "show bgp neighbors json").checked(tor).stdout
        for peer, each in json.loads(told).items():
            if peer.startswith("10.0."):
                count = (each["connectionsEstablished"], each["connectionsDropped"])
                found[f"{tor} {peer}"] = Session(str(each["bgpState"]), *count)
    return found
