"""What a check of a router's configuration found, and what it could not look at."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Of one file. UNVERIFIED: nothing wrong was found, but the program that reads it was not asked."""

    OK = "ok"
    WRONG = "wrong"
    UNVERIFIED = "unverified"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that is wrong. `line` from 1, 0: the file as a whole."""

    line: int
    problem: str
    found: str = ""
    """The line itself, or what was there."""

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line else ""
        return f"{where}{self.problem}" + (f": {self.found}" if self.found else "")


@dataclass(frozen=True, slots=True)
class ProgramAnswer:
    """What a router's own program said. `program`: with its version; empty when it is not there."""

    program: str
    findings: tuple[Finding, ...] = ()
    missing: str = ""
    """Why it was not asked."""


@dataclass(frozen=True, slots=True)
class FileCheck:
    """One file."""

    file: str
    router: str
    system: str
    verdict: Verdict
    checked_by: tuple[str, ...]
    not_checked: tuple[str, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class CheckReport:
    """All files that were asked for."""

    files: tuple[FileCheck, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of all."""
        seen = {file.verdict for file in self.files}
        return next((each for each in (Verdict.WRONG, Verdict.UNVERIFIED) if each in seen), Verdict.OK)
