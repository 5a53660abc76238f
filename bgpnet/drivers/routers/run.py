"""Runs a router's program, bounded in time, and says when it is not there."""

import shutil
import subprocess
from collections.abc import Sequence
from typing import Final

TIMEOUT: Final = 60
"""Seconds that a program may take."""


def found(*programs: str) -> str | None:
    """The first of these programs that is installed."""
    return next((path for program in programs if (path := shutil.which(program))), None)


def run(argv: Sequence[str], text: str | None = None) -> tuple[int, str]:
    """Exit code, and all that it wrote, in which no secret stands that was not in the file."""
    done = subprocess.run(
        argv,
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=TIMEOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return done.returncode, done.stdout


def version(argv: Sequence[str]) -> str:
    """The first line of what a program says of itself."""
    return run(argv)[1].strip().splitlines()[0]
