"""What is printed, and written to build/bench.json."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One comparison. `ratio` says how many times better we are, None without a reference."""

    name: str
    ours: float
    reference: float | None
    reference_name: str
    unit: str
    ratio: float | None


def row(name: str, ours: float, reference: float | None, reference_name: str, unit: str) -> Row:
    """A comparison of two figures: of durations and efforts less is better, of rates more."""
    rate = unit.endswith("/s")
    ratio = None
    if reference is not None and ours > 0 and reference > 0:
        ratio = round(ours / reference if rate else reference / ours, 3)
    kept = None if reference is None else round(reference, 4)
    return Row(name, round(ours, 4), kept, reference_name, unit, ratio)


def text(rows: Iterable[Row]) -> str:
    """A table."""
    lines = [f"{'':32} {'ours':>12} {'reference':>12}  {'unit':<10} {'ratio':>7}  against"]
    for one in rows:
        reference = f"{one.reference:12.3f}" if one.reference is not None else f"{'-':>12}"
        ratio = f"{one.ratio:6.2f}x" if one.ratio is not None else f"{'-':>7}"
        lines.append(
            f"{one.name:32} {one.ours:12.3f} {reference}  {one.unit:<10} {ratio}  {one.reference_name}"
        )
    return "\n".join(lines)


def write(path: Path, rows: Iterable[Row]) -> None:
    """Put the rows into the file; those of other names in it stay."""
    known: dict[str, object] = {}
    if path.exists():
        known = {one["name"]: one for one in json.loads(path.read_text())}
    known |= {one.name: asdict(one) for one in rows}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(list(known.values()), indent=1) + "\n")
