"""What `bgpnet bfd` leaves for its successor."""

from pathlib import Path

import pytest

from bgpnet.bfd.memory import BEAT, Kept, Memory
from bgpnet.bfd.session import Session
from tests.unit.test_bfd_session import up

KEY = ("10.0.1.1", "eth1", "10.0.1.2")
DETECTION = 0.9
"""Seconds that the other side waits."""


def kept(session: Session) -> Kept:
    return Kept(*KEY, 50_000, session)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    memory = Memory(tmp_path / "bfd-state.json")
    memory.keep([kept(up())])
    memory.beat(100.0)
    return tmp_path / "bfd-state.json"


def test_a_session_goes_on_where_it_was_left_a_moment_ago(path: Path) -> None:
    found = Memory(path).recalled(100.0 + DETECTION)
    assert found[KEY].source_port == 50_000
    assert found[KEY].session == up().__class__(
        **{name: getattr(up(), name) for name in Session.__slots__ if name != "heard"},
        heard=100.0 + DETECTION,
    )


@pytest.mark.parametrize("now", [99.0, 100.0 + DETECTION + BEAT + 0.1, 1e6])
def test_one_that_the_other_side_has_given_up_begins_anew(path: Path, now: float) -> None:
    assert not Memory(path).recalled(now)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"version": 2, "sessions": []}', '{"version": 1}'])
def test_what_is_not_understood_is_as_if_nothing_was_there(path: Path, content: str) -> None:
    path.write_text(content)
    assert not Memory(path).recalled(100.0)
    path.unlink()
    assert not Memory(path).recalled(100.0)


def test_it_is_written_when_something_changed(path: Path) -> None:
    memory = Memory(path)
    memory.keep([kept(up())])
    before = path.stat().st_ino
    memory.keep([kept(up())])
    assert path.stat().st_ino == before
    memory.keep([])
    assert path.stat().st_ino != before


def test_a_full_disk_is_told_of_once(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    memory = Memory(path.parent / "away" / path.name)
    for _ in range(2):
        memory.keep([kept(up())])
    assert [record.message.split(" path=")[0] for record in caplog.records] == [
        "a restart will lose the sessions"
    ]
    (path.parent / "away").mkdir()
    memory.keep([kept(up())])
    (path.parent / "away" / path.name).unlink()
    (path.parent / "away").rmdir()
    memory.keep([])
    assert len(caplog.records) == 2
