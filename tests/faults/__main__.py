"""`make faults`, or `python -m tests.faults WORD…`: every cell whose names have all the words.

A table, a file a cell below build/faults and build/faults.json while it runs; a summary. Exit code 0: every
cell within its limit; 1: one was not, or could not be run; 2: a word means nothing.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from tests.faults import report, results
from tests.faults.case import chosen
from tests.faults.fabric import Fabric, running
from tests.faults.probed import measure
from tests.faults.stalls import Stalls, watched
from tests.faults.tasks import Progress, Task, task
from tests.netlab import interrupts
from tests.netlab.errors import LabError


def run(
    tasks: Iterable[Task], work: Path, commit: str, progress: Progress, machine: Stalls
) -> tuple[list[report.Row], list[str]]:
    """Measure cells, each fabric once; their rows, and what failed.

    After a cell that could not be run the others get a new fabric; in one that does not come up none is run.
    """
    rows: list[report.Row] = []
    failed: list[str] = []
    for (lab, variant), those in groupby(tasks, lambda each: (each.lab, each.case.setup)):
        waiting = list(those)
        while waiting:
            victims = len(waiting)
            try:
                with running(lab, variant, work) as fabric:
                    print(report.HEADER, flush=True)
                    while waiting:
                        victims = 1
                        rows.append(repeated(waiting[0], fabric, commit, progress, machine))
                        waiting.pop(0)
            except LabError as error:
                failed += [f"{each.name}: {error}" for each in waiting[:victims]] or [
                    f"{lab} {variant}: {error}"
                ]
                print(f"{lab} {variant}: {error}", file=sys.stderr, flush=True)
                del waiting[:victims]
    return rows, failed


def repeated(what: Task, fabric: Fabric, commit: str, progress: Progress, machine: Stalls) -> report.Row:
    """Measure a cell as often as it is to be in one fabric; what there is of it is kept after each run.

    A run that was over its limit while the machine stood still is made once more, as often as there are runs.
    """
    fresh: list[report.Row] = []
    stalled = 0
    while len(fresh) < what.runs:
        begun = time.monotonic()
        row = measure(what.lab, what.case, fabric)
        stall = machine.longest(begun)
        if row.over and stall > what.case.stall and stalled < what.runs:
            stalled += 1
            print(f"{row}  the machine stood still for {stall:.1f} s: once more", flush=True)
            continue
        fresh.append(row)
        progress.count()
        results.keep(what.row(fresh, commit, stalled))
        print(f"{fresh[-1]}  {progress.told(time.monotonic())}", flush=True)
    row = what.row(fresh, commit, stalled)
    if row.runs > 1:
        print(f"{row}\n", flush=True)
    return row


def summary(rows: Sequence[report.Row], failed: Sequence[str]) -> str:
    """What was over its limit and what could not be run, by name, and how many held."""
    over = [row for row in rows if row.why]
    lines = [f"over: {row.lab} {row.fault}: {row.why} ({row.over} of {row.runs} runs)" for row in over]
    lines += [f"not run: {each}" for each in failed]
    where = results.CELLS.with_suffix(".json")
    holds = len(rows) - len(over)
    lines += [f"{holds} cells within their limits, {len(over)} over, {len(failed)} not run: {where}"]
    return "\n".join(lines)


def arguments() -> argparse.ArgumentParser:
    """What can be said on the command line."""
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("words", nargs="*", metavar="WORD", help="a lab, a set-up, a fault, or a part of one")
    parser.add_argument("--only", action="append", default=[], metavar="FAULT", help="this one; repeatable")
    parser.add_argument("--runs", type=int, default=1, metavar="N", help="measure each cell N times")
    parser.add_argument("--resume", action="store_true", help="runs that were done on this commit count")
    parser.add_argument("--publish", action="store_true", help="run nothing: put results into docs/faults.*")
    return parser


def main() -> int:
    """Run what the words choose."""
    asked = arguments().parse_args()
    if asked.publish:
        print(f"{results.publish()} cells put into {results.PUBLISHED}; now: make generate")
        return 0
    commit = results.measured_on()
    try:
        cells = chosen(asked.words, asked.only)
    except ValueError as error:
        print(f"make faults: {error}", file=sys.stderr)
        return 2
    tasks = [
        task(lab, case, asked.runs, results.kept(lab, case.name) if asked.resume else None, commit)
        for lab, case in cells
    ]
    for each in tasks:
        if each.before is not None:
            done = f"{each.before.runs} runs on {commit}"
            print(f"{each.name}: {done}, {f'{each.runs} to go' if each.runs else 'left out'}")
    tasks = [each for each in tasks if each.runs]
    progress = Progress(sum(each.runs for each in tasks), time.monotonic())
    try:
        with (
            interrupts.raised(),
            tempfile.TemporaryDirectory(prefix="bgpnet-faults-") as work,
            watched() as machine,
        ):
            rows, failed = run(tasks, Path(work), commit, progress, machine)
    except interrupts.Interrupted as interrupted:
        return interrupted.exit_code
    print(summary(rows, failed))
    return 1 if failed or any(row.why for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
