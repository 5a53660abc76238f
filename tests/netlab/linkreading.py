"""The links of lab.clab.yml, brief and long, and every complaint about their ends."""

import re
from collections.abc import Iterator, Mapping

from tests.netlab import inheritance
from tests.netlab.topofile import AnyLink, BriefLink, HostLink, TopologyFields
from tests.netlab.topology import ROOT, Endpoint, Link, Node
from tests.netlab.yamlfile import Findings

DEFAULT_MTU = 9500
"""Bytes; containerlab's default for its links."""
_INTERFACE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$")
SPECIAL_ENDS = frozenset({"mgmt-net", "macvlan", "vxlan", "vxlan-stitch", "dummy"})
"""First words of containerlab's endpoints that are no nodes, beside `host`."""


def links(topology: TopologyFields, nodes: Mapping[str, Node], findings: Findings) -> Iterator[Link]:
    """The links of a topology; complains about ends that cannot be."""
    used: dict[tuple[str, str], int] = {}
    for index, each in enumerate(topology.links):
        ends = _ends(each)
        for end in ends:
            _check_end(topology, index, end, nodes, findings)
            key = (_network_of(end.node, nodes), end.interface)
            if used.setdefault(key, index) != index or ends[0] == ends[1]:
                findings.complain(
                    ("topology", "links", index),
                    f"{end.node}:{end.interface}",
                    "this interface is the end of two links: give one of them another name",
                )
        yield Link(ends, each.mtu or DEFAULT_MTU)


def _check_end(
    topology: TopologyFields, index: int, end: Endpoint, nodes: Mapping[str, Node], findings: Findings
) -> None:
    path = ("topology", "links", index)
    spelled = f"{end.node}:{end.interface}"
    if end.node in SPECIAL_ENDS:
        remedy = f"links of type {end.node} are outside the subset: use veth, or host:INTERFACE"
        findings.complain(path, spelled, remedy)
    elif end.node != ROOT and end.node not in nodes:
        findings.complain(path, spelled, f"there is no node {end.node!r}: the nodes are {', '.join(nodes)}")
    elif not _INTERFACE.match(end.interface):
        findings.complain(
            path, spelled, "an interface has 1 to 15 letters, digits, dots, dashes, underscores"
        )
    elif end.interface == "lo":
        findings.complain(path, spelled, "lo is the loopback interface: use eth1, eth2, …")
    elif end.interface == "eth0" and end.node in nodes and not _without_management(topology, end.node):
        remedy = "eth0 is Docker's own interface: use eth1, or give the node 'network-mode: none'"
        findings.complain(path, spelled, remedy)


def _without_management(topology: TopologyFields, node: str) -> bool:
    return (
        inheritance.most_specific(level.network_mode for level in inheritance.levels(topology, node))
        == "none"
    )


def _network_of(name: str, nodes: Mapping[str, Node]) -> str:
    """The namespace that a node's interfaces are in; empty for the root namespace."""
    node = nodes.get(name)
    if node is None:
        return "" if name == ROOT else name
    return nodes[node.shares].namespace if node.shares in nodes else node.namespace


def _ends(link: AnyLink) -> tuple[Endpoint, Endpoint]:
    if isinstance(link, HostLink):
        end = link.endpoint
        return Endpoint(end.node, end.interface, end.mac), Endpoint(ROOT, link.host_interface)
    if isinstance(link, BriefLink):
        first, second = (Endpoint(*text.split(":", 1)) for text in link.endpoints)
        return first, second
    first, second = (Endpoint(end.node, end.interface, end.mac) for end in link.endpoints)
    return first, second
