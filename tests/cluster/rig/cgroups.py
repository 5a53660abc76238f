"""The cgroup of a node in each hierarchy (cgroup v1): made before its processes, gone after them."""

import contextlib
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

GONE_SECONDS: Final = 10.0
"""Until the kernel has let go of a cgroup whose processes have ended."""


class NoCgroupsError(Exception):
    """The machine's cgroups are not of the kind that a node is made with here."""


def make(name: str) -> list[Path]:
    """A cgroup of this name below our own in each hierarchy.

    Raises:
        NoCgroupsError: there is no hierarchy.

    """
    made = [each / name for each in own()]
    if not made:
        raise NoCgroupsError("no cgroup v1 hierarchy is mounted: nodes are not made with cgroup v2 alone")
    for folder in made:
        folder.mkdir()
        if (folder / "cgroup.clone_children").exists() and (folder / "cpuset.cpus").exists():
            # cgroup-v1/cpusets.rst: no process comes in while these are empty; clone_children is inherited.
            for setting in ("cpuset.cpus", "cpuset.mems"):
                (folder / setting).write_text((folder.parent / setting).read_text())
            (folder / "cgroup.clone_children").write_text("1")
    return made


def remove(folders: list[Path]) -> None:
    """Take them away with all below them; their processes have been killed."""
    end = time.monotonic() + GONE_SECONDS
    for folder in folders:
        while folder.exists():
            for each in (*_below(folder), folder):
                with contextlib.suppress(OSError):  # busy for a moment longer
                    each.rmdir()
            assert time.monotonic() < end, f"the cgroup {folder} does not go"


def own() -> Iterator[Path]:
    """Our own cgroup in each v1 hierarchy (proc(5), /proc/PID/cgroup)."""
    ours = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        ours[controllers] = path
    for line in _mounts():
        _, place, kind, *_ = line.split()
        hierarchy = Path(place).name
        if kind == "cgroup":
            path = ours.get(hierarchy) or ours.get(f"name={hierarchy}") or "/"
            there = Path(place) / path.lstrip("/")
            yield there if there.is_dir() else Path(place)


def anywhere(names: re.Pattern[str]) -> list[Path]:
    """The cgroups of such a name in every v1 hierarchy, whoever made them, in which no process is left."""
    places = {Path(line.split()[1]) for line in _mounts() if line.split()[2] == "cgroup"}
    found = [path for place in places for path in _below(place) if names.fullmatch(path.name)]
    return [path for path in found if not any(map(_processes, (path, *_below(path))))]


def _processes(folder: Path) -> str:
    with contextlib.suppress(OSError):
        return (folder / "cgroup.procs").read_text()
    return ""


def _mounts() -> list[str]:
    return Path("/proc/self/mounts").read_text().splitlines()


def _below(folder: Path) -> list[Path]:
    """Every cgroup below one, the deepest first."""
    with contextlib.suppress(OSError):
        return sorted((each for each in folder.rglob("*") if each.is_dir()), reverse=True)
    return []
