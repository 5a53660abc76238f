"""The small parts of the files source: two looks, password files, the last good state on disk."""

import json
import os
import stat
from pathlib import Path

import pytest

from bgpnet.drivers.files import folder as disk
from bgpnet.drivers.files.contents import MAX_BYTES, Content, FileState, GoodObject, Password, Unreadable
from bgpnet.drivers.files.judge import judge as judge_at
from bgpnet.drivers.files.lastgood import LastGood
from bgpnet.drivers.files.look import UNREAD, Look, changed, lacks, settled
from bgpnet.drivers.files.passwords import password
from bgpnet.model.secret import Secret

GONE = Unreadable("ENOENT: No such file or directory")
POOL = b"""\
apiVersion: bgpnet.io/v1alpha1
kind: IPPool
metadata: {name: a}
spec: {cidr: 10.0.0.0/8}
"""


def judge(file: str, content: Content, before: tuple[GoodObject, ...]) -> FileState:
    return judge_at(file, content, before, 1_700_000_000.5)


# --- two looks -------------------------------------------------------------------------------------------


def test_a_file_is_taken_when_two_looks_agree() -> None:
    taken = Look({"a": (1,), "b": (1,), "c": (1,)})
    first = Look({"a": (2,), "b": (2,)})
    second = Look({"a": (2,), "b": (3,)})
    assert settled(taken, first, second) == Look({"a": (2,), "b": (1,)})


def test_a_file_that_comes_or_goes_between_two_looks_waits() -> None:
    assert settled(Look({"a": (1,)}), Look({"a": (1,)}), Look({})) == Look({"a": (1,)})
    assert settled(Look({}), Look({}), Look({"a": (1,)})) == Look({})


def test_a_file_that_is_removed_and_written_over_and_over_is_not_gone() -> None:
    taken = Look({"a": (1,), "b": (1,)}, {}, (1,))
    first, second = Look({"b": (1,)}, {}, (2,)), Look({"b": (2,)}, {}, (3,))
    assert settled(taken, first, second) == taken
    assert settled(taken, second, second) == second


def test_a_file_that_is_still_written_waits() -> None:
    taken, look = Look({"a": (1,)}), Look({"a": (2,), "b": (1,)}, {"key": (1,)})
    assert settled(taken, look, look, {"a", "b", "key"}) == taken
    assert settled(taken, look, look, {"b"}) == Look({"a": (2,)}, {"key": (1,)})


def test_what_is_no_longer_there_is_told_from_what_changed() -> None:
    assert lacks(Look({"a": (1,), "b": (1,)}), Look({"b": (2,), "c": (1,)}))
    assert lacks(Look({"a": (1,)}), Look(GONE))
    assert not lacks(Look({"a": (1,)}), Look({"a": (2,), "b": (1,)}))
    assert not lacks(Look(GONE), Look({}))


def test_a_folder_is_gone_when_two_looks_agree() -> None:
    taken = Look({"a": (1,)})
    assert settled(taken, Look(GONE), Look(GONE)) == Look(GONE)
    assert settled(taken, Look(GONE), Look({})) == taken
    assert settled(taken, Look({}), Look(GONE)) == taken


def test_everything_is_read_again_after_the_folder_was_gone() -> None:
    assert changed(GONE, {"b": (1,), "a": (1,)}) == ["a", "b"]
    assert changed({"a": (1,)}, {"b": (1,), "a": (1,)}) == ["b"]


def test_a_file_that_could_not_be_read_is_looked_at_again() -> None:
    assert changed({"a": UNREAD}, {"a": (1,)}) == ["a"]


# --- the disk --------------------------------------------------------------------------------------------


def test_manifests_are_yaml_files_that_are_not_hidden(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yml", ".c.yaml", "d.yaml~", "e.json", "README"):
        (tmp_path / name).touch()
    found = disk.manifests(tmp_path)
    assert not isinstance(found, Unreadable)
    assert sorted(found) == ["a.yaml", "b.yml"]


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path, name in ((tmp_path / "nowhere", "ENOENT"), (tmp_path / "file", "ENOTDIR")):
        found = disk.manifests(path)
        assert isinstance(found, Unreadable)
        assert name in found.why


def test_files_that_are_none(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "folder").mkdir()
    (tmp_path / "big").write_bytes(b"#" * (MAX_BYTES + 1))
    for name, why in (
        ("pipe", "no regular file"),
        ("link", "ENOENT"),
        ("folder", "EISDIR"),
        ("big", "4 MiB"),
    ):
        found = disk.content(tmp_path / name)
        assert isinstance(found, Unreadable)
        assert why in found.why
    (tmp_path / "big").write_bytes(b"#" * MAX_BYTES)
    assert isinstance(disk.content(tmp_path / "big"), bytes)


# --- passwords -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"s3cret", "s3cret"),
        (b"s3cret\n", "s3cret"),
        (b"s3cret\r\nmore\n", "s3cret"),
        (b" with spaces \n", " with spaces "),
        (b"x" * 80, "x" * 80),
        ("é".encode() * 40, "é" * 40),
    ],
)
def test_passwords(content: bytes, expected: str) -> None:
    assert password(content, None) == Password(Secret(expected))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\nsecond",
        b"x" * 81,
        b"bell\x07",
        b"nul\x00",
        b"\xff\xfe",
        Unreadable("EACCES: Permission denied"),
    ],
)
def test_passwords_that_are_none(content: bytes | Unreadable) -> None:
    found = password(content, None)
    assert found.secret is None
    assert found.error
    assert password(content, Password(Secret("old"))) == Password(Secret("old"), found.error)


# --- the last good state ---------------------------------------------------------------------------------


def test_the_last_good_state_comes_back(tmp_path: Path) -> None:
    files = {"f.yaml": judge("f.yaml", b"\n\n" + POOL, ())}
    store = LastGood(tmp_path / "last-good.json", Path("/manifests"))
    store.save(files)
    assert store.load() == files
    assert stat.S_IMODE((tmp_path / "last-good.json").stat().st_mode) == 0o600


def test_the_last_good_state_of_another_folder_is_not_ours(tmp_path: Path) -> None:
    LastGood(tmp_path / "s", Path("/one")).save({"f": judge("f", POOL, ())})
    assert LastGood(tmp_path / "s", Path("/two")).load() == {}


@pytest.mark.parametrize("damage", ["cut", "changed", "version", "empty", "shape", "gone"])
def test_a_damaged_last_good_state_is_none(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "s"
    LastGood(path, Path("/one")).save({"f": judge("f", POOL, ())})
    saved = path.read_bytes()
    match damage:
        case "cut":
            path.write_bytes(saved[:-40])
        case "changed":
            path.write_bytes(saved.replace(b"10.0.0.0/8", b"10.0.0.0/9"))
        case "version":
            path.write_bytes(json.dumps({**json.loads(saved), "version": 1}).encode())
        case "empty":
            path.write_bytes(b"")
        case "shape":
            path.write_bytes(b"[1]")
        case "gone":
            path.unlink()
    assert LastGood(path, Path("/one")).load() == {}


def test_a_last_good_state_that_cannot_be_saved_stops_nothing(tmp_path: Path) -> None:
    LastGood(tmp_path / "nowhere" / "s", Path("/one")).save({"f": FileState()})
