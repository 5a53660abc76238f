"""What a node inherits: node > group > kind > defaults (docs/manual/topo-def-file.md, "Groups"). Pure."""

from collections.abc import Iterable
from typing import TypeVar

from tests.netlab.topofile import NodeFields, TopologyFields

T = TypeVar("T")


def levels(topology: TopologyFields, name: str) -> list[NodeFields]:
    """What is said of a node, from the most general to the node itself."""
    own = topology.nodes[name] or NodeFields()
    defaults = topology.defaults or NodeFields()
    group_name = own.group or defaults.group
    group = NodeFields()
    if group_name is not None and group_name in topology.groups:
        group = topology.groups[group_name] or NodeFields()
    kind_name = own.kind or group.kind or defaults.kind
    kind = NodeFields()
    if kind_name is not None and kind_name in topology.kinds:
        kind = topology.kinds[kind_name] or NodeFields()
    return [defaults, kind, group, own]


def most_specific(values: Iterable[T | None]) -> T | None:
    """The last value that says something, or None."""
    found = None
    for value in values:
        found = found if value is None else value
    return found
