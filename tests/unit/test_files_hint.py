"""The kernel's hint brings the next look forward; without it looks go on as before."""

import asyncio
import ctypes
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bgpnet.drivers.files.source import FilesSource

SELDOM = 30.0
"""Seconds between looks that nobody hints at: longer than the test waits."""

SOON = 10.0
"""Seconds in which a hinted edit is seen beside other programs; some hundredths on an idle machine."""

NODE = """
apiVersion: v1
kind: Node
metadata: {{name: n1}}
spec: {{podCIDRs: [10.244.{number}.0/26]}}
status: {{addresses: [{{type: InternalIP, address: 10.0.1.11}}]}}
"""


def write(folder: Path, number: int) -> None:
    fresh = folder / ".fresh"
    fresh.write_text(NODE.format(number=number))
    fresh.rename(folder / "node.yaml")


def nodes(source: FilesSource) -> int:
    declared = source.declared()
    assert declared is not None
    return len(declared.nodes)


def seconds_until_seen(folder: Path, edit: Callable[[], object], poll: float) -> float:
    async def story() -> float:
        heard = asyncio.Event()
        source = FilesSource(folder, folder / "last-good", heard.set, poll)
        watching = asyncio.create_task(source.run())
        await asyncio.wait_for(heard.wait(), 20)
        heard.clear()
        await asyncio.sleep(0.1)
        begin = time.monotonic()
        edit()
        await asyncio.wait_for(heard.wait(), 20)
        watching.cancel()
        return time.monotonic() - begin

    return asyncio.run(story())


def test_an_edit_is_looked_at_early(tmp_path: Path) -> None:
    write(tmp_path, 1)
    assert seconds_until_seen(tmp_path, lambda: write(tmp_path, 2), SELDOM) < SOON


def test_so_is_a_file_written_in_place(tmp_path: Path) -> None:
    write(tmp_path, 1)
    edit = (tmp_path / "node.yaml").write_text
    assert seconds_until_seen(tmp_path, lambda: edit(NODE.format(number=3)), SELDOM) < SOON


def test_a_folder_that_was_replaced_is_heard_of(tmp_path: Path) -> None:
    folder = tmp_path / "manifests"
    folder.mkdir()
    write(folder, 1)

    def edit() -> None:
        folder.rename(tmp_path / "old")
        folder.mkdir()
        write(folder, 2)

    assert seconds_until_seen(folder, edit, 0.1) < SOON


def test_without_inotify_looks_find_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Without:
        @staticmethod
        def inotify_init1(_flags: int) -> int:
            return -1

    monkeypatch.setattr(ctypes, "CDLL", lambda *_args, **_more: Without())
    write(tmp_path, 1)
    assert seconds_until_seen(tmp_path, lambda: write(tmp_path, 2), 0.05) < 2.0


def test_a_file_is_not_read_before_it_is_written_to_its_end(tmp_path: Path) -> None:
    """Its first half alone would be a Node without an address."""
    write(tmp_path, 1)
    first, second = NODE.format(number=2).split("status", 1)

    async def story() -> None:
        heard = asyncio.Event()
        source = FilesSource(tmp_path, tmp_path / "last-good", heard.set)
        watching = asyncio.create_task(source.run())
        await asyncio.wait_for(heard.wait(), 20)
        heard.clear()
        with (tmp_path / "node.yaml").open("w") as file:
            file.write(first)
            file.flush()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(heard.wait(), 0.5)
            file.write(f"status{second}")
        await asyncio.wait_for(heard.wait(), 0.5)
        declared = source.declared()
        assert declared is not None
        assert [(len(node.addresses), *map(str, node.pod_cidrs)) for node in declared.nodes] == [
            (1, "10.244.2.0/26")
        ]
        watching.cancel()

    asyncio.run(story())


def test_a_file_that_is_removed_and_written_again_was_not_gone(tmp_path: Path) -> None:
    write(tmp_path, 1)

    async def story() -> None:
        heard = asyncio.Event()
        source = FilesSource(tmp_path, tmp_path / "last-good", heard.set)
        watching = asyncio.create_task(source.run())
        await asyncio.wait_for(heard.wait(), 20)
        heard.clear()
        (tmp_path / "node.yaml").unlink()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(heard.wait(), 0.1)
        write(tmp_path, 2)
        await asyncio.wait_for(heard.wait(), 2)
        assert nodes(source) == 1
        (tmp_path / "node.yaml").unlink()
        heard.clear()
        await asyncio.wait_for(heard.wait(), 2)
        assert nodes(source) == 0
        watching.cancel()

    asyncio.run(story())
