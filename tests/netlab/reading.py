"""lab.clab.yml -> Topology: expansion, inheritance, and every check that needs no kernel."""

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from tests.netlab import expand, images, labfolder, nodeenv
from tests.netlab.errors import Complaint, LabFileError, LabSetupError
from tests.netlab.friendly import validate
from tests.netlab.stages import cycle
from tests.netlab.topofile import (
    IGNORED,
    OUTSIDE,
    VERBATIM,
    AnyLink,
    BriefLink,
    HostLink,
    NodeFields,
    Stage,
    StageFields,
    TopologyFile,
)
from tests.netlab.topology import ROOT, Bind, Endpoint, Link, Node, StagePlan, Topology
from tests.netlab.yamlfile import Document, parse

T = TypeVar("T")

DEFAULT_MTU = 9500
"""Bytes; containerlab's default for its links."""
INHERITED_SYSCTLS: Mapping[str, str] = MappingProxyType(
    {
        "net.ipv4.ip_forward": "1",
        "net.ipv4.conf.all.rp_filter": "0",
        "net.ipv4.conf.default.rp_filter": "0",
        "net.ipv6.conf.all.disable_ipv6": "0",
    }
)
"""What a container of containerlab starts with. Docker and containerlab set the first three on the host, and
containers inherit them (runtime/docker/docker.go); the last one is set in the node (nodes/linux/linux.go)."""
_INTERFACE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$")
_SPECIAL_ENDS = frozenset({"mgmt-net", "macvlan", "vxlan", "vxlan-stitch", "dummy"})
"""First words of containerlab's endpoints that are no nodes, beside `host`."""
_BIND_MODES = frozenset({"", "ro", "rw", "z", "Z"})


@dataclass(frozen=True, slots=True)
class Options:
    """What the caller adds to a lab folder.

    `name_prefix` goes before the lab's name (and before a node's where the lab has no prefix), so that one
    folder can run twice at once. `work` gets one directory per lab: logs, tables, captures.
    """

    work: Path
    environment: Mapping[str, str]
    name_prefix: str = ""


def read(place: Path, options: Options) -> Topology:
    """The lab of a folder, or of a topology file named outright.

    Raises:
        LabSetupError: there is no such folder or file.
        LabFileError: with every complaint at once.

    """
    path = labfolder.find(place).topology
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise LabSetupError(f"{path}: cannot be read ({reason})") from error
    document = parse(expand.variables(text, options.environment), str(path), VERBATIM)
    file = validate(TopologyFile, document, OUTSIDE)
    return _Reading(document, file, path, options).topology()


