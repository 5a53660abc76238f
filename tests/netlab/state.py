"""What a lab has made, written down before it is made, so that anyone can take it away again."""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.netlab import interrupts, processes
from tests.netlab.errors import LabSetupError
from tests.netlab.node import RunningNode

HOME = Path("/run/bgpnet-netlab")
"""One directory a lab. It is the lab's lock (flock) and holds its state; it goes with the lab."""
FILE = "state.json"
FRESH = "state.json.new"
PATIENCE = 20.0
"""Seconds to wait for a lab that is just being taken down."""


@dataclass(frozen=True, slots=True)
class LabState:
    """Everything of a lab that exists outside its own mount namespaces.

    `file` is its topology, as an absolute path.
    `links` are interfaces in the root namespace; `pids` are PID 1 of the nodes as seen from outside, with
    their start time in clock ticks (proc(5), field 22), so that a PID given to another process is not taken
    for the node's.
    """

    name: str
    file: str
    namespaces: tuple[str, ...]
    links: tuple[str, ...]
    nodes: tuple[RunningNode, ...] = ()
    pids: tuple[tuple[int, int], ...] = ()
    runner: int = 0
    """PID of the run that the lab ends with; 0: it is up until somebody takes it down."""

    @property
    def kept(self) -> bool:
        """Whether the lab is meant to be up without a run."""
        return self.runner == 0


def directory(name: str) -> Path:
    """Where a lab's state stands."""
    return HOME / name


def write(state: LabState) -> None:
    """Replace the lab's state atomically."""
    fresh = directory(state.name) / FRESH
    fresh.write_text(json.dumps(asdict(state), default=str))
    fresh.replace(directory(state.name) / FILE)


def read(name: str) -> LabState | None:
    """The state of a lab, or None when it made nothing."""
    try:
        raw = json.loads((directory(name) / FILE).read_text())
    except FileNotFoundError:
        return None
    nodes = tuple(RunningNode(**{**node, "log": Path(node["log"])}) for node in raw["nodes"])
    return LabState(
        name=raw["name"],
        file=raw["file"],
        namespaces=tuple(raw["namespaces"]),
        links=tuple(raw["links"]),
        nodes=nodes,
        pids=tuple((pid, start) for pid, start in raw["pids"]),
        runner=raw["runner"],
    )


def without_run(file: Path) -> list[str]:
    """Names of the labs of this topology that are there while no run holds them."""
    names = [path.name for path in HOME.iterdir()] if HOME.exists() else []
    known = [each for each in map(read, names) if each is not None]
    return [each.name for each in known if each.file == str(file) and not processes.alive(each.runner)]


def forget(name: str) -> None:
    """Remove the lab's state: it made nothing any more."""
    for file in (FILE, FRESH):  # the fresh one is there when its writer was stopped
        (directory(name) / file).unlink(missing_ok=True)


@contextmanager
def held(name: str) -> Iterator[None]:
    """Nobody else touches this lab inside the block.

    Raises:
        LabSetupError: somebody does, or we may not.

    """
    if os.geteuid() != 0:
        raise LabSetupError("network namespaces need root: run it as root")
    locks: list[int] = []
    deadline = time.monotonic() + PATIENCE
    try:
        while not locks:
            with interrupts.deferred():
                locks += _try_lock(directory(name))
            if not locks:
                _refuse_living_runner(name, deadline)
                time.sleep(0.05)
        yield
    finally:
        if locks:
            with interrupts.ignored():
                _unlock(name, locks[0])


def _try_lock(path: Path) -> list[int]:
    """The handle of the locked directory, if nobody else has locked it."""
    path.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return []  # the one before us took the directory away
    with suppress(BlockingIOError, FileNotFoundError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(handle).st_ino == path.stat().st_ino:
            return [handle]
    os.close(handle)
    return []


def _unlock(name: str, handle: int) -> None:
    with suppress(OSError):
        (directory(name) / "scratch").rmdir()
    with suppress(OSError):  # state is still there: the lab stays up
        directory(name).rmdir()
        HOME.rmdir()
    os.close(handle)


def _refuse_living_runner(name: str, deadline: float) -> None:
    """Complain about the run that holds a lab; one that is being taken down is waited for."""
    known = read(name)
    if known is not None and processes.alive(known.runner):
        raise LabSetupError(
            f"lab {name} is in use by another run (process {known.runner}): wait for its end, or give this"
            " lab another name"
        )
    if time.monotonic() > deadline:
        raise LabSetupError(f"lab {name} is in use and does not get free: try again in a moment")
