"""Programs of Go modules, built once into the user's cache, by version."""

import os
import shutil
import subprocess
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import IO, Final

BUILD_SECONDS: Final = 3600

PROGRESS_SECONDS: Final = 30.0
"""Between two lines of progress: whoever waits for minutes is to see that something happens."""

SMALL: Final = ("-trimpath", "-buildvcs=false", "-gcflags=all=-dwarf=false")
"""Without what only debuggers read: the compiler spends a fifth of its time on that."""

COLLECTS_SELDOM: Final = {"GOGC": "400"}
"""The compiler's processes are short, and memory is there: another part in twenty."""


class NoProgramsError(Exception):
    """The programs are not there and cannot be built; says why."""


@dataclass(frozen=True)
class Programs:
    """Commands of one module at one version, each with its package's path in the module."""

    name: str
    module: str
    version: str
    commands: tuple[str, ...]
    takes: str
    """How long the build takes on 2 cores, in words."""

    @property
    def folder(self) -> Path:
        return cache() / self.name / self.version

    def built(self) -> bool:
        """Whether all are there."""
        return all((self.folder / Path(command).name).exists() for command in self.commands)

    def find(self) -> Path:
        """Their folder; built now when they are not there.

        Raises:
            NoProgramsError: they cannot be had.
        """
        if not self.built():
            print(f"Building {self.name} {self.version} into {self.folder}: {self.takes}", flush=True)
            new = self.folder / ".new"
            new.mkdir(parents=True, exist_ok=True)
            packages = [f"{self.module}/{command}@{self.version}" for command in self.commands]
            environment = {"GOBIN": str(new), "CGO_ENABLED": "0"}
            run_go("install", *SMALL, "-ldflags=-s -w", *packages, what=self.name, environment=environment)
            for made in new.iterdir():
                made.replace(self.folder / made.name)
            new.rmdir()
        return self.folder


def cache() -> Path:
    """Where built programs are kept (XDG Base Directory Specification)."""
    found = os.environ.get("XDG_CACHE_HOME")
    return (Path(found) if found else Path.home() / ".cache") / "bgpnet"


def find_go(what: str) -> str:
    """The program.

    Raises:
        NoProgramsError: there is none.
    """
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if go is None:
        raise NoProgramsError(f"there is no Go to build {what} with: install Go 1.26 or newer")
    return go


def run_go(*args: str, what: str, environment: Mapping[str, str], folder: Path | None = None) -> None:
    """`go ARGS`, in the background of whatever else the machine does; tells how far it is.

    Raises:
        NoProgramsError: there is no Go, or it fails; with the last of what it said.
    """
    go = find_go(what)
    whole = ["nice", "-n", "15", go, args[0], "-v", *args[1:]]
    began = time.monotonic()
    with subprocess.Popen(
        whole,
        cwd=folder,
        env={**os.environ, **COLLECTS_SELDOM, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        end = Timer(BUILD_SECONDS, process.kill)
        end.start()
        try:
            assert process.stderr is not None
            said = _followed(process.stderr, what, began)
        finally:
            end.cancel()
    if time.monotonic() - began > BUILD_SECONDS:
        raise NoProgramsError(f"{what} was not built within {BUILD_SECONDS} s")
    if process.returncode:
        raise NoProgramsError(f"{what} cannot be built: {said[-500:]}")


def _followed(stream: IO[str], what: str, began: float) -> str:
    """What `go -v` says beside the packages that it compiles, which are told as progress."""
    said: deque[str] = deque(maxlen=40)
    count, told = 0, began
    for line in stream:
        if " " in line:
            said.append(line)
        else:
            count += 1
        now = time.monotonic()
        if now - told > PROGRESS_SECONDS:
            told = now
            print(f"  {what}: {count} packages compiled, {now - began:.0f} s", flush=True)
    return "".join(said).strip()
