"""lab.clab.yml -> Topology: expansion, inheritance, and every check that needs no kernel."""

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from tests.netlab import expand, images
from tests.netlab.errors import Complaint, LabFileError, LabSetupError
from tests.netlab.friendly import validate
from tests.netlab.stages import cycle
from tests.netlab.topofile import (
    IGNORED,
    OUTSIDE,
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

FILE = "lab.clab.yml"
DEFAULT_MTU = 9500
"""Bytes; containerlab's default for its links."""
_INTERFACE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$")


@dataclass(frozen=True, slots=True)
class Options:
    """What the caller adds to a lab folder.

    `name_prefix` goes before the lab's name (and before a node's where the lab has no prefix), so that one
    folder can run twice at once. `work` gets one directory per lab: logs, tables, captures.
    """

    work: Path
    environment: Mapping[str, str]
    name_prefix: str = ""


def read(folder: Path, options: Options) -> Topology:
    """The lab of a folder.

    Raises:
        LabSetupError: there is no such folder or file.
        LabFileError: with every complaint at once.

    """
    path = folder / FILE
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise LabSetupError(f"{path}: cannot be read ({reason}): name a folder that has a {FILE}") from error
    document = parse(expand.variables(text, options.environment), str(path))
    file = validate(TopologyFile, document, OUTSIDE)
    return _Reading(document, file, folder.resolve(), options).topology()


class _Reading:
    """One pass over a validated file that collects complaints instead of stopping at the first."""

    def __init__(self, document: Document, file: TopologyFile, folder: Path, options: Options) -> None:
        self._document = document
        self._file = file
        self._folder = folder
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
        return Topology(self._name, self._folder, nodes, links, tuple(self._notices()))

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
        if kind != "linux":
            return Node(name, kind, namespace="")
        mode = _last(level.network_mode for level in levels) or "none"
        image = _last(level.image for level in levels)
        if image is None:
            self._complain((*here, "image"), None, f"is missing: name one of {images.names()}")
        elif images.find(image) is None:
            self._complain(
                (*here, "image"), image, f"this runner has no such image: use one of {images.names()}"
            )
        words = self._words(name)
        return Node(
            name,
            kind,
            namespace="" if mode == "host" else self._namespace(name),
            image=image or "",
            entrypoint=self._argv((*here, "entrypoint"), _last(level.entrypoint for level in levels)),
            cmd=self._argv((*here, "cmd"), _last(level.cmd for level in levels)),
            binds=tuple(self._binds(here, levels, words)),
            env=self._environment(here, levels),
            exec=tuple(
                argv
                for level in levels
                for command in level.exec
                if (argv := self._argv((*here, "exec"), expand.magic(command, words)))
            ),
            sysctls=self._sysctls(here, levels),
            labels={key: _text(value) for level in levels for key, value in level.labels.items()},
            shares=mode.removeprefix("container:") if mode.startswith("container:") else "",
            healthcheck=_last(level.healthcheck for level in levels),
            stages=_stages(levels, words),
        )

    def _namespace(self, node: str) -> str:
        prefix = self._file.prefix
        if prefix == "":
            return f"{self._options.name_prefix}{node}"
        if prefix == "__lab-name":
            return f"{self._name}-{node}"
        return f"{prefix or 'clab'}-{self._name}-{node}"

    def _words(self, node: str) -> dict[str, str]:
        work = self._options.work / self._name
        return {
            "clabNodeName": node,
            "clabLabName": f"clab-{self._name}",
            "clabNodeDir": str(work / node),
            "clabDir": str(work),
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
            if not source or not target.startswith("/") or mode not in {"", "ro", "rw"}:
                self._complain((*here, "binds"), text, "must be SOURCE:/TARGET or SOURCE:/TARGET:ro")
                continue
            path = (self._folder / Path(source).expanduser()).resolve()
            by_target[target.rstrip("/")] = (text, Bind(path, target, mode == "ro"))
        for text, bind in by_target.values():
            if not bind.source.exists():
                self._complain(
                    (*here, "binds"), text, f"there is no {bind.source}: make it, or mend the path"
                )
            yield bind

    def _environment(self, here: tuple[str | int, ...], levels: list[NodeFields]) -> dict[str, str]:
        environment: dict[str, str] = {}
        for name in (name for level in levels for name in level.env_files):
            path = self._folder / Path(name).expanduser()
            try:
                lines = path.read_text(encoding="utf-8").splitlines()
            except OSError as error:
                self._complain(
                    (*here, "env-files"), name, f"cannot be read ({error.strerror}): mend the path"
                )
                continue
            for line in lines:
                key, separator, value = line.partition("=")
                if separator and not key.lstrip().startswith("#"):
                    environment[key.strip()] = value.strip()
        for level in levels:
            environment.update({key: _text(value) for key, value in level.env.items()})
            environment.update(
                {f"CLAB_LABEL_{_env_name(key)}": _text(value) for key, value in level.labels.items()}
            )
        return environment

    def _sysctls(self, here: tuple[str | int, ...], levels: Iterable[NodeFields]) -> dict[str, str]:
        sysctls = {key: _text(value) for level in levels for key, value in level.sysctls.items()}
        for key, value in sysctls.items():
            if not key.startswith("net."):
                self._complain(
                    (*here, "sysctls", key), value, "only settings below net. belong to a node: remove it"
                )
        return sysctls

    # --- links -----------------------------------------------------------------------------------------

    def _links(self, nodes: Mapping[str, Node]) -> Iterator[Link]:
        used: dict[tuple[str, str], int] = {}
        for index, each in enumerate(self._file.topology.links):
            ends = _ends(each)
            for end in ends:
                self._check_end(("topology", "links", index), end, nodes)
                key = (nodes[end.node].namespace if end.node in nodes else ROOT, end.interface)
                if used.setdefault(key, index) != index or ends[0] == ends[1]:
                    self._complain(
                        ("topology", "links", index),
                        f"{end.node}:{end.interface}",
                        "this interface is the end of two links: give one of them another name",
                    )
            yield Link(ends, each.mtu or DEFAULT_MTU)

    def _check_end(self, path: tuple[str | int, ...], end: Endpoint, nodes: Mapping[str, Node]) -> None:
        spelled = f"{end.node}:{end.interface}"
        if end.node != ROOT and end.node not in nodes:
            self._complain(path, spelled, f"there is no node {end.node!r}: the nodes are {', '.join(nodes)}")
        elif not _INTERFACE.match(end.interface):
            self._complain(
                path, spelled, "an interface has 1 to 15 letters, digits, dots, dashes, underscores"
            )
        elif end.interface == "lo":
            self._complain(path, spelled, "lo is the loopback interface: use eth1, eth2, …")

    # --- across nodes ----------------------------------------------------------------------------------

    def _check_references(self, nodes: Mapping[str, Node]) -> None:
        for name, node in nodes.items():
            here = ("topology", "nodes", name)
            if node.shares and (node.shares not in nodes or nodes[node.shares].shares or node.shares == name):
                remedy = "must be container: and the name of another node that has a namespace of its own"
                self._complain((*here, "network-mode"), f"container:{node.shares}", remedy)
            for stage, plan in node.stages.items():
                for other, awaited in plan.wait_for:
                    place = (*here, "stages", stage, "wait-for")
                    if other not in nodes:
                        self._complain(
                            place, other, f"there is no such node: the nodes are {', '.join(nodes)}"
                        )
                    elif awaited == "healthy" and nodes[other].healthcheck is None:
                        self._complain(place, other, f"can never be healthy: give node {other} a healthcheck")
        if not self._complaints:
            circle = cycle(nodes)
            if circle:
                told = " -> ".join(f"{node}/{stage}" for node, stage in circle)
                self._complain(
                    ("topology", "nodes", circle[0][0], "stages"), told, "waits for itself: break the circle"
                )

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
        if said:
            yield f"for Docker only, without effect here: {', '.join(sorted(said))}"


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


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _env_name(label: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "_", label).upper()
