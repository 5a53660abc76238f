"""The fault matrix: which cells words choose, what is over a limit, and that each cell has its fault."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults import __main__ as matrix
from tests.faults import report, results, setup, table
from tests.faults.case import BFD, BFD_LIMIT, CASES, FAST, HOLD_LIMIT, LABS, Case, chosen
from tests.faults.inflict import FAULTS
from tests.faults.stalls import Stalls, Wait
from tests.faults.tasks import Progress, task
from tests.netlab.probes import Flow, FlowResult, ProbeResult
from tests.netlab.streams import StreamResult

FINE = StreamResult(12.0, ())


def flows(lost: int, out: float, back: float) -> ProbeResult:
    named = (("out0", lost, out), ("back0", 0, back))
    return ProbeResult(
        tuple(FlowResult(Flow(name, "", 1, "", 2), 500, number, gap) for name, number, gap in named), 0.5, {}
    )


def test_every_cell_has_a_fault_and_a_name_of_its_own() -> None:
    assert {case.fault for case in CASES} == FAULTS.keys()
    assert len({case.name for case in CASES}) == len(CASES)


def test_words_choose_cells_and_a_word_that_means_nothing_is_named() -> None:
    assert len(chosen([])) == len(LABS) * len(CASES)
    assert {lab for lab, _ in chosen(["dual-tor"])} == {"dual-tor"}  # and not dual-tor-bird
    assert [case.name for _, case in chosen(["mixed", "exabgp"])] == ["exabgp-killed", "exabgp-killed-bfd"]
    assert {case.setup for _, case in chosen([BFD])} == {BFD}
    assert {case.limit_ms for _, case in chosen(["planned"])} == {0}
    assert [case.name for _, case in chosen(["dual-tor"], ["node-off", "node-off-bfd"])] == [
        "node-off",
        "node-off-bfd",
    ]
    with pytest.raises(ValueError, match="no fault is called 'flood'"):
        chosen([], ["flood"])
    with pytest.raises(ValueError, match="no cell has the word 'flood'; labs: dual-tor, "):
        chosen(["flood"])


@pytest.mark.parametrize(
    ("case", "result", "took", "why"),
    [
        (Case("a", 0), flows(0, 30, 30), 0, ""),
        (Case("a", 0), flows(1, 20, 10), 0, "OVER: 1 lost, none may be"),
        (Case("a", FAST), flows(20, 200, 10), 0, ""),
        (Case("a", FAST), flows(40, 400, 10), 0, "OVER: 400 ms of 300"),
        (Case("a", FAST), flows(0, 10, 400), 0, "OVER: 400 ms of 300 from the pods"),
        (Case("a", 9000, FAST), flows(0, 8000, 400), 0, "OVER: 400 ms of 300 from the pods"),
        (Case("a", FAST), flows(0, 10, 10), 250, ""),
        (Case("a", FAST), flows(3, 10, 10), 350, "OVER: bystanders lost 3; OVER: 350 ms of 300"),
    ],
)
def test_a_cell_is_judged_by_what_its_limit_means(
    case: Case, result: ProbeResult, took: float, why: str
) -> None:
    assert report.row("lab", case, result, (FINE, FINE), took).why == why


def test_a_connection_that_breaks_is_over_every_limit() -> None:
    broken = StreamResult(10.0, ("reset",))
    assert report.row("lab", Case("a", 0), flows(0, 10, 10), (FINE, broken), 0).why == "BROKEN: reset"


def test_of_several_runs_the_worst_counts_and_how_many_were_over() -> None:
    case = Case("a", 0)
    runs = [
        report.row("lab", case, flows(*run), (FINE, FINE), 0)
        for run in ((0, 90, 10), (2, 20, 30), (0, 10, 10))
    ]
    worst = report.worst_of(runs)
    assert (worst.lost, worst.longest_gap_ms, worst.from_pod_ms) == (2, 90, 30)
    assert (worst.runs, worst.over, worst.why) == (3, 1, "OVER: 2 lost, none may be")


@pytest.mark.parametrize(
    ("case", "seconds"),
    [
        (Case("agent-killed", 0), 3.0),
        (Case("a", FAST), 0.1),
        (Case("a", BFD_LIMIT), 0.1),
        (Case("a", HOLD_LIMIT), 0.333),
        (Case("a", HOLD_LIMIT, FAST), 0.1),
    ],
)
def test_the_machine_may_stand_still_for_a_third_of_what_a_limit_has_for_acting(
    case: Case, seconds: float
) -> None:
    assert case.stall == pytest.approx(seconds, abs=0.001)


def told(*waits: Wait) -> Stalls:
    stalls = Stalls()
    for wait in waits:
        stalls.add(wait)
    return stalls


def test_the_longest_wait_of_a_run_is_for_a_processor_or_for_the_kernel() -> None:
    ahead = time.monotonic() + 100
    stalls = told(Wait(1, 9, 9), Wait(2, 0.1, 0.2), Wait(3, 0.4, 0.3), Wait(ahead, 0, 0))
    assert stalls.longest(since=1.5) == 0.4


@pytest.mark.parametrize(
    ("stall", "results_of_runs", "counted"),
    [
        (0.0, [2, 0], (2, 1, 0)),
        (5.0, [2, 0, 0], (2, 0, 1)),
        (5.0, [2, 2, 2, 2], (2, 2, 2)),  # not for ever
    ],
    ids=["quiet", "stalled", "always over"],
)
def test_a_run_that_is_over_while_the_machine_stands_still_is_made_again(
    stall: float,
    results_of_runs: list[int],
    counted: tuple[int, int, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = Case("agent-killed", 0)
    lost = iter(results_of_runs)

    def measured(lab: str, case: Case, _fabric: object) -> report.Row:
        return report.row(lab, case, flows(next(lost), 20, 10), (FINE, FINE), 0)

    monkeypatch.setattr(matrix, "measure", measured)
    monkeypatch.setattr(results, "keep", lambda _row: None)
    machine = told(Wait(time.monotonic() + 100, 0, stall))
    row = matrix.repeated(task("lab", case, 2, None, "abc"), None, "abc", Progress(2, 0), machine)  # type: ignore[arg-type]
    assert (row.runs, row.over, row.stalled) == counted
    assert next(lost, None) is None


def test_cells_replace_their_own_rows_and_no_others(tmp_path: Path) -> None:
    cells = tmp_path / "build" / "faults"
    for name, lost in (("a", 0), ("b", 0), ("b", 2)):
        path = results.keep(report.row("lab", Case(name, 0), flows(lost, 10, 10), (FINE, FINE), 0), cells)
    rows = json.loads(path.read_text())
    assert [(row["fault"], row["lost"]) for row in rows] == [("a", 0), ("b", 2)]
    assert rows[0].items() >= {"lab": "lab", "sent": 500, "longest_gap_ms": 10, "limit_ms": 0}.items()
    assert results.kept("lab", "b", cells) == results.all_kept(cells)[1]
    assert results.kept("lab", "c", cells) is None


def test_only_runs_on_this_commit_count_and_the_others_are_measured() -> None:
    case = Case("a", 0)
    row = replace(report.row("lab", case, flows(1, 20, 10), (FINE, FINE), 0), runs=15, commit="abc")
    assert task("lab", case, 20, None, "abc").runs == 20
    assert task("lab", case, 20, row, "def").runs == 20
    assert task("lab", case, 20, replace(row, commit="abc+"), "abc+").runs == 20
    assert task("lab", case, 10, row, "abc").runs == 0
    left = task("lab", case, 20, row, "abc")
    whole = left.row([replace(row, runs=1, over=0, why="", lost=0)] * left.runs, "abc")
    assert (whole.runs, whole.over, whole.lost, whole.commit) == (20, 1, 1, "abc")


def test_progress_says_how_long_the_other_runs_will_take() -> None:
    progress = Progress(60, 1000.0)
    assert progress.told(1000.0) == "[0 of 60 runs, 0 min left]"
    for _ in range(5):
        progress.count()
    assert progress.told(1060.0) == "[5 of 60 runs, 11 min left]"


def test_the_table_tells_what_was_measured_what_is_over_and_what_is_missing(tmp_path: Path) -> None:
    page = tmp_path / "faults.md"
    page.write_text(f"Text.\n{table.BEGIN}\nold\n{table.END}\nMore.\n")
    cases = {case.name: case for case in CASES}
    rows = [
        replace(report.row("dual-tor", cases["agent-killed"], flows(2, 41, 10), (FINE, FINE), 0), runs=20),
        report.row("mixed-tor", cases["link-of-node-cut"], flows(0, 900, 40), (FINE, FINE), 0),
    ]
    shown = table.page(page, rows)
    assert shown.startswith("Text.\n")
    assert shown.endswith("\nMore.\n")
    assert "old" not in shown
    assert "| agent-killed | 0 lost | **2, 41, 12, 12** (20 runs) | not measured | not measured |" in shown
    assert "| link-of-node-cut | 10000 / 300 | not measured | not measured | 0, 900 / 40, 12, 12 |" in shown
    stalled = replace(rows[0], stalled=1)
    assert "(20 runs, 1 in a stall)" in table.cell(cases["agent-killed"], stalled)
    page.write_text("no marks")
    with pytest.raises(ValueError, match="lacks"):
        table.page(page, rows)


def test_routers_take_the_loopbacks_beside_the_blocks() -> None:
    frr = "ip prefix-list POD_BLOCKS seq 10 permit 10.244.0.0/16 ge 26 le 26\n"
    assert setup.with_loopbacks(frr) == frr + (
        "ip prefix-list POD_BLOCKS seq 15 permit 10.250.0.0/24 ge 32\n"
    )
    bird = "if net ~ [ 10.244.0.0/16{26,26} ] then accept;\n"
    assert "[ 10.244.0.0/16{26,26}, 10.250.0.0/24{32,32} ]" in setup.with_loopbacks(bird)
    assert setup.with_loopbacks("log stderr all;\n") == "log stderr all;\n"


def test_no_router_makes_a_neighbour_wait_for_what_another_run_did() -> None:
    assert setup.at_once("  error wait time 1, 300;\n") == "  error wait time 1, 1;\n"
