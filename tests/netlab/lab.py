"""Bringing a lab up: namespaces, files, links, programs, commands, in the order of its stages."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.netlab import command, images, kernel, stages, state
from tests.netlab.errors import LabRunError, LabSetupError
from tests.netlab.node import BASE_ENVIRONMENT, RunningNode
from tests.netlab.processes import start_time
from tests.netlab.topology import ROOT, Link, Node, Topology

Say = Callable[[str], None]
"""Tells a person what happens, one line at a time."""

INIT = Path(__file__).parent / "inside" / "init.py"
REPOSITORY = Path(__file__).resolve().parents[2]
EXEC_TIMEOUT = 120.0
"""Seconds for one command of `exec`."""
EXIT_TIMEOUT = 120.0
"""Seconds for a node that is awaited to exit."""
COLLECT_TIMEOUT = 10.0
"""Seconds for a killed process to end."""


class Lab:
    """A lab on network namespaces. `life.running` is the way to have one; `life.take_down` ends it."""

    def __init__(self, topology: Topology, work: Path, say: Say) -> None:
        self.topology = topology
        self.work = work / topology.name
        self.nodes: dict[str, RunningNode] = {}
        self._say = say
        self._links_made: set[Link] = set()
        self._inits: list[subprocess.Popen[bytes]] = []
        self._started: dict[str, subprocess.Popen[bytes]] = {}

    def node(self, name: str) -> RunningNode:
        """The handle of a node.

        Raises:
            LabRunError: there is none of this name.

        """
        if name not in self.nodes:
            raise LabRunError(f"there is no running node {name!r}: the nodes are {', '.join(self.nodes)}")
        return self.nodes[name]

    # --- up --------------------------------------------------------------------------------------------

    def up(self) -> None:
        """Bring the lab up.

        Raises:
            LabError: it could not be; what was made so far is in its state, for `life.take_down`.

        """
        self._check_host()
        self.work.mkdir(parents=True, exist_ok=True)
        self._write_state()
        done: set[stages.Step] = set()
        nodes = self.topology.nodes
        while steps := stages.ready(done, nodes):
            self._carry_out(steps)
            done.update(steps)

    def _check_host(self) -> None:
        if os.geteuid() != 0:
            raise LabSetupError("network namespaces need root: run it as root")
        missing = {
            f"{program} (apt-get install {package})"
            for node in self.topology.nodes.values()
            if node.has_processes and (image := images.find(node.image))
            for program, package in image.programs.items()
            if not _found(program)
        }
        if missing:
            raise LabSetupError(f"programs are missing: {', '.join(sorted(missing))}")
        taken = [name for name in self._namespaces() if kernel.exists(name)]
        if taken:
            raise LabSetupError(
                f"there are network namespaces of these names already: {', '.join(taken)}:"
                " a containerlab of the same name, or a lab brought up by hand: take it down first"
            )

    def _namespaces(self) -> list[str]:
        return [node.namespace for node in self.topology.nodes.values() if node.namespace and not node.shares]

    def _namespace_of(self, name: str) -> str:
        node = self.topology.nodes.get(name)
        if node is None or not node.has_processes:
            return ""
        return self.topology.nodes[node.shares].namespace if node.shares else node.namespace

    def keep(self) -> None:
        """The lab is up and stays up when this process ends."""
        self._write_state(kept=True)

    def collect(self) -> None:
        """Collect the lab's dead processes, so that none stays a zombie of ours."""
        for process in (*self._inits, *self._started.values()):
            process.wait(COLLECT_TIMEOUT)

    def _write_state(self, *, kept: bool = False) -> None:
        links = [
            end.interface
            for link in self.topology.links
            for end in link.ends
            if not self._namespace_of(end.node)
        ]
        pids = [(node.pid, start_time(node.pid)) for node in self.nodes.values()]
        state.write(
            state.LabState(
                self.topology.name,
                str(self.topology.folder),
                tuple(self._namespaces()),
                tuple(links),
                tuple(self.nodes.values()),
                tuple(pids),
                kept=kept,
            )
        )

    def _carry_out(self, steps: tuple[stages.Step, ...]) -> None:
        phase = steps[0][1]
        nodes = [self.topology.nodes[name] for name, _ in steps]
        self._stage_commands(nodes, phase, "on-enter")
        match phase:
            case "create":
                self._create(nodes)
            case "create-links":
                self._create_links(nodes)
                self._start(nodes)
            case "exec":
                self._at_once(self._exec, nodes)
            case "healthy":
                self._at_once(self._wait_healthy, nodes)
            case "exit":
                self._at_once(self._wait_exit, nodes)
            case "configure":
                pass  # containerlab's post-deploy actions: none for kind linux
        self._stage_commands(nodes, phase, "on-exit")

    def _create(self, nodes: list[Node]) -> None:
        kernel.batch(f"netns add {node.namespace}" for node in nodes if node.namespace and not node.shares)
        self._inits += [self._spawn_init(node) for node in nodes]
        starting = list(zip(nodes, self._inits[-len(nodes) :], strict=True))
        for node, process in starting:
            self._feed(node, process)
        for node, process in starting:
            self.nodes[node.name] = self._answer(node, process)
        self._write_state()

    def _spawn_init(self, node: Node) -> "subprocess.Popen[bytes]":
        namespace = self._namespace_of(node.name)
        entering = ["nsenter", f"--net={kernel.NAMED / namespace}", "--"] if namespace else []
        unsharing = [
            "unshare",
            "--mount",
            "--propagation",
            "private",
            "--pid",
            "--uts",
            "--ipc",
            "--fork",
            "--",
        ]
        return subprocess.Popen(
            [*entering, *unsharing, sys.executable, "-ISE", str(INIT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def _feed(self, node: Node, process: "subprocess.Popen[bytes]") -> None:
        scratch = state.directory(self.topology.name) / "scratch"
        scratch.mkdir(exist_ok=True)
        log = self._log(node)
        log.write_bytes(b"")
        log.chmod(0o666)  # routers write their log under users of their own
        image = images.find(node.image)
        binds = [{"source": str(log), "target": "/var/log/node.log", "read_only": False}]
        # The programs of the repository, which may stand below a directory that the node has of its own.
        binds.append({"source": str(REPOSITORY), "target": str(REPOSITORY), "read_only": True})
        binds += [{"source": str(b.source), "target": b.target, "read_only": b.read_only} for b in node.binds]
        spec = {
            "hostname": node.name,
            "scratch": str(scratch),
            "hidden": dict(image.hidden) if image else {},
            "binds": binds,
            "sysctls": dict(node.sysctls),
        }
        assert process.stdin is not None
        process.stdin.write(json.dumps(spec).encode())
        process.stdin.close()

    def _answer(self, node: Node, process: "subprocess.Popen[bytes]") -> RunningNode:
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stdout.readline()
        answer: dict[str, Any] = (
            json.loads(line) if line else {"error": process.stderr.read().decode(errors="replace")}
        )
        process.stdout.close()
        process.stderr.close()
        if "error" in answer:
            raise LabRunError(f"node {node.name} cannot be made: {answer['error'].strip()}")
        environment = {**BASE_ENVIRONMENT, "HOSTNAME": node.name, **node.env}
        image = images.find(node.image)
        if image is not None and image.own_python:
            environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
        return RunningNode(
            node.name, self._namespace_of(node.name), node.image, answer["pid"], environment, self._log(node)
        )

    def _log(self, node: Node) -> Path:
        return self.work / f"{node.name}.log"

    def _create_links(self, nodes: list[Node]) -> None:
        reached = {ROOT, *self.nodes} | {n.name for n in self.topology.nodes.values() if not n.has_processes}
        del nodes
        fresh = [
            link
            for link in self.topology.links
            if link not in self._links_made and all(end.node in reached for end in link.ends)
        ]
        kernel.batch(
            kernel.create_link(
                link, (self._namespace_of(link.ends[0].node), self._namespace_of(link.ends[1].node))
            )
            for link in fresh
        )
        self._links_made.update(fresh)
        by_namespace: dict[str, list[str]] = {}
        for end in (end for link in fresh for end in link.ends):
            lines = by_namespace.setdefault(self._namespace_of(end.node), [])
            lines.append(f"link set {end.interface} up")
            node = self.topology.nodes.get(end.node)
            if node is not None and node.kind == "bridge":
                lines.append(f"link set {end.interface} master {node.name}")
        for namespace, lines in by_namespace.items():
            kernel.batch(lines, namespace=namespace)

    def _start(self, nodes: list[Node]) -> None:
        self._at_once(self.start_programs, nodes)

    def start_programs(self, node: Node) -> None:
        """Start what the node's image runs, or its own `entrypoint` and `cmd`."""
        image = images.find(node.image)
        assert image is not None
        running = self.nodes[node.name]
        if node.entrypoint is None and image.start and node.cmd is None:
            running.run("sh", "-c", image.start).checked(f"node {node.name} ({node.image}) does not start")
        argv = (*(node.entrypoint or ()), *(node.cmd or ()))
        if not argv:
            argv = tuple(word.format(node=node.name) for word in image.command)
        if argv:
            self._started[node.name] = running.spawn(*argv)

    def _exec(self, node: Node) -> None:
        for argv in node.exec:
            self.nodes[node.name].run(*argv, timeout=EXEC_TIMEOUT).checked(
                f"node {node.name}: exec {' '.join(argv)}"
            )

    def _stage_commands(self, nodes: list[Node], phase: stages.Phase, when: str) -> None:
        for node in nodes:
            plan = None if phase == "exec" else node.stages.get(phase)
            for each in () if plan is None else plan.exec:
                if each.phase == when:
                    self._stage_command(node, each.command, each.target)

    def _stage_command(self, node: Node, line: str, target: str) -> None:
        argv = shlex.split(line)
        where = f"node {node.name}: stage command {line!r}"
        if target == "host":
            command.run(argv, timeout=EXEC_TIMEOUT, directory=str(self.topology.folder)).checked(where)
        else:
            self.node(node.name).run(*argv, timeout=EXEC_TIMEOUT).checked(where)

    def _wait_healthy(self, node: Node) -> None:
        check = node.healthcheck
        assert check is not None  # the reader refuses a wait for health where there is no check
        running = self.nodes[node.name]
        argv = ("sh", "-c", check.test[1]) if check.test[0] == "CMD-SHELL" else tuple(check.test[1:])
        begun = time.monotonic()
        failures = 0
        while True:
            verdict = _verdict(running, argv, check.timeout)
            if not verdict:
                return
            # Docker counts failures only once the start period is over
            failures += time.monotonic() - begun >= check.start_period
            if failures >= check.retries:
                raise LabRunError(f"node {node.name} is not healthy: {' '.join(argv)}: {verdict}")
            time.sleep(check.interval)

    def _wait_exit(self, node: Node) -> None:
        process = self._started.get(node.name)
        if process is None:
            raise LabRunError(f"node {node.name} has no program of its own, so it never exits: give it a cmd")
        try:
            process.wait(EXIT_TIMEOUT)
        except subprocess.TimeoutExpired:
            raise LabRunError(
                f"node {node.name} was awaited to exit and still runs after {EXIT_TIMEOUT:g} s"
            ) from None

    def _at_once(self, act: Callable[[Node], None], nodes: list[Node]) -> None:
        """Do it for all nodes at once; the first failure counts, the others are given up."""
        pool = ThreadPoolExecutor(max_workers=max(1, len(nodes)))
        try:
            for future in [pool.submit(act, node) for node in nodes]:
                future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _verdict(node: RunningNode, argv: tuple[str, ...], timeout: float) -> str:
    """Why a health check failed; empty when it did not."""
    try:
        done = node.run(*argv, timeout=timeout)
    except LabRunError as error:
        return str(error)
    return "" if done.code == 0 else f"exit code {done.code}: {(done.stderr or done.stdout).strip()[-200:]}"


def _found(program: str) -> bool:
    return shutil.which(program, path=BASE_ENVIRONMENT["PATH"]) is not None
