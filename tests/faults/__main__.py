"""`make faults`, or `python -m tests.faults WORD…`: every cell whose names have all the words.

A table and build/faults.json while it runs. Exit code 0: every cell within its limit; 1: one was not,
or could not be run; 2: a word means nothing.
"""

import sys
import tempfile
import time
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Final

from tests.faults import report
from tests.faults.case import Case, chosen
from tests.faults.fabric import Fabric, running
from tests.faults.inflict import FAULTS
from tests.netlab import crossing, interrupts, probes, streams
from tests.netlab.errors import LabError, LabRunError
from tests.netlab.lab import REPOSITORY

RESULTS: Final = REPOSITORY / "build" / "faults.json"
BEFORE, AFTER = 1.0, 1.0
"""Seconds of probing before a fault, and after it was noticed."""
TCP_PORT, API_PORT = 8443, 6443
STREAMS: Final = 4
"""TCP connections from the VM to the pod."""


def measure(lab: str, case: Case, fabric: Fabric) -> report.Row:
    """One cell: probes, the proof that both ToRs carry them, the fault; then everything is mended.

    Raises:
        LabError: the fault could not be made, or nothing crossed its victim.

    """
    fabric.settle()
    for tor in fabric.tors:
        crossing.watch(tor)
    with (
        probes.flowing(fabric.vm, fabric.pod) as flows,
        streams.streaming(fabric.vm, fabric.pod, TCP_PORT, STREAMS) as tcp,
        streams.streaming(fabric.itself, fabric.vm, API_PORT, 1) as api,
    ):
        flows.wait_until_flowing()
        time.sleep(BEFORE)
        for tor in fabric.tors:
            if not crossing.crossed(flows.flows, {}, crossing.counts(tor)):
                raise LabRunError(f"no flow crossed {tor.name}, so the cell would prove nothing")
        for each in (flows, tcp, api):
            each.mark()
        with FAULTS[case.fault](fabric, case.setup) as took_ms:
            time.sleep(AFTER)
            results = (tcp.result(), api.result())
            row = report.row(lab, case, flows.finish(), results, took_ms)
    fabric.settle()
    return row


def run(cells: Iterable[tuple[str, Case]], work: Path) -> tuple[list[report.Row], int]:
    """Run cells, each fabric once; their rows, and how many could not be run."""
    rows: list[report.Row] = []
    failed = 0
    for (lab, variant), those in groupby(cells, lambda cell: (cell[0], cell[1].setup)):
        waiting = [case for _, case in those]
        try:
            with running(lab, variant, work) as fabric:
                print(report.HEADER, flush=True)
                while waiting:
                    rows.append(measure(lab, waiting[0], fabric))
                    report.write(RESULTS, rows[-1:])
                    print(rows[-1], flush=True)
                    waiting.pop(0)
        except LabError as error:
            failed += len(waiting)
            print(
                f"{lab} {variant}: {waiting[0].name if waiting else 'at the end'}: {error}", file=sys.stderr
            )
            print(f"not run: {', '.join(case.name for case in waiting)}", file=sys.stderr, flush=True)
    return rows, failed


def main() -> int:
    """Run what the words choose."""
    try:
        cells = chosen(sys.argv[1:])
    except ValueError as error:
        print(f"make faults: {error}", file=sys.stderr)
        return 2
    try:
        with interrupts.raised(), tempfile.TemporaryDirectory(prefix="bgpnet-faults-") as work:
            rows, failed = run(cells, Path(work))
    except interrupts.Interrupted as interrupted:
        return interrupted.exit_code
    over = [row for row in rows if row.why]
    print(f"{len(rows) - len(over)} cells within their limits, {len(over)} over, {failed} not run: {RESULTS}")
    return 1 if over or failed else 0


if __name__ == "__main__":
    sys.exit(main())
