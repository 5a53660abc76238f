"""The table of docs/faults.md, between its marks: rows are faults, columns are labs."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from tests.faults.case import CASES, LABS, Case
from tests.faults.report import Row

BEGIN: Final = "<!-- generated from faults.json: make generate -->"
END: Final = "<!-- end of what is generated -->"


def page(path: Path, rows: Iterable[Row]) -> str:
    """The page with the table that the rows give.

    Raises:
        ValueError: the page lacks a mark.

    """
    head, begin, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path} lacks {BEGIN!r} or {END!r} behind it")
    lines = "\n".join(table(rows))
    return f"{head}{BEGIN}\n{lines}\n{END}{tail}"


def table(rows: Iterable[Row]) -> Iterator[str]:
    """Its lines."""
    found = {(row.lab, row.fault): row for row in rows}
    yield f"| fault | limit ms | {' | '.join(LABS)} |"
    yield f"|---|---|{'---|' * len(LABS)}"
    for case in CASES:
        cells = (cell(case, found.get((lab, case.name))) for lab in LABS)
        yield f"| {case.name} | {limit(case)} | {' | '.join(cells)} |"


def limit(case: Case) -> str:
    """What the fault may cost, towards and from the pods where they differ."""
    if not case.limit_ms:
        return "0 lost"
    back = "" if case.back_ms is None else f" / {case.back_ms:.0f}"
    return f"{case.limit_ms:.0f}{back}"


def cell(case: Case, row: Row | None) -> str:
    """Lost, longest gap, silences of TCP; bold where it is over, and how often it was measured."""
    if row is None:
        return "not measured"
    gap = f"{row.longest_gap_ms:.0f}"
    if case.back_ms is not None:
        gap = f"{row.to_pod_ms:.0f} / {row.from_pod_ms:.0f}"
    text = f"{row.lost}, {gap}, {row.tcp_ms:.0f}, {row.api_ms:.0f}"
    text = f"**{text}**" if row.why else text
    runs = [f"{row.runs} runs"] * (row.runs > 1) + [f"{row.stalled} in a stall"] * (row.stalled > 0)
    return f"{text} ({', '.join(runs)})" if runs else text
