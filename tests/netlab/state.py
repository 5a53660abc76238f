"""What a lab has made, written down before it is made, so that anyone can take it away again."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.netlab.errors import LabSetupError
from tests.netlab.node import RunningNode

HOME = Path("/run/bgpnet-netlab")
"""One directory a lab. It is the lab's lock (flock) and holds its state; it goes with the lab."""


@dataclass(frozen=True, slots=True)
class LabState:
    """Everything of a lab that exists outside its own mount namespaces.

    `links` are interfaces in the root namespace; `pids` are PID 1 of the nodes as seen from outside, with
    their start time in clock ticks (proc(5), field 22), so that a PID given to another process is not taken
    for the node's.
    """

    name: str
    folder: str
    namespaces: tuple[str, ...]
    links: tuple[str, ...]
    nodes: tuple[RunningNode, ...] = ()
    pids: tuple[tuple[int, int], ...] = ()
    kept: bool = False
    """Up until somebody takes it down; otherwise a run holds it."""


def directory(name: str) -> Path:
    """Where a lab's state stands."""
    return HOME / name


def write(state: LabState) -> None:
    """Replace the lab's state atomically."""
    path = directory(state.name) / "state.json"
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(asdict(state), default=str))
    fresh.replace(path)


def read(name: str) -> LabState | None:
    """The state of a lab, or None when it made nothing."""
    try:
        raw = json.loads((directory(name) / "state.json").read_text())
    except FileNotFoundError:
        return None
    nodes = tuple(RunningNode(**{**node, "log": Path(node["log"])}) for node in raw["nodes"])
    return LabState(
        name=raw["name"],
        folder=raw["folder"],
        namespaces=tuple(raw["namespaces"]),
        links=tuple(raw["links"]),
        nodes=nodes,
        pids=tuple((pid, start) for pid, start in raw["pids"]),
        kept=raw["kept"],
    )


def forget(name: str) -> None:
    """Remove the lab's state: it made nothing any more."""
    (directory(name) / "state.json").unlink(missing_ok=True)


@contextmanager
def held(name: str) -> Iterator[None]:
    """Nobody else touches this lab inside the block.

    Raises:
        LabSetupError: somebody does.

    """
    handle = _lock(name)
    try:
        yield
    finally:
        with suppress(OSError):  # state is still there: the lab stays up
            (directory(name) / "scratch").rmdir()
            directory(name).rmdir()
            HOME.rmdir()
        os.close(handle)


def _lock(name: str) -> int:
    path = directory(name)
    while True:
        path.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            continue  # the one before us took the directory away
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise LabSetupError(
                f"lab {name} is in use by another run: wait for it, or give this one a name prefix"
            ) from None
        with suppress(FileNotFoundError):
            if os.fstat(handle).st_ino == path.stat().st_ino:
                return handle
        os.close(handle)
