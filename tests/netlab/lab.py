"""Bringing a lab up: namespaces, files, links, programs, commands, in the order of its stages."""

import os
import shlex
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import contextmanager
from pathlib import Path

from tests.netlab import captures, command, firstprocess, fitness, health, images, kernel, stages, state
from tests.netlab.errors import LabRunError
from tests.netlab.node import BASE_ENVIRONMENT, RunningNode
from tests.netlab.processes import start_time
from tests.netlab.programs import Failure, Programs
from tests.netlab.topology import ROOT, Link, Node, Topology

Say = Callable[[str], None]
"""Tells a person what happens, one line at a time."""

REPOSITORY = images.REPOSITORY
EXEC_TIMEOUT = 120.0
"""Seconds for one command of `exec`."""
LOOK_EVERY = 0.2
"""Seconds between two looks at what the nodes are doing."""
SAY_EVERY = 5.0
"""Seconds between two words about work that goes on."""

_DONE: dict[stages.Phase, str] = {
    "create": "namespaces, files",
    "create-links": "links up, programs started",
    "exec": "commands of exec run",
    "healthy": "healthy",
    "exit": "exited",
}
"""What a person reads when nodes have gone through a phase."""


class Lab:
    """A lab on network namespaces. `life.running` is the way to have one; `life.take_down` ends it."""

    def __init__(self, topology: Topology, work: Path, say: Say) -> None:
        self.topology = topology
        self.work = work / topology.name
        self.nodes: dict[str, RunningNode] = {}
        self._say = say
        self._links_made: set[Link] = set()
        self._inits: list[firstprocess.FirstProcess] = []
        self._programs = Programs()
        self._doing: dict[str, str] = {}
        self._given_up = threading.Event()
        self._captures = captures.Captures()
        self._captured = False

    def node(self, name: str) -> RunningNode:
        """The handle of a node.

        Raises:
            LabRunError: there is none of this name.

        """
        if name not in self.nodes:
            raise LabRunError(f"there is no running node {name!r}: the nodes are {', '.join(self.nodes)}")
        return self.nodes[name]

    def failures(self) -> list[Failure]:
        """Programs of nodes that have ended with an error."""
        return list(self._programs.failures())

    # --- up --------------------------------------------------------------------------------------------

    def capture_all(self) -> None:
        """Capture every node's packets from the moment that it has links; `save_captures` ends it."""
        self._captured = True

    def save_captures(self) -> None:
        """End the captures of `capture_all`; the files are whole."""
        self._captures.stop()

    def up(self) -> None:
        """Bring the lab up.

        Raises:
            LabError: it could not be; what was made so far is in its state, for `life.take_down`.

        """
        fitness.check(self.topology)
        if self.work.exists():
            shutil.rmtree(self.work)
        self.work.mkdir(parents=True)
        self._write_state()
        done: set[stages.Step] = set()
        watched: dict[Future[None], stages.Step] = {}
        with self._pool(2 * len(self.topology.nodes)) as pool:
            while steps := stages.ready(done, self.topology.nodes):
                begun = time.monotonic()
                if steps[0][1] in stages.ACTS:
                    self._carry_out(steps)
                else:
                    fresh = [step for step in steps if step not in watched.values()]
                    watched.update({pool.submit(self._watch, step): step for step in fresh})
                    finished = self._wait({each: step[0] for each, step in watched.items()}, FIRST_COMPLETED)
                    steps = tuple(watched.pop(each) for each in finished)
                done.update(steps)
                self._tell_done(steps, time.monotonic() - begun)
        self._programs.watch_young_ones()
        self._complain_of_dead_programs()

    def _tell_done(self, steps: tuple[stages.Step, ...], seconds: float) -> None:
        for phase, words in _DONE.items():
            who = ", ".join(name for name, each in steps if each == phase)
            if who:
                self._say(f"  {words}: {who} ({seconds:.1f} s)")

    def keep(self) -> None:
        """The lab is up and stays up when this process ends."""
        self._write_state(kept=True)

    def give_up(self) -> None:
        """Wait for nothing any more."""
        self._given_up.set()
        self._captures.stop()

    def collect(self) -> None:
        """Collect the dead processes, so that none stays a zombie of ours."""
        for first in self._inits:
            first.collect()
        self._programs.collect()

    def _write_state(self, *, kept: bool = False) -> None:
        pids = [(node.pid, start_time(node.pid)) for node in self.nodes.values()]
        state.write(
            state.LabState(
                self.topology.name,
                str(self.topology.file),
                self.topology.namespaces,
                self.topology.root_interfaces,
                tuple(self.nodes.values()),
                tuple(pids),
                runner=0 if kept else os.getpid(),
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
                self._create_links()
                if self._captured:
                    self._captures.start(self.nodes.values(), self.work / "captures", captures.WHOLE_RUN)
                self._at_once(self.start_programs, nodes)
            case "exec":
                self._at_once(self._exec, nodes)
            case _:
                pass  # configure is for containerlab's post-deploy actions: none for kind linux
        self._stage_commands(nodes, phase, "on-exit")
        self._complain_of_dead_programs()

    def _create(self, nodes: list[Node]) -> None:
        kernel.batch(f"netns add {node.namespace}" for node in nodes if node.namespace_owner)
        scratch = state.directory(self.topology.name) / "scratch"
        scratch.mkdir(exist_ok=True)
        for node in nodes:
            log = self.work / f"{node.name}.log"
            log.write_bytes(b"")
            log.chmod(0o666)  # routers write their log under users of their own
            self._inits.append(firstprocess.start(node, self.topology.namespace_of(node.name), log, scratch))
        fresh = self._inits[-len(nodes) :]
        for first in fresh:
            self.nodes[first.node.name] = self._handle(first.node, first.answer())
        self._write_state()
        for first in fresh:
            first.stay()

    def _handle(self, node: Node, pid: int) -> RunningNode:
        environment = {**BASE_ENVIRONMENT, "HOSTNAME": node.name, **node.env}
        image = images.find(node.image)
        if image is not None and image.own_python:
            environment["PATH"] = f"{images.OWN_PROGRAMS}:{environment['PATH']}"
        return RunningNode(
            node.name,
            self.topology.namespace_of(node.name),
            node.image,
            pid,
            environment,
            self.work / f"{node.name}.log",
        )

    def _create_links(self) -> None:
        """Make every link whose two ends are there by now."""
        reached = {ROOT, *self.nodes} | {n.name for n in self.topology.nodes.values() if not n.has_processes}
        fresh = [
            (number, link)
            for number, link in enumerate(self.topology.links)
            if link not in self._links_made and all(end.node in reached for end in link.ends)
        ]
        kernel.batch(
            kernel.create_link(link, [self.topology.namespace_of(end.node) for end in link.ends], number)
            for number, link in fresh
        )
        self._links_made.update(link for _, link in fresh)
        by_namespace: dict[str, list[str]] = {}
        for end in (end for _, link in fresh for end in link.ends):
            lines = by_namespace.setdefault(self.topology.namespace_of(end.node), [])
            lines.append(f"link set {end.interface} up")
            node = self.topology.nodes.get(end.node)
            if node is not None and node.kind == "bridge":
                lines.append(f"link set {end.interface} master {node.name}")
        for namespace, lines in by_namespace.items():
            kernel.batch(lines, namespace=namespace)

    def start_programs(self, node: Node) -> None:
        """Start what the node's image runs, or its own `entrypoint` and `cmd`."""
        self._doing[node.name] = "its programs start"
        self._programs.start(node, self.nodes[node.name])

    def _exec(self, node: Node) -> None:
        for argv in node.exec:
            self._doing[node.name] = " ".join(argv)
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

    def _watch(self, step: stages.Step) -> None:
        """Wait until a node is healthy or has exited."""
        node, phase = self.topology.nodes[step[0]], step[1]
        self._doing[node.name] = f"until it is {_DONE[phase]}"
        self._stage_commands([node], phase, "on-enter")
        if phase == "exit":
            self._programs.wait_exit(node.name)
        else:
            assert node.healthcheck is not None  # the reader refuses a wait for health without a check
            health.wait(self.nodes[node.name], node.healthcheck, self._given_up)
        self._stage_commands([node], phase, "on-exit")

    def _at_once(self, act: Callable[[Node], None], nodes: list[Node]) -> None:
        """Do it for all nodes at once; the first failure counts, the others are given up."""
        with self._pool(len(nodes)) as pool:
            self._wait({pool.submit(act, node): node.name for node in nodes}, ALL_COMPLETED)

    @contextmanager
    def _pool(self, threads: int) -> Iterator[ThreadPoolExecutor]:
        """Threads that nobody waits for at the end: what they wait for is killed when the lab goes down."""
        pool = ThreadPoolExecutor(max_workers=max(1, threads))
        try:
            yield pool
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _wait(self, under_way: Mapping[Future[None], str], until: str) -> set[Future[None]]:
        """Wait for all or the first of these; the finished ones.

        Says what is awaited when it takes long, and does not wait on when a program has died meanwhile.

        Args:
            under_way: node's name by what is done for it.
            until: ALL_COMPLETED or FIRST_COMPLETED.

        Raises:
            LabError: one of them failed, or a program died.

        """
        begun = said = time.monotonic()
        while True:
            finished, left = wait_for(under_way, LOOK_EVERY, FIRST_COMPLETED)
            for future in finished:
                future.result()
            self._complain_of_dead_programs()
            if not left or (finished and until == FIRST_COMPLETED):
                return finished
            if finished:
                wait_for(left, LOOK_EVERY)
            if time.monotonic() - said > SAY_EVERY:
                said = time.monotonic()
                names = sorted({under_way[each] for each in left})
                awaited = "; ".join(f"{name}: {self._doing[name]}" for name in names)
                self._say(f"  … {said - begun:.0f} s: {awaited}")

    def _complain_of_dead_programs(self) -> None:
        for failure in self._programs.failures():
            raise LabRunError(str(failure))
