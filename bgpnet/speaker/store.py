"""The speaker's files: the configuration in force and the candidate. All 0600 in a 0700 directory."""

import contextlib
import os
from pathlib import Path
from typing import TextIO

from bgpnet.model.rundir import RunDir
from bgpnet.render.generation import generation_of
from bgpnet.speaker.exabgp import ENVIRONMENT_FILE

_FILE_MODE = 0o600


class Store:
    """What ExaBGP reads. A text comes into force by one rename, so a reader never sees half of one.

    What is in force is kept in memory too: nothing needs a file descriptor to know it.
    """

    def __init__(self, run_dir: RunDir) -> None:
        self.directory = Path(run_dir.speaker)
        self.accepted = Path(run_dir.exabgp_conf)
        self.candidate = self.directory / "candidate.conf"
        self.directory.mkdir(mode=0o755, parents=True, exist_ok=True)
        self.directory.chmod(0o700)
        self._text = self.accepted.read_text() if self.accepted.exists() else None
        self._write(self.directory / ENVIRONMENT_FILE, "")

    def lock(self) -> TextIO:
        """A file to lock: one supervisor per run directory."""
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        return os.fdopen(os.open(self.directory / "lock", flags, _FILE_MODE), "w")

    def text(self) -> str | None:
        """The configuration in force; None before the first was accepted."""
        return self._text

    def generation(self) -> str:
        """The generation of the configuration in force, empty when there is none."""
        return generation_of(self.text() or "")

    def propose(self, text: str) -> None:
        """Write a candidate, for ExaBGP to judge.

        Raises:
            OSError: it cannot be written.
        """
        self._write(self.candidate, text)

    def accept(self, text: str) -> None:
        """The candidate, which has this text, becomes the configuration in force."""
        self.candidate.rename(self.accepted)
        self._text = text

    def discard(self) -> None:
        """There is no candidate any more."""
        self.candidate.unlink(missing_ok=True)

    def restore(self, text: str | None) -> None:
        """Go back to an earlier text; None: to having none.

        Raises:
            OSError: it cannot be written; the present one stays.
        """
        if text is None:
            self.accepted.unlink(missing_ok=True)
            self._text = None
        else:
            self.propose(text)
            self.accept(text)

    @staticmethod
    def _write(path: Path, text: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()  # never inherit the mode, or the content, of what was there
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _FILE_MODE)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
