"""What `bgpnet preflight` tells: plain values only."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a check ended."""

    FINE = "fine"
    WARNING = "warning"
    """It may hurt, at some time."""
    PROBLEM = "problem"
    """With this bgpnet will not work."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check."""

    check: str
    verdict: Verdict
    found: str
    cure: str
    """What to do; empty when all is fine."""


@dataclass(frozen=True, slots=True)
class PreflightStatus:
    """All checks of a host."""

    findings: tuple[Finding, ...]

    @property
    def fine(self) -> bool:
        """Whether bgpnet can work here: exit code 0 of `bgpnet preflight`."""
        return all(each.verdict is not Verdict.PROBLEM for each in self.findings)
