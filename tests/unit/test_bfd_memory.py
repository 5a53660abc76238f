"""What `bgpnet bfd` leaves for its successor."""

from pathlib import Path

import pytest

from bgpnet.bfd.memory import BEAT, Kept, Memory
from bgpnet.bfd.session import Session
from tests.unit.test_bfd_session import up

KEY = ("10.0.1.1", "eth1", "10.0.1.2")
WALL = 1.8e9
"""Seconds since 1970 at the end of the boot."""

DETECTION = 0.9
"""Seconds that the other side waits."""


def memory_at(path: Path) -> Memory:
    """A memory on that path, of a boot that the file beside it names."""
    return Memory(path, path.with_name("lasting.json"), path.with_name("boot"))


def kept(session: Session) -> Kept:
    return Kept(*KEY, 50_000, session)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "boot").write_text("one")
    memory = memory_at(tmp_path / "bfd-state.json")
    memory.keep([kept(up())])
    memory.beat(100.0)
    return tmp_path / "bfd-state.json"


def test_a_session_goes_on_where_it_was_left_a_moment_ago(path: Path) -> None:
    found = memory_at(path).recalled(100.0 + DETECTION, WALL)
    assert found[KEY].source_port == 50_000
    assert found[KEY].session == up().__class__(
        **{name: getattr(up(), name) for name in Session.__slots__ if name != "heard"},
        heard=100.0 + DETECTION,
    )


@pytest.mark.parametrize("now", [99.0, 100.0 + DETECTION + BEAT + 0.1, 1e6])
def test_one_that_the_other_side_has_given_up_begins_anew(path: Path, now: float) -> None:
    assert not memory_at(path).recalled(now, WALL)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"version": 2, "sessions": []}', '{"version": 1}'])
def test_what_is_not_understood_is_as_if_nothing_was_there(path: Path, content: str) -> None:
    path.write_text(content)
    assert not memory_at(path).recalled(100.0, WALL)
    path.unlink()
    assert not memory_at(path).recalled(100.0, WALL)


def test_it_is_written_when_something_changed(path: Path) -> None:
    memory = memory_at(path)
    memory.keep([kept(up())])
    before = path.stat().st_ino
    memory.keep([kept(up())])
    assert path.stat().st_ino == before
    memory.keep([])
    assert path.stat().st_ino != before


def test_a_full_disk_is_told_of_once(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    memory = memory_at(path.parent / "away" / path.name)
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


def after_a_boot(path: Path, boot: str = "two") -> Memory:
    """What was left, with the run directory gone."""
    memory = memory_at(path)
    memory.keep([kept(up())])
    memory.outlast(WALL)
    path.unlink()
    path.with_name("boot").write_text(boot)
    return memory_at(path)


def test_a_boot_that_is_over_soon_loses_no_session(path: Path) -> None:
    found = after_a_boot(path).recalled(7.0, WALL + DETECTION)
    assert found[KEY].session.discriminator == up().discriminator
    assert found[KEY].session.heard == 7.0


@pytest.mark.parametrize("wall", [WALL - 1.0, WALL + DETECTION + BEAT + 0.1])
def test_a_long_boot_and_a_clock_that_went_back_begin_anew(path: Path, wall: float) -> None:
    assert not after_a_boot(path).recalled(7.0, wall)


def test_what_outlives_a_boot_is_for_the_next_one(path: Path) -> None:
    """A run directory that is another one, or was removed, has nothing to do with it."""
    assert not after_a_boot(path, "one").recalled(7.0, WALL)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"boot": "one", "version": 1, "sessions": [1]}'])
def test_what_is_not_understood_after_a_boot_is_as_if_nothing_was_there(path: Path, content: str) -> None:
    memory = after_a_boot(path)
    path.with_name("lasting.json").write_text(content)
    assert not memory.recalled(7.0, WALL)


def test_without_a_directory_that_lasts_nothing_is_kept_and_nothing_fails(path: Path) -> None:
    memory = Memory(path, path.parent / "away" / "lasting.json", path.with_name("boot"))
    memory.outlast(WALL)
    path.unlink()
    assert not memory.recalled(7.0, WALL)
