"""Namespaces, links, routes, addresses and journal of a CNI node, held against each other."""

from collections.abc import Mapping

from bgpnet.drivers import podjournal
from tests.cninode import CniNode
from tests.netns import Namespace


def audit(node: CniNode, pods: Mapping[str, Namespace]) -> dict[str, frozenset[str]]:
    """The addresses of each container that is attached, with eth0 in its pod, and of no other.

    Raises:
        AssertionError: something is there without its counterpart.
    """
    routes: dict[str, set[str]] = {}
    for address, link in node.routes().items():
        routes.setdefault(link, set()).add(address)
    found: dict[str, frozenset[str]] = {}
    for host_end in node.host.ip_json("link", "show", "type", "veth"):
        alias = host_end.get("ifalias", "")
        word, _network, container, ifname, addresses = alias.split(" ")
        assert (word, ifname) == ("bgpnet/1", "eth0"), alias
        assert container not in found, f"{container} has two links"
        found[container] = frozenset(addresses.split(","))
        assert routes.pop(host_end["ifname"], set()) == found[container], f"routes of {container}"
    assert not routes, "routes to no link"
    held = [address for addresses in found.values() for address in addresses]
    assert len(set(held)) == len(held), f"an address twice: {sorted(held)}"
    for container, pod in pods.items():
        there = {
            entry["local"]
            for link in pod.ip_json("address", "show")
            if link["ifname"] == "eth0"
            for entry in link["addr_info"]
        }
        assert there == found.get(container, frozenset()), f"addresses in the pod of {container}"
    journal = podjournal.read(node.run_dir / "cni" / "pods.jsonl").pods
    recorded = {str(address): record.attachment.container for address, record in journal.items()}
    for address, container in recorded.items():
        assert address in found.get(container, frozenset()), f"the journal gives {address} to {container}"
    return found
