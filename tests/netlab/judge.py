"""expect.yml judged: every check is looked at until it holds or its time is over."""

import re
import shlex
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from tests.netlab import checks, labfolder
from tests.netlab.errors import Complaint, LabFileError, LabSetupError
from tests.netlab.expectfile import Check, ExpectFile
from tests.netlab.friendly import validate
from tests.netlab.machine import Machine
from tests.netlab.verdict import Verdict
from tests.netlab.yamlfile import Document, parse

PAUSE = 0.2
"""Seconds between two looks."""
LAST_CHANCE = 2.0
"""Seconds for a check whose turn comes when the time of all is over."""
SAY_EVERY = 5.0
"""Seconds between two words about a check that does not hold yet."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Result:
    """How one check went. `seconds` until it held, or until it was given up."""

    name: str
    holds: bool
    seconds: float
    seen: str


@dataclass(frozen=True, slots=True)
class Score:
    """How many checks passed and failed, and how each went."""

    passed: int
    failed: int
    results: tuple[Result, ...] = ()

    def __str__(self) -> str:
        """Say it as the last line of a run does."""
        return f"{self.passed} passed, {self.failed} failed"


def score(results: Iterable[Result]) -> Score:
    """Count."""
    every = tuple(results)
    passed = sum(result.holds for result in every)
    return Score(passed, len(every) - passed, every)


def unjudged(expectations: ExpectFile, why: str) -> Score:
    """The score of a lab that could not be judged: nothing is known to hold."""
    titles = [checks.title(check) for check in expectations.checks]
    return score(Result(title, holds=False, seconds=0, seen=f"not looked at: {why}") for title in titles)


def read(place: Path, nodes: Collection[str]) -> ExpectFile:
    """The expectations of a lab folder.

    Raises:
        LabSetupError: there are none.
        LabFileError: with every complaint at once.

    """
    path = labfolder.find(place).expectations
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise LabSetupError(
            f"{path}: is not there, so nothing could be judged: write what must hold in the lab into it"
            f" (see containerlab/README.md), or only bring the lab up: make lab-up LAB={path.parent}"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise LabSetupError(f"{path}: cannot be read ({reason})") from error
    document = parse(text, str(path))
    expectations = validate(ExpectFile, document)
    complaints = [
        complaint
        for index, check in enumerate(expectations.checks)
        for complaint in _complaints(document, index, check, nodes)
    ]
    if complaints:
        raise LabFileError(tuple(sorted(complaints)))
    return expectations


def judge(expectations: ExpectFile, machines: Mapping[str, Machine], say: Say) -> Score:
    """Look at every check in turn and say how each went."""
    return score(verdicts(expectations, machines, say))


def verdicts(expectations: ExpectFile, machines: Mapping[str, Machine], say: Say) -> Iterator[Result]:
    """Look at every check in turn, say how it went, and hand the result out before the next one's turn.

    The file's `within` counts from now for all checks together, so that one mistake which many checks feel is
    not waited for once a check; a check's own `within` counts from its turn.
    """
    deadline = time.monotonic() + expectations.within
    for check in expectations.checks:
        begun = time.monotonic()
        within = check.within or max(deadline - begun, min(expectations.within, LAST_CHANCE))
        verdict = until_it_holds(check, machines, within, say)
        took = time.monotonic() - begun
        if verdict.holds:
            say(f"ok      {checks.title(check)} ({took:.1f} s)")
        else:
            say(f"FAILED  {checks.title(check)}: after {took:.1f} s: {verdict.seen}")
        yield Result(checks.title(check), verdict.holds, round(took, 3), verdict.seen)


def until_it_holds(check: Check, machines: Mapping[str, Machine], within: float, say: Say) -> Verdict:
    """The first verdict that holds, or the last one within so many seconds."""
    begun = said = time.monotonic()
    while True:
        verdict = checks.look(check, machines)
        now = time.monotonic()
        if verdict.holds or now + PAUSE > begun + within:
            return verdict
        if now - said > SAY_EVERY:
            said = now
            say(f"  … {now - begun:.0f} of {within:.0f} s: {checks.title(check)}: {verdict.seen}")
        time.sleep(PAUSE)


def _complaints(document: Document, index: int, check: Check, nodes: Collection[str]) -> list[Complaint]:
    """What pydantic cannot know: the nodes of the lab, and text in little languages of its own."""
    here: tuple[str | int, ...] = ("checks", index)
    found: list[Complaint] = []

    def place(field: tuple[str, ...], name: str | None, *, address: bool = False) -> None:
        if name is not None and name.split("/")[0] not in nodes and not (address and _is_address(name)):
            remedy = f"there is no such node: the nodes are {', '.join(nodes)}"
            found.append(document.complaint((*here, *field), name, remedy))

    for kind in ("bgp", "rib", "fib"):
        if asked := getattr(check, kind):
            place((kind, "router"), asked.router)
    if check.ping:
        place(("ping", "from"), check.ping.from_)
        place(("ping", "to"), check.ping.to, address=True)
    if check.http:
        place(("http", "from"), check.http.from_)
        place(("http", "to"), check.http.to, address=True)
        place(("http", "sees"), check.http.sees, address=True)
    if check.command:
        place(("command", "at"), check.command.at)
        try:
            shlex.split(check.command.run)
        except ValueError as error:
            remedy = f"cannot be split into words ({error}): close the quotes"
            found.append(document.complaint((*here, "command", "run"), check.command.run, remedy))
        try:
            re.compile(check.command.matches or "")
        except re.error as error:
            remedy = f"is no regular expression ({error}): mend it"
            found.append(document.complaint((*here, "command", "matches"), check.command.matches, remedy))
    return found


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
