"""Running a program to its end, and ending it with all its children when its time is over or ours is."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.netlab.errors import LabRunError


@dataclass(frozen=True, slots=True)
class Finished:
    """What a program printed and how it ended. `code` is negative for a signal."""

    argv: tuple[str, ...]
    code: int
    stdout: str
    stderr: str

    def checked(self, what: str) -> "Finished":
        """Itself when the exit code is 0.

        Raises:
            LabRunError: with `what` and the program's own words.

        """
        if self.code != 0:
            said = (self.stderr.strip() or self.stdout.strip() or "it said nothing")[-2000:]
            raise LabRunError(f"{what}: exit code {self.code}: {said}")
        return self


def run(
    argv: Sequence[str],
    *,
    timeout: float = 60.0,
    stdin: str = "",
    environment: Mapping[str, str] | None = None,
    directory: str | None = None,
) -> Finished:
    """Run a program in a process group of its own.

    Args:
        argv: program and arguments.
        timeout: seconds; then the group is killed.
        stdin: text for its standard input.
        environment: its whole environment; None passes ours on.
        directory: where it runs.

    Raises:
        LabRunError: it could not be started or did not end in time.

    """
    try:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=None if environment is None else dict(environment),
            cwd=directory,
            start_new_session=True,
        )
    except OSError as error:
        raise LabRunError(f"{argv[0]}: cannot be started: {error.strerror}") from error
    with process:
        try:
            stdout, stderr = process.communicate(stdin, timeout)
        except BaseException as error:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise LabRunError(f"{' '.join(argv)}: did not end within {timeout:g} s: killed") from error
            raise
    return Finished(tuple(argv), process.returncode, stdout, stderr)
