"""Where rows are kept: a file a cell below build/faults, all in build/faults.json; and what is published."""

import json
import subprocess
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from tests.faults.report import Row
from tests.netlab.lab import REPOSITORY

CELLS: Final = REPOSITORY / "build" / "faults"
PUBLISHED: Final = REPOSITORY / "docs" / "faults.json"
"""What the table of docs/faults.md is made of."""

_TREES: Final = ("bgpnet", "containerlab", "tests/faults", "tests/netlab")
"""What a measurement depends on."""


def measured_on() -> str:
    """The commit of the working tree; with a plus where what is measured was changed since."""
    commit = _git("rev-parse", "--short", "HEAD")
    return f"{commit}+" if _git("status", "--porcelain", "--", *_TREES) else commit


def _git(*words: str) -> str:
    done = subprocess.run(("git", *words), cwd=REPOSITORY, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def keep(row: Row, cells: Path = CELLS) -> Path:
    """Write a cell's row in the place of its former one, and all cells as one list; the list's path."""
    path = _path(row.lab, row.fault, cells)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(row), indent=1) + "\n", encoding="utf-8")
    joined = cells.with_suffix(".json")
    joined.write_text(listed(map(asdict, all_kept(cells))), encoding="utf-8")
    return joined


def kept(lab: str, fault: str, cells: Path = CELLS) -> Row | None:
    """The row of a cell, if it was measured."""
    path = _path(lab, fault, cells)
    return _row(path) if path.exists() else None


def all_kept(cells: Path = CELLS) -> list[Row]:
    """Every row, by lab and fault."""
    return list(map(_row, sorted(cells.glob("*/*.json"))))


def published() -> list[Row]:
    """The rows that the table of docs/faults.md shows."""
    return [Row(**each) for each in json.loads(PUBLISHED.read_text(encoding="utf-8"))]


def publish(cells: Path = CELLS) -> int:
    """Put what is kept into docs/faults.json in the place of the same cells there; how many."""
    fresh = {(row.lab, row.fault): row for row in all_kept(cells)}
    there = {(row.lab, row.fault): row for row in (published() if PUBLISHED.exists() else [])}
    rows = [asdict(row) for _, row in sorted({**there, **fresh}.items())]
    PUBLISHED.write_text(listed(rows), encoding="utf-8")
    return len(fresh)


def listed(rows: Iterable[dict[str, Any]]) -> str:
    """JSON with a line for each row."""
    lines = ",\n".join(f" {json.dumps(row)}" for row in rows)
    return f"[\n{lines}\n]\n"


def _row(path: Path) -> Row:
    return Row(**json.loads(path.read_text(encoding="utf-8")))


def _path(lab: str, fault: str, cells: Path) -> Path:
    return cells / lab / f"{fault}.json"