class _Reading:
    """One pass over a validated file that collects complaints instead of stopping at the first."""

    def __init__(self, document: Document, file: TopologyFile, path: Path, options: Options) -> None:
        self._document = document
        self._file = file
        self._path = path
        self._folder = path.parent
        self._options = options
        self._complaints: list[Complaint] = []
        self._name = options.name_prefix + file.name

    def topology(self) -> Topology:
        nodes = {name: self._node(name) for name in self._file.topology.nodes}
        links = tuple(self._links(nodes))
        self._check_references(nodes)
        nodes = {name: _with_interface_env(node, links) for name, node in nodes.items()}
        if self._complaints:
            raise LabFileError(tuple(sorted(set(self._complaints))))
        return Topology(self._name, self._path, nodes, links, tuple(self._notices()))

    def _complain(self, path: tuple[str | int, ...], found: object, remedy: str) -> None:
        self._complaints.append(self._document.complaint(path, found, remedy))

    # --- nodes -----------------------------------------------------------------------------------------

    def _levels(self, name: str) -> list[NodeFields]:
        """From the most general to the node itself."""
        topology = self._file.topology
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

    def _node(self, name: str) -> Node:
        levels = self._levels(name)
        here: tuple[str | int, ...] = ("topology", "nodes", name)
        kind = _last(level.kind for level in levels)
        if kind is None:
            self._complain(
                (*here, "kind"), None, "is missing: write 'kind: linux' here or under topology.defaults"
            )
            kind = "linux"
        if name == ROOT or name in _SPECIAL_ENDS:
            self._complain(
                here, None, f"{name!r} is a word of links, not of nodes: give the node another name"
            )
        if kind != "linux":
            self._check_bystander(here, name, kind)
            return Node(name, kind, container="", namespace="")
        mode = _last(level.network_mode for level in levels) or "none"
        image = _last(level.image for level in levels)
        if image is None:
            self._complain((*here, "image"), None, f"is missing: name one of {images.names()}")
        elif images.find(image) is None:
            self._complain(
                (*here, "image"), image, f"this runner has no such image: use one of {images.names()}"
            )
        words = self._words(name)
        labels = {key: _text(value) for level in levels for key, value in level.labels.items()}
        return Node(
            name,
            kind,
            container=self._container(name),
            namespace="" if mode == "host" else self._container(name),
            image=image or "",
            entrypoint=self._argv((*here, "entrypoint"), _last(level.entrypoint for level in levels)),
            cmd=self._argv((*here, "cmd"), _last(level.cmd for level in levels)),
            binds=tuple(self._binds(here, levels, words)),
            env=self._environment(here, levels, {**labels, **self._own_labels(name, levels)}),
            exec=tuple(
                argv
                for level in levels
                for command in level.exec
                if (argv := self._argv((*here, "exec"), expand.magic(command, words)))
            ),
            sysctls=self._sysctls(here, levels, mode),
            labels=labels,
            shares=mode.removeprefix("container:") if mode.startswith("container:") else "",
            healthcheck=_last(level.healthcheck for level in levels),
            stages=_stages(levels, words),
        )

    def _check_bystander(self, here: tuple[str | int, ...], name: str, kind: str) -> None:
        """A bridge and the host exist already: nothing runs in them for the lab's sake."""
        own = self._file.topology.nodes[name] or NodeFields()
        for field in ("exec", "entrypoint", "cmd", "binds", "stages", "sysctls"):
            if getattr(own, field):
                remedy = (
                    f"a node of kind {kind} runs nothing here: remove it, or use a stage's exec with"
                    " 'target: host' of a linux node"
                )
                self._complain((*here, field), None, remedy)

    def _own_labels(self, name: str, levels: list[NodeFields]) -> dict[str, str]:
        """The labels that containerlab gives every node."""
        return {
            "containerlab": self._file.name,
            "clab-node-name": name,
            "clab-node-longname": self._container(name),
            "clab-node-kind": "linux",
            "clab-node-group": _last(level.group for level in levels) or "",
            "clab-node-lab-dir": self._words(name)["clabNodeDir"],
            "clab-topo-file": str(self._path),
        }

    def _container(self, node: str) -> str:
        prefix = self._file.prefix
        if prefix == "":
            return f"{self._options.name_prefix}{node}"
        if prefix == "__lab-name":
            return f"{self._name}-{node}"
        return f"{prefix or 'clab'}-{self._name}-{node}"

    def _words(self, node: str) -> dict[str, str]:
        home = self._folder / f"clab-{self._file.name}"
        return {
            "clabNodeName": node,
            "clabLabName": home.name,
            "clabNodeDir": str(home / node),
            "clabDir": str(home),
        }

    def _argv(self, path: tuple[str | int, ...], command: str | None) -> tuple[str, ...] | None:
        if command is None:
            return None
        try:
            return tuple(shlex.split(command))
        except ValueError as error:
            self._complain(path, command, f"cannot be split into words ({error}): close the quotes")
            return None

    def _binds(
        self, here: tuple[str | int, ...], levels: Iterable[NodeFields], words: Mapping[str, str]
    ) -> Iterator[Bind]:
        by_target: dict[str, tuple[str, Bind]] = {}
        for text in (text for level in levels for text in level.binds):
            source, _, rest = expand.magic(text, words).partition(":")
            target, _, mode = rest.partition(":")
            modes = set(mode.split(","))
            if not source or not target.startswith("/") or not modes <= _BIND_MODES:
                self._complain((*here, "binds"), text, "must be SOURCE:/TARGET or SOURCE:/TARGET:ro")
                continue
            path = (self._folder / Path(source).expanduser()).resolve()
            by_target[target.rstrip("/")] = (text, Bind(path, target, "ro" in modes))
        for text, bind in by_target.values():
            if not bind.source.exists():
                self._complain(
                    (*here, "binds"), text, f"there is no {bind.source}: make it, or mend the path"
                )
            yield bind

    def _environment(
        self, here: tuple[str | int, ...], levels: list[NodeFields], labels: Mapping[str, str]
    ) -> dict[str, str]:
        environment: dict[str, str] = {}
        for name in (name for level in levels for name in level.env_files):
            path = self._folder / Path(name).expanduser()
            try:
                environment.update(nodeenv.file_variables(path.read_text(encoding="utf-8")))
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or str(error)
                self._complain((*here, "env-files"), name, f"cannot be read ({reason}): mend the path")
        own = [{key: _text(value) for key, value in level.env.items()} for level in levels]
        environment.update(nodeenv.imported(own, self._options.environment))
        for variables in own:
            environment.update(variables)
        environment.pop(nodeenv.IMPORT, None)
        environment.update(nodeenv.label_variables(labels))
        return environment

    def _sysctls(
        self, here: tuple[str | int, ...], levels: Iterable[NodeFields], mode: str
    ) -> dict[str, str]:
        sysctls = {key: value for level in levels for key, value in level.sysctls.items()}
        for key, value in sysctls.items():
            if not key.startswith("net."):
                self._complain(
                    (*here, "sysctls", key), value, "only settings below net. belong to a node: remove it"
                )
            elif mode == "host":
                remedy = "with network-mode host it would change this machine's own settings: remove it"
                self._complain((*here, "sysctls", key), value, remedy)
        return sysctls if mode != "none" else {**INHERITED_SYSCTLS, **sysctls}

    # --- links -----------------------------------------------------------------------------------------

    def _links(self, nodes: Mapping[str, Node]) -> Iterator[Link]:
        used: dict[tuple[str, str], int] = {}
        for index, each in enumerate(self._file.topology.links):
            ends = _ends(each)
            for end in ends:
                self._check_end(("topology", "links", index), end, nodes)
                key = (_network_of(end.node, nodes), end.interface)
                if used.setdefault(key, index) != index or ends[0] == ends[1]:
                    self._complain(
                        ("topology", "links", index),
                        f"{end.node}:{end.interface}",
                        "this interface is the end of two links: give one of them another name",
                    )
            yield Link(ends, each.mtu or DEFAULT_MTU)

    def _check_end(self, path: tuple[str | int, ...], end: Endpoint, nodes: Mapping[str, Node]) -> None:
        spelled = f"{end.node}:{end.interface}"
        if end.node in _SPECIAL_ENDS:
            remedy = f"links of type {end.node} are outside the subset: use veth, or host:INTERFACE"
            self._complain(path, spelled, remedy)
        elif end.node != ROOT and end.node not in nodes:
            self._complain(path, spelled, f"there is no node {end.node!r}: the nodes are {', '.join(nodes)}")
        elif not _INTERFACE.match(end.interface):
            self._complain(
                path, spelled, "an interface has 1 to 15 letters, digits, dots, dashes, underscores"
            )
        elif end.interface == "lo":
            self._complain(path, spelled, "lo is the loopback interface: use eth1, eth2, …")
        elif end.interface == "eth0" and end.node in nodes and not self._without_management(end.node):
            remedy = "eth0 is Docker's own interface: use eth1, or give the node 'network-mode: none'"
            self._complain(path, spelled, remedy)

    def _without_management(self, node: str) -> bool:
        return _last(level.network_mode for level in self._levels(node)) == "none"

    # --- across nodes ----------------------------------------------------------------------------------

    def _check_references(self, nodes: Mapping[str, Node]) -> None:
        for name, node in nodes.items():
            here = ("topology", "nodes", name)
            if node.shares and not (node.shares in nodes and nodes[node.shares].namespace_owner):
                remedy = "must be container: and the name of another node that has a network of its own"
                self._complain((*here, "network-mode"), f"container:{node.shares}", remedy)
            for stage, plan in node.stages.items():
                self._check_stage((*here, "stages", stage), node, stage, nodes)
                for other, awaited in plan.wait_for:
                    self._check_wait((*here, "stages", stage, "wait-for"), other, awaited, nodes)
        if not self._complaints:
            circle = cycle(nodes)
            if circle:
                told = " -> ".join(f"{node}/{stage}" for node, stage in circle)
                self._complain(
                    ("topology", "nodes", circle[0][0], "stages"), told, "waits for itself: break the circle"
                )

    def _check_stage(
        self, here: tuple[str | int, ...], node: Node, stage: Stage, nodes: Mapping[str, Node]
    ) -> None:
        if stage in {"healthy", "exit"}:
            self._check_wait(here, node.name, stage, nodes)
        early = [
            each.command
            for each in node.stages[stage].exec
            if (stage, each.phase, each.target) == ("create", "on-enter", "container")
        ]
        for command in early:
            remedy = "the node is not there yet: use 'phase: on-exit' or 'target: host'"
            self._complain((*here, "exec"), command, remedy)

    def _check_wait(
        self, place: tuple[str | int, ...], other: str, awaited: str, nodes: Mapping[str, Node]
    ) -> None:
        if other not in nodes:
            self._complain(place, other, f"there is no such node: the nodes are {', '.join(nodes)}")
        elif not nodes[other].has_processes:
            self._complain(
                place, other, f"a node of kind {nodes[other].kind} has no stages: wait for another"
            )
        elif awaited == "healthy" and nodes[other].healthcheck is None:
            self._complain(place, other, f"can never be healthy: give node {other} a healthcheck")
        elif awaited == "exit" and not runs_program(nodes[other]):
            self._complain(place, other, f"can never exit, as it runs no program: give node {other} a cmd")

    def _notices(self) -> Iterator[str]:
        topology = self._file.topology
        levels: list[NodeFields | None] = [
            topology.defaults,
            *topology.kinds.values(),
            *topology.groups.values(),
        ]
        levels += topology.nodes.values()
        said = {
            field.replace("_", "-") for level in levels if level for field in level.model_fields_set
        } & IGNORED
        said |= {field for field in ("mgmt", "settings") if getattr(self._file, field) is not None}
        if any(link.ipv4 or link.ipv6 for link in topology.links if not isinstance(link, HostLink)):
            yield "ipv4 and ipv6 of links are not set on linux nodes, as in containerlab: use exec"
        if said:
            yield f"for Docker only, without effect here: {', '.join(sorted(said))}"


