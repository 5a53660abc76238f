"""What the benchmark reports, and what it says where there is no reference."""

import json
import shutil
from pathlib import Path

import pytest

from tests.bench import reference, report
from tests.bench.report import row


def test_a_ratio_says_how_many_times_better_we_are() -> None:
    assert row("a", 2.0, 8.0, "other", "ms p50").ratio == 4.0
    assert row("a", 2.0, 8.0, "other", "pods/s").ratio == 0.25
    assert row("a", 8.0, 2.0, "other", "Gbit/s").ratio == 4.0
    assert row("a", 2.0, None, "", "ms").ratio is None


def test_rows_of_a_part_replace_their_own_and_no_others(tmp_path: Path) -> None:
    path = tmp_path / "build" / "bench.json"
    report.write(path, [row("a", 1, 2, "other", "ms"), row("b", 1, 2, "other", "ms")])
    report.write(path, [row("b", 1, 3, "other", "ms")])
    assert json.loads(path.read_text()) == [
        {"name": "a", "ours": 1, "reference": 2, "reference_name": "other", "unit": "ms", "ratio": 2.0},
        {"name": "b", "ours": 1, "reference": 3, "reference_name": "other", "unit": "ms", "ratio": 3.0},
    ]


def test_without_go_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(shutil, "which", lambda *_args, **_more: None)
    assert reference.built() is None
    found = reference.find()
    assert isinstance(found, str)
    assert "install Go" in found
