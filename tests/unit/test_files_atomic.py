"""Files that processes hand each other: there whole or not at all, with the rights asked for."""

import stat
from ipaddress import ip_network
from pathlib import Path

import pytest

from bgpnet.drivers import atomic
from bgpnet.drivers.blocks import BlocksFile
from bgpnet.model.blocks import Blocks

BLOCKS = Blocks((ip_network("10.1.0.0/24"), ip_network("2001:db8::/64")), 1500, growing=True)


def test_replace_sets_content_and_mode_whatever_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    atomic.replace(path, b"new", 0o644)
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    atomic.replace(path, b"newer", 0o600)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_replace_takes_over_after_a_writer_that_was_killed(tmp_path: Path) -> None:
    (tmp_path / ".file.new").write_bytes(b"half")
    atomic.replace(tmp_path / "file", b"whole", 0o600)
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_reader_keeps_the_file_it_opened(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with path.open("rb") as reader:
        atomic.replace(path, b"new", 0o600)
        assert reader.read() == b"old"


def test_a_failed_replace_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    path.mkdir()
    (path / "inside").touch()
    with pytest.raises(OSError, match="folder"):
        atomic.replace(path, b"new", 0o600)
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]


def test_blocks_come_back_as_they_were(tmp_path: Path) -> None:
    file = BlocksFile(tmp_path / "blocks.json")
    assert file.read() is None
    file.write(BLOCKS)
    assert file.read() == BLOCKS
    assert stat.S_IMODE((tmp_path / "blocks.json").stat().st_mode) == 0o644


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"version": 1, "prefixes": [], "mtu": 1}',
        b'{"version": 2, "prefixes": ["x"], "mtu": 1, "everybody": true, "reserved": []}',
    ],
)
def test_blocks_that_cannot_be_read_are_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "blocks.json").write_bytes(content)
    assert BlocksFile(tmp_path / "blocks.json").read() is None