def runs_program(node: Node) -> bool:
    """Whether the node has a program that keeps running, and so may end."""
    image = images.find(node.image)
    return bool(node.entrypoint or node.cmd or (image is not None and image.command))


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


def _with_interface_env(node: Node, links: Iterable[Link]) -> Node:
    """CLAB_INTFS is the number of links that containerlab will attach to the node."""
    count = sum(end.node == node.name for link in links for end in link.ends)
    return replace(node, env={**node.env, "CLAB_INTFS": str(count)})


def _stages(levels: Iterable[NodeFields], words: Mapping[str, str]) -> dict[Stage, StagePlan]:
    plans: dict[Stage, StagePlan] = {}
    for level in levels:
        for stage, fields in level.stages.items():
            plans[stage] = _extended(plans.get(stage, StagePlan()), fields, words)
    return plans


def _extended(plan: StagePlan, fields: StageFields, words: Mapping[str, str]) -> StagePlan:
    commands = tuple(
        each.model_copy(update={"command": expand.magic(each.command, words)}) for each in fields.exec
    )
    waits = tuple((each.node, each.stage) for each in fields.wait_for)
    return StagePlan((*plan.wait_for, *waits), (*plan.exec, *commands))


def _last(values: Iterable[T | None]) -> T | None:
    found = None
    for value in values:
        found = found if value is None else value
    return found


def _text(value: str | None) -> str:
    return "" if value is None else value
