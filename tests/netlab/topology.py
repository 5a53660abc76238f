"""A lab as it will run: nodes with everything inherited filled in, and links between them. Immutable."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.netlab.topofile import HealthCheck, Stage, StageExec

ROOT = "host"
"""The pseudo node of an endpoint in the root namespace."""


@dataclass(frozen=True, slots=True)
class Bind:
    """A file or directory of the host that the node sees at `target`."""

    source: Path
    target: str
    read_only: bool


@dataclass(frozen=True, slots=True)
class StagePlan:
    """What hangs on one stage of a node: (node, stage) pairs to wait for, and commands."""

    wait_for: tuple[tuple[str, Stage], ...] = ()
    exec: tuple[StageExec, ...] = ()


@dataclass(frozen=True, slots=True)
class Node:
    """One node of the lab.

    `container` is what containerlab calls it. `namespace` is the same name in /run/netns; of a node of kind
    host or bridge, or with network-mode host, it is empty: the root namespace. `shares` names the node whose
    namespace it uses (network-mode container:N).
    """

    name: str
    kind: str
    container: str
    namespace: str
    image: str = ""
    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    binds: tuple[Bind, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    exec: tuple[tuple[str, ...], ...] = ()
    sysctls: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    shares: str = ""
    healthcheck: HealthCheck | None = None
    stages: Mapping[Stage, StagePlan] = field(default_factory=dict)

    @property
    def has_processes(self) -> bool:
        """Whether the node is a machine of its own: a bridge or the host itself is not."""
        return self.kind == "linux"

    @property
    def namespace_owner(self) -> bool:
        """Whether a network namespace is made for this node."""
        return bool(self.namespace) and not self.shares


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One end of a link. `node` is a node's name, or ROOT."""

    node: str
    interface: str
    mac: str | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A veth pair. `mtu` in bytes."""

    ends: tuple[Endpoint, Endpoint]
    mtu: int


@dataclass(frozen=True, slots=True)
class Topology:
    """A lab. `name` already has the prefix that the caller asked for."""

    name: str
    file: Path
    nodes: Mapping[str, Node]
    links: tuple[Link, ...]
    notices: tuple[str, ...] = ()
    """What was accepted and has no meaning on network namespaces, in words."""

    @property
    def folder(self) -> Path:
        """The folder that relative paths start from."""
        return self.file.parent

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Names of the network namespaces that the lab has of its own."""
        return tuple(node.namespace for node in self.nodes.values() if node.namespace_owner)

    @property
    def root_interfaces(self) -> tuple[str, ...]:
        """Names of the links' ends in the root namespace."""
        ends = (end for link in self.links for end in link.ends)
        return tuple(end.interface for end in ends if not self.namespace_of(end.node))

    def namespace_of(self, name: str) -> str:
        """The namespace that a node's interfaces are in; empty for the root namespace."""
        node = self.nodes.get(name)
        if node is None:
            return ""
        return self.nodes[node.shares].namespace if node.shares else node.namespace
