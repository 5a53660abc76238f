"""What a cell gave, judged by its limit."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from tests.faults.case import Case
from tests.netlab.probes import FlowResult, ProbeResult
from tests.netlab.streams import StreamResult

HEADER: Final = (
    f"{'lab':14} {'fault':32} {'lost':>5} {'of':>5} {'gap ms':>7} {'to pod':>7} {'from':>7} {'limit':>6}"
    f" {'TCP':>6} {'API':>6}"
)


@dataclass(frozen=True, slots=True)
class Row:
    """One cell: `sent` and `lost` of the worst flow, gaps of all, the longest silences of TCP.

    Of several runs each figure is that of the run where it was worst.
    """

    lab: str
    fault: str
    sent: int
    lost: int
    longest_gap_ms: float
    limit_ms: float
    to_pod_ms: float
    from_pod_ms: float
    tcp_ms: float
    api_ms: float
    why: str
    """What is over its limit; empty where the cell holds."""
    runs: int = 1
    over: int = 0
    """Runs that were over the limit."""
    stalled: int = 0
    """Runs beside those that were over it while the machine stood still: not counted, and made once more."""
    commit: str = ""
    """What was measured; a plus: and changes that were not committed."""

    def __str__(self) -> str:
        """One line of the table."""
        said = f"  {self.why}" if self.why else ""
        said += f"  ({self.over} of {self.runs} runs over)" if self.runs > 1 else ""
        return (
            f"{self.lab:14} {self.fault:32} {self.lost:5} {self.sent:5} {self.longest_gap_ms:7.0f}"
            f" {self.to_pod_ms:7.0f} {self.from_pod_ms:7.0f} {self.limit_ms:6.0f}"
            f" {self.tcp_ms:6.0f} {self.api_ms:6.0f}{said}"
        )


def row(
    lab: str, case: Case, result: ProbeResult, streams: tuple[StreamResult, StreamResult], took_ms: float
) -> Row:
    """Judge a cell; `took_ms` is what something else than the flows took, where that is measured (0)."""
    out = max(each.longest_gap_ms for each in result.flows if _to_pod(each))
    back = max(each.longest_gap_ms for each in result.flows if not _to_pod(each))
    tcp, api = streams
    gap = took_ms or result.longest_gap_ms
    over = []
    if case.limit_ms == 0 and result.lost:
        over.append(f"OVER: {result.lost} lost, none may be")
    if took_ms and result.lost:
        over.append(f"OVER: bystanders lost {result.lost}")
    if case.limit_ms and (took_ms or out) > case.limit_ms:
        over.append(f"OVER: {took_ms or out:.0f} ms of {case.limit_ms:.0f}")
    limit = case.limit_ms if case.back_ms is None else case.back_ms
    if limit and not took_ms and back > limit:
        over.append(f"OVER: {back:.0f} ms of {limit:.0f} from the pods")
    over += [f"BROKEN: {why}" for each in streams for why in each.broken]
    worst = result.worst
    return Row(
        lab,
        case.name,
        worst.sent,
        worst.lost,
        round(gap, 1),
        case.limit_ms,
        round(out, 1),
        round(back, 1),
        round(tcp.longest_ms, 1),
        round(api.longest_ms, 1),
        "; ".join(over),
        over=int(bool(over)),
    )


def worst_of(runs: Sequence[Row]) -> Row:
    """One row of all runs of a cell."""
    worst = max(runs, key=lambda each: (each.lost, each.longest_gap_ms))
    return replace(
        worst,
        longest_gap_ms=max(each.longest_gap_ms for each in runs),
        to_pod_ms=max(each.to_pod_ms for each in runs),
        from_pod_ms=max(each.from_pod_ms for each in runs),
        tcp_ms=max(each.tcp_ms for each in runs),
        api_ms=max(each.api_ms for each in runs),
        why=next((each.why for each in (worst, *runs) if each.why), ""),
        runs=sum(each.runs for each in runs),
        over=sum(each.over for each in runs),
        stalled=sum(each.stalled for each in runs),
    )


def _to_pod(flow: FlowResult) -> bool:
    return flow.flow.name.startswith("out")
