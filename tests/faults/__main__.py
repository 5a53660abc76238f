"""`make faults`, or `python -m tests.faults WORD…`: every cell whose names have all the words.

A table, a file a cell below build/faults and build/faults.json while it runs. Exit code 0: every cell within
its limit; 1: one was not, or could not be run; 2: a word means nothing.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Final

from tests.faults import report, results
from tests.faults.case import Case, chosen
from tests.faults.fabric import Fabric, running
from tests.faults.inflict import FAULTS
from tests.netlab import crossing, interrupts, probes, streams
from tests.netlab.errors import LabError, LabRunError

BEFORE, AFTER = 1.0, 1.0
"""Seconds of probing before a fault, and after it was noticed."""
TCP_PORT, API_PORT = 8443, 6443
STREAMS: Final = 4
"""TCP connections from the VM to the pod."""


def measure(lab: str, case: Case, fabric: Fabric) -> report.Row:
    """One cell: everything is well, the fault, everything is mended.

    Raises:
        LabError: the fault could not be made, or nothing crossed its victim.

    """
    fabric.settle()
    with fabric.one_way() if case.alone else nullcontext():
        row = probed(lab, case, fabric)
    fabric.settle()
    return row


def probed(lab: str, case: Case, fabric: Fabric) -> report.Row:
    """Probes, the proof that the ToRs carry them, the fault."""
    tors = fabric.tors[: fabric.ways]
    for tor in tors:
        crossing.watch(tor)
    with (
        probes.flowing(fabric.vm, fabric.pod) as flows,
        streams.streaming(fabric.vm, fabric.pod, TCP_PORT, STREAMS) as tcp,
        streams.streaming(fabric.itself, fabric.vm, API_PORT, 1) as api,
    ):
        flows.wait_until_flowing()
        time.sleep(BEFORE)
        for tor in tors:
            if not crossing.crossed(flows.flows, {}, crossing.counts(tor)):
                raise LabRunError(f"no flow crossed {tor.name}, so the cell would prove nothing")
        for each in (flows, tcp, api):
            each.mark()
        with FAULTS[case.fault](fabric, case.setup) as took_ms:
            time.sleep(AFTER)
            silences = (tcp.result(), api.result())
            return report.row(lab, case, flows.finish(), silences, took_ms)


def repeated(lab: str, case: Case, fabric: Fabric, number: int, commit: str) -> report.Row:
    """Measure a cell so many times in the same fabric."""
    rows = []
    for index in range(number):
        rows.append(measure(lab, case, fabric))
        if number > 1:
            print(f"  {index + 1:2} {rows[-1]}", flush=True)
    return replace(report.worst_of(rows), commit=commit)


def run(
    cells: Iterable[tuple[str, Case]], work: Path, number: int, commit: str
) -> tuple[list[report.Row], int]:
    """Run cells so many times each, each fabric once; their rows, and how many could not be run."""
    rows: list[report.Row] = []
    failed = 0
    for (lab, variant), those in groupby(cells, lambda cell: (cell[0], cell[1].setup)):
        waiting = [case for _, case in those]
        try:
            with running(lab, variant, work) as fabric:
                print(report.HEADER, flush=True)
                while waiting:
                    rows.append(repeated(lab, waiting[0], fabric, number, commit))
                    results.keep(rows[-1])
                    print(rows[-1], flush=True)
                    waiting.pop(0)
        except LabError as error:
            failed += len(waiting)
            print(
                f"{lab} {variant}: {waiting[0].name if waiting else 'at the end'}: {error}", file=sys.stderr
            )
            print(f"not run: {', '.join(case.name for case in waiting)}", file=sys.stderr, flush=True)
    return rows, failed


def has_to_be_measured(cell: tuple[str, Case], number: int, commit: str) -> bool:
    """Whether a cell has not as many runs on this very commit yet."""
    row = results.kept(cell[0], cell[1].name)
    return row is None or row.commit != commit or commit.endswith("+") or row.runs < number


def arguments() -> argparse.ArgumentParser:
    """What can be said on the command line."""
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("words", nargs="*", metavar="WORD", help="a lab, a set-up, a fault, or a part of one")
    parser.add_argument("--only", action="append", default=[], metavar="FAULT", help="this one; repeatable")
    parser.add_argument("--runs", type=int, default=1, metavar="N", help="measure each cell N times")
    parser.add_argument("--resume", action="store_true", help="keep cells that were measured on this commit")
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
    if asked.resume:
        cells = [cell for cell in cells if has_to_be_measured(cell, asked.runs, commit)]
    try:
        with interrupts.raised(), tempfile.TemporaryDirectory(prefix="bgpnet-faults-") as work:
            rows, failed = run(cells, Path(work), asked.runs, commit)
    except interrupts.Interrupted as interrupted:
        return interrupted.exit_code
    over = [row for row in rows if row.why]
    where = results.CELLS.with_suffix(".json")
    print(f"{len(rows) - len(over)} cells within their limits, {len(over)} over, {failed} not run: {where}")
    return 1 if over or failed else 0


if __name__ == "__main__":
    sys.exit(main())
