"""One run of a cell: everything is well, the fault under probes, everything is mended."""

import time
from contextlib import nullcontext
from typing import Final

from tests.faults import report
from tests.faults.case import Case
from tests.faults.fabric import Fabric
from tests.faults.inflict import FAULTS
from tests.netlab import crossing, probes, streams
from tests.netlab.errors import LabRunError

BEFORE, AFTER = 1.0, 1.0
"""Seconds of probing before a fault, and after it was noticed."""
TCP_PORT, API_PORT = 8443, 6443
STREAMS: Final = 4
"""TCP connections from the VM to the pod."""


def measure(lab: str, case: Case, fabric: Fabric) -> report.Row:
    """Measure a cell once.

    Raises:
        LabError: the fault could not be made, or nothing crossed its victim.

    """
    fabric.settle()
    with fabric.one_way() if case.alone else nullcontext():
        row = _probed(lab, case, fabric)
    fabric.settle()
    return row


def _probed(lab: str, case: Case, fabric: Fabric) -> report.Row:
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
        with FAULTS[case.fault](fabric) as took_ms:
            time.sleep(AFTER)
            silences = (tcp.result(), api.result())
            return report.row(lab, case, flows.finish(), silences, took_ms)
