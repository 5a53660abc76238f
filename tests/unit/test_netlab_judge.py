"""How long a lab's checks are waited for."""

import pytest

from tests.netlab import checks, judge
from tests.netlab.expectfile import ExpectFile
from tests.netlab.verdict import Verdict


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def seconds_of(expect: object, holds_at: float, monkeypatch: pytest.MonkeyPatch) -> list[tuple[bool, int]]:
    """Each check's verdict and the seconds that it took, when all come true so long after the first look."""
    clock = Clock()
    monkeypatch.setattr(judge, "time", clock)
    monkeypatch.setattr(
        checks, "look", lambda _check, _machines: Verdict(clock.now >= 100 + holds_at, "seen")
    )
    results = judge.judge(ExpectFile.model_validate(expect), {}, lambda _line: None).results
    return [(result.holds, round(result.seconds)) for result in results]


PING = {"ping": {"from": "a", "to": "b"}}


def test_the_files_time_is_for_all_checks_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """One mistake that twenty checks feel must not cost twenty times the wait."""
    expect = {"within": 30, "checks": [PING] * 4}
    assert seconds_of(expect, 1000, monkeypatch) == [(False, 30), (False, 2), (False, 2), (False, 2)]
    assert seconds_of(expect, 20, monkeypatch) == [(True, 20), (True, 0), (True, 0), (True, 0)]


def test_a_checks_own_time_counts_from_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    expect = {"within": 10, "checks": [PING, {**PING, "within": 25}]}
    assert seconds_of(expect, 1000, monkeypatch) == [(False, 10), (False, 25)]
    assert seconds_of(expect, 30, monkeypatch) == [(False, 10), (True, 20)]
