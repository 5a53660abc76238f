"""What is still to be measured, and how far it is."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from tests.faults import report
from tests.faults.case import Case


@dataclass(frozen=True, slots=True)
class Task:
    """A cell and how often it is to be measured; `before` is what counts beside that, of the same commit."""

    lab: str
    case: Case
    runs: int
    before: report.Row | None = None

    @property
    def name(self) -> str:
        """As people call it."""
        return f"{self.lab} {self.case.name}"

    def row(self, fresh: Iterable[report.Row], commit: str, stalled: int = 0) -> report.Row:
        """The cell after these runs, and others that are not counted."""
        earlier = () if self.before is None else (self.before,)
        worst = report.worst_of((*earlier, *fresh))
        return replace(worst, stalled=worst.stalled + stalled, commit=commit)


def task(lab: str, case: Case, runs: int, row: report.Row | None, commit: str) -> Task:
    """What is left of a cell of which there is a row.

    Only runs of this very commit count: a plus says that the tree has changed since.
    """
    if row is None or row.commit != commit or commit.endswith("+"):
        return Task(lab, case, runs)
    return Task(lab, case, max(0, runs - row.runs), row)


class Progress:
    """How many runs are done, and how long the others will take. Pure; times are monotonic seconds."""

    def __init__(self, runs: int, now: float) -> None:
        self._runs, self._begun, self._done = runs, now, 0

    def count(self) -> None:
        """One more is done."""
        self._done += 1

    def told(self, now: float) -> str:
        """As in `[5 of 60 runs, 11 min left]`."""
        left = (now - self._begun) / max(1, self._done) * (self._runs - self._done) / 60
        return f"[{self._done} of {self._runs} runs, {left:.0f} min left]"
