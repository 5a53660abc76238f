"""One node of lab.clab.yml: what it inherits filled in, and every complaint about its fields."""

import shlex
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from tests.netlab import expand, images, inheritance, linkreading, nodeenv
from tests.netlab.topofile import NodeFields, Stage, StageFields, TopologyFile
from tests.netlab.topology import ROOT, Bind, Node, StagePlan
from tests.netlab.yamlfile import Findings
from tests.netlab.yamlfile import Path as Place

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
_BIND_MODES = frozenset({"", "ro", "rw", "z", "Z"})


class NodeReader:
    """Reads the nodes of one file."""

    def __init__(
        self, file: TopologyFile, path: Path, findings: Findings, *, prefix: str, shell: Mapping[str, str]
    ) -> None:
        self._file = file
        self._path = path
        self._folder = path.parent
        self._findings = findings
        self._prefix = prefix
        self._lab = prefix + file.name
        self._shell = shell

    def read(self, name: str) -> Node:
        """The node of this name."""
        levels = inheritance.levels(self._file.topology, name)
        here: Place = ("topology", "nodes", name)
        kind = inheritance.most_specific(level.kind for level in levels)
        if kind is None:
            self._findings.complain(
                (*here, "kind"), None, "is missing: write 'kind: linux' here or under topology.defaults"
            )
            kind = "linux"
        if name == ROOT or name in linkreading.SPECIAL_ENDS:
            self._findings.complain(
                here, None, f"{name!r} is a word of links, not of nodes: give the node another name"
            )
        if kind != "linux":
            self._check_bystander(here, name, kind)
            return Node(name, kind, container="", namespace="")
        mode = inheritance.most_specific(level.network_mode for level in levels) or "none"
        image = inheritance.most_specific(level.image for level in levels)
        if image is None:
            self._findings.complain((*here, "image"), None, f"is missing: name one of {images.names()}")
        elif images.find(image) is None:
            self._findings.complain(
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
            entrypoint=self._argv(
                (*here, "entrypoint"), inheritance.most_specific(level.entrypoint for level in levels)
            ),
            cmd=self._argv((*here, "cmd"), inheritance.most_specific(level.cmd for level in levels)),
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
            healthcheck=inheritance.most_specific(level.healthcheck for level in levels),
            stages=_stages(levels, words),
        )

    def _check_bystander(self, here: Place, name: str, kind: str) -> None:
        """A bridge and the host exist already: nothing runs in them for the lab's sake."""
        own = self._file.topology.nodes[name] or NodeFields()
        for field in ("exec", "entrypoint", "cmd", "binds", "stages", "sysctls"):
            if getattr(own, field):
                remedy = (
                    f"a node of kind {kind} runs nothing here: remove it, or use a stage's exec with"
                    " 'target: host' of a linux node"
                )
                self._findings.complain((*here, field), None, remedy)

    def _own_labels(self, name: str, levels: list[NodeFields]) -> dict[str, str]:
        """The labels that containerlab gives every node."""
        return {
            "containerlab": self._file.name,
            "clab-node-name": name,
            "clab-node-longname": self._container(name),
            "clab-node-kind": "linux",
            "clab-node-group": inheritance.most_specific(level.group for level in levels) or "",
            "clab-node-lab-dir": self._words(name)["clabNodeDir"],
            "clab-topo-file": str(self._path),
        }

    def _container(self, node: str) -> str:
        prefix = self._file.prefix
        if prefix == "":
            return f"{self._prefix}{node}"
        if prefix == "__lab-name":
            return f"{self._lab}-{node}"
        return f"{prefix or 'clab'}-{self._lab}-{node}"

    def _words(self, node: str) -> dict[str, str]:
        home = self._folder / f"clab-{self._file.name}"
        return {
            "clabNodeName": node,
            "clabLabName": home.name,
            "clabNodeDir": str(home / node),
            "clabDir": str(home),
        }

    def _argv(self, path: Place, command: str | None) -> tuple[str, ...] | None:
        if command is None:
            return None
        try:
            return tuple(shlex.split(command))
        except ValueError as error:
            self._findings.complain(path, command, f"cannot be split into words ({error}): close the quotes")
            return None

    def _binds(self, here: Place, levels: Iterable[NodeFields], words: Mapping[str, str]) -> Iterator[Bind]:
        by_target: dict[str, tuple[str, Bind]] = {}
        for text in (text for level in levels for text in level.binds):
            source, _, rest = expand.magic(text, words).partition(":")
            target, _, mode = rest.partition(":")
            modes = set(mode.split(","))
            if not source or not target.startswith("/") or not modes <= _BIND_MODES:
                self._findings.complain((*here, "binds"), text, "must be SOURCE:/TARGET or SOURCE:/TARGET:ro")
                continue
            path = (self._folder / Path(source).expanduser()).resolve()
            by_target[target.rstrip("/")] = (text, Bind(path, target, "ro" in modes))
        for text, bind in by_target.values():
            if not bind.source.exists():
                self._findings.complain(
                    (*here, "binds"), text, f"there is no {bind.source}: make it, or mend the path"
                )
            yield bind

    def _environment(
        self, here: Place, levels: list[NodeFields], labels: Mapping[str, str]
    ) -> dict[str, str]:
        environment: dict[str, str] = {}
        for name in (name for level in levels for name in level.env_files):
            path = self._folder / Path(name).expanduser()
            try:
                environment.update(nodeenv.file_variables(path.read_text(encoding="utf-8")))
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or str(error)
                self._findings.complain(
                    (*here, "env-files"), name, f"cannot be read ({reason}): mend the path"
                )
        own = [{key: _text(value) for key, value in level.env.items()} for level in levels]
        environment.update(nodeenv.imported(own, self._shell))
        for variables in own:
            environment.update(variables)
        environment.pop(nodeenv.IMPORT, None)
        environment.update(nodeenv.label_variables(labels))
        return environment

    def _sysctls(self, here: Place, levels: Iterable[NodeFields], mode: str) -> dict[str, str]:
        sysctls = {key: value for level in levels for key, value in level.sysctls.items()}
        for key, value in sysctls.items():
            if not key.startswith("net."):
                self._findings.complain(
                    (*here, "sysctls", key), value, "only settings below net. belong to a node: remove it"
                )
            elif mode == "host":
                remedy = "with network-mode host it would change this machine's own settings: remove it"
                self._findings.complain((*here, "sysctls", key), value, remedy)
        return sysctls if mode != "none" else {**INHERITED_SYSCTLS, **sysctls}


def _stages(levels: Iterable[NodeFields], words: Mapping[str, str]) -> dict[Stage, StagePlan]:
    plans: dict[Stage, StagePlan] = {}
    for level in levels:
        for stage, fields in level.stages.items():
            plans[stage] = _extended(plans.get(stage, StagePlan()), fields or StageFields(), words)
    return plans


def _extended(plan: StagePlan, fields: StageFields, words: Mapping[str, str]) -> StagePlan:
    commands = tuple(
        each.model_copy(update={"command": expand.magic(each.command, words)}) for each in fields.exec
    )
    waits = tuple((each.node, each.stage) for each in fields.wait_for)
    return StagePlan((*plan.wait_for, *waits), (*plan.exec, *commands))


def _text(value: str | None) -> str:
    return "" if value is None else value
