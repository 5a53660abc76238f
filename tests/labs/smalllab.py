"""Small labs written by tests, run by the command line as a stranger would, and what is left of them."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.netlab import processes, state
from tests.netlab.images import REPOSITORY

PREFIX = f"sl{os.getpid()}-"
"""Begins the names of labs and interfaces of this process; `SL-` stands for it in texts."""
COMMAND = (sys.executable, "-m", "tests.netlab")


@dataclass(frozen=True)
class SmallLab:
    """A lab folder somewhere outside the repository, with a name that nobody else uses."""

    folder: Path
    name: str

    @property
    def outcome(self) -> Path:
        """Where its runs leave their logs."""
        return REPOSITORY / "build" / "labs" / self.name

    def write(self, topology: str, expect: str = "") -> None:
        """Write the files; the topology without its name."""
        text = f"name: {self.name}\n{topology}".replace("SL-", PREFIX)
        (self.folder / "lab.clab.yml").write_text(text, encoding="utf-8")
        if expect:
            (self.folder / "expect.yml").write_text(expect, encoding="utf-8")

    def call(self, verb: str, *rest: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a verb to its end. `rest`: its arguments, if not just the folder."""
        return subprocess.run(
            [*COMMAND, verb, *(rest or (str(self.folder),))],
            capture_output=True,
            text=True,
            timeout=120,
            cwd=REPOSITORY,
            env={**os.environ, **environment},
            check=False,
        )

    def begin(self, *argv: str) -> "subprocess.Popen[str]":
        """Start a verb and return at once; both outputs come through one pipe."""
        return subprocess.Popen(
            [*COMMAND, *argv, str(self.folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=REPOSITORY,
            start_new_session=True,
        )

    def result(self) -> dict[str, Any]:
        """What the last run wrote down."""
        return dict(json.loads((self.outcome / "result.json").read_text(encoding="utf-8")))

    def remains(self) -> list[str]:
        """What there still is of the lab, beside its outcome."""
        named = [f"namespace {path.name}" for path in Path("/run/netns").glob(f"*{self.name}*")]
        kept = [f"state {path}" for path in state.HOME.glob(f"*{self.name}*")]
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
        links = [path.name for path in Path("/sys/class/net").iterdir() if path.name.startswith(PREFIX)]
        return named + kept + [line for line in mounts if self.name in line] + links + list(self._processes())

    def _processes(self) -> Iterator[str]:
        pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
        for process in processes.described(filter(processes.alive, pids)):
            if process.pid != os.getpid() and any(self.name in word for word in process.argv):
                yield f"process {process.pid} {' '.join(process.argv)}"


@contextmanager
def small_lab(folder: Path, name: str) -> Iterator[SmallLab]:
    """A lab folder of a test; whatever is up of it is taken down at the end."""
    lab = SmallLab(folder, f"{PREFIX}{name}")
    try:
        yield lab
    finally:
        lab.call("down", "--name", lab.name)
        shutil.rmtree(lab.outcome, ignore_errors=True)
