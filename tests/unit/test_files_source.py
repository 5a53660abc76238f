"""The files source on a real folder: edits, broken files, folders that vanish, restarts."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from bgpnet.drivers.files import folder as disk
from bgpnet.drivers.files.contents import Unreadable
from bgpnet.drivers.files.source import FilesSource
from bgpnet.model.declared import Declared
from bgpnet.model.rejection import Reason
from bgpnet.model.secret import Secret

POLL = 0.02
PATIENCE = 5.0


class Watched:
    """A running source, and what it told last."""

    def __init__(self, folder: Path, last_good: Path) -> None:
        self._told = asyncio.Event()
        self.calls = 0
        self.source = FilesSource(folder, last_good, self._changed, POLL)

    def _changed(self) -> None:
        self.calls += 1
        self._told.set()

    async def told(self) -> None:
        """Wait for the source to tell anything."""
        async with asyncio.timeout(PATIENCE):
            await self._told.wait()

    async def until(self, holds: Callable[[Declared], bool]) -> Declared:
        """Wait for the source to tell what `holds`."""
        async with asyncio.timeout(PATIENCE):
            while True:
                declared = self.source.declared()
                if declared is not None and holds(declared):
                    return declared
                self._told.clear()
                await self._told.wait()


@asynccontextmanager
async def watched(folder: Path) -> AsyncIterator[Watched]:
    """A source that runs inside the block."""
    made = Watched(folder, folder.parent / "last-good.json")
    task = asyncio.create_task(made.source.run())
    try:
        yield made
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def pool(name: str, cidr: str = "10.0.0.0/8") -> str:
    return (
        "---\napiVersion: bgpnet.io/v1alpha1\nkind: IPPool\n"
        f"metadata: {{name: {name}}}\nspec: {{cidr: {cidr}}}\n"
    )


def peer(name: str) -> str:
    return (
        f"---\napiVersion: bgpnet.io/v1alpha1\nkind: BGPPeer\nmetadata: {{name: {name}}}\n"
        "spec: {peerAddress: 192.0.2.1, peerASN: 65001, passwordFile: key}\n"
    )


def named(declared: Declared) -> list[str]:
    return sorted(found.ref.name for found in declared.pools)


def has(*names: str) -> Callable[[Declared], bool]:
    return lambda declared: named(declared) == sorted(names)


def refused(reason: Reason) -> Callable[[Declared], bool]:
    return lambda declared: any(rejection.reason is reason for rejection in declared.rejections)


def fine(declared: Declared) -> bool:
    return not declared.rejections


def folder_with(tmp_path: Path, **files: str) -> Path:
    folder = tmp_path / "manifests"
    folder.mkdir()
    for name, content in files.items():
        (folder / f"{name}.yaml").write_text(content)
    return folder


def test_edits_additions_and_removals_act(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, a=pool("a"))

    async def story() -> None:
        async with watched(folder) as seen:
            await seen.until(has("a"))
            (folder / "b.yaml").write_text(pool("b"))
            await seen.until(has("a", "b"))
            (folder / "a.yaml").write_text(pool("a2"))
            await seen.until(has("a2", "b"))
            (folder / "a.yaml").rename(folder / "a.off")
            await seen.until(has("b"))
            (folder / "new").write_text(pool("b2"))
            (folder / "new").replace(folder / "b.yaml")
            await seen.until(has("b2"))

    asyncio.run(story())


def test_nothing_is_known_before_the_first_read(tmp_path: Path) -> None:
    assert FilesSource(tmp_path, tmp_path / "s", lambda: None).declared() is None


def test_an_empty_folder_is_known_to_be_empty(tmp_path: Path) -> None:
    async def story() -> None:
        async with watched(folder_with(tmp_path)) as seen:
            assert await seen.until(fine) == Declared()

    asyncio.run(story())


def test_a_folder_that_never_was_is_not_known(tmp_path: Path) -> None:
    folder = tmp_path / "manifests"

    async def story() -> None:
        async with watched(folder) as seen:
            await seen.told()
            assert seen.source.declared() is None
            (rejection,) = seen.source.unread()
            assert (str(rejection.object), rejection.reason) == (str(folder), Reason.SOURCE_GONE)
            assert rejection.found == "ENOENT: No such file or directory"
            await asyncio.sleep(5 * POLL + 0.1)  # nothing must come of any number of looks
            assert seen.source.declared() is None
            assert seen.calls == 1
            folder.mkdir()
            (folder / "a.yaml").write_text(pool("a"))
            await seen.until(has("a"))
            assert seen.source.unread() == ()


def test_a_file_whose_name_is_not_utf_8_is_read_and_named(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, a=pool("a"))

    async def story() -> None:
        async with watched(folder) as seen:
            await seen.until(has("a"))
            (folder / "\udcff.yaml").write_text(pool("a"))
            declared = await seen.until(refused(Reason.DUPLICATE_OBJECT))
            assert str(declared.rejections[0]).encode().startswith(rb"IPPool/a (\udcff.yaml:2)")

    asyncio.run(story())

    asyncio.run(story())


def test_an_untouched_folder_is_told_once(tmp_path: Path) -> None:
    async def story() -> None:
        async with watched(folder_with(tmp_path, a=pool("a"))) as seen:
            await seen.until(has("a"))
            await asyncio.sleep(10 * POLL)  # nothing must come of any number of looks
            assert seen.calls == 1

    asyncio.run(story())


def test_a_broken_file_keeps_its_last_good_state_until_it_is_mended(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, a=pool("a"), b=pool("b"))

    async def story() -> None:
        async with watched(folder) as seen:
            await seen.until(has("a", "b"))
            (folder / "a.yaml").write_text(pool("a")[:-8] + "'")
            declared = await seen.until(refused(Reason.BROKEN_FILE))
            assert named(declared) == ["a", "b"]
            assert declared.rejections[0].object.file == "a.yaml"
            assert declared.rejections[0].object.line > 0
            (folder / "a.yaml").write_text(pool("a3"))
            await seen.until(lambda declared: fine(declared) and named(declared) == ["a3", "b"])

    asyncio.run(story())


def test_a_folder_that_vanishes_and_comes_back(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, a=pool("a"))

    async def story() -> None:
        async with watched(folder) as seen:
            await seen.until(has("a"))
            folder.rename(tmp_path / "away")
            declared = await seen.until(refused(Reason.SOURCE_GONE))
            assert named(declared) == ["a"]
            assert declared.rejections[0].object.file == str(folder)
            (tmp_path / "away" / "b.yaml").write_text(pool("b"))
            (tmp_path / "away").rename(folder)
            await seen.until(lambda declared: fine(declared) and named(declared) == ["a", "b"])

    asyncio.run(story())


def test_the_links_of_a_config_map_swap_at_once(tmp_path: Path) -> None:
    """The kubelet publishes a ConfigMap as links through `..data`, which it swaps for a new folder."""
    folder = folder_with(tmp_path)
    for version, content in (("..v1", pool("a") + pool("b")), ("..v2", pool("c") + pool("d"))):
        (folder / version).mkdir()
        (folder / version / "all.yaml").write_text(content)
    (folder / "..data").symlink_to("..v1")
    (folder / "all.yaml").symlink_to("..data/all.yaml")

    async def story() -> None:
        async with watched(folder) as seen:
            await seen.until(has("a", "b"))
            (folder / "..tmp").symlink_to("..v2")
            (folder / "..tmp").replace(folder / "..data")
            assert fine(await seen.until(has("c", "d")))

    asyncio.run(story())


def test_a_link_to_nothing_is_not_an_empty_file(tmp_path: Path) -> None:
    folder = folder_with(tmp_path)
    (tmp_path / "real").write_text(pool("a"))
    (folder / "a.yaml").symlink_to(tmp_path / "real")

    async def story() -> None:
        async with watched(folder) as seen:
            await seen.until(has("a"))
            (tmp_path / "real").unlink()
            assert named(await seen.until(refused(Reason.UNREADABLE_FILE))) == ["a"]
            (tmp_path / "real").write_text(pool("b"))
            await seen.until(lambda declared: fine(declared) and named(declared) == ["b"])

    asyncio.run(story())


def test_a_file_that_could_not_be_read_for_a_moment_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk error leaves no trace in the file's signature."""
    folder = folder_with(tmp_path, a=pool("a"))
    answers = [Unreadable("EIO: Input/output error")]
    read = disk.content
    monkeypatch.setattr(disk, "content", lambda path: answers.pop() if answers else read(path))

    async def story() -> None:
        async with watched(folder) as seen:
            assert not fine(await seen.until(has()))
            assert fine(await seen.until(has("a")))

    asyncio.run(story())


def test_a_password_file_is_watched_too(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, a=peer("a"))
    (folder / "key").write_text("one\n")

    async def story() -> None:
        async with watched(folder) as seen:
            await seen.until(lambda declared: declared.peers[0].password == Secret("one"))
            (folder / "key").write_text("two\n")
            await seen.until(lambda declared: declared.peers[0].password == Secret("two"))
            (folder / "key").unlink()
            declared = await seen.until(refused(Reason.PASSWORD_UNREADABLE))
            assert declared.peers[0].password == Secret("two")
            (folder / "key").write_text("three")
            await seen.until(lambda declared: declared.peers[0].password == Secret("three"))

    asyncio.run(story())


def test_a_restart_remembers_what_is_broken_now(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, a=pool("a"), b=pool("b"), c=pool("c"))

    async def story() -> None:
        async with watched(folder) as seen:
            await seen.until(has("a", "b", "c"))
        (folder / "a.yaml").write_text("kind: [")
        (folder / "b.yaml").write_text(pool("b2"))
        (folder / "c.yaml").unlink()
        async with watched(folder) as seen:
            declared = await seen.until(lambda _: True)
            assert named(declared) == ["a", "b2"]
            assert [r.reason for r in declared.rejections] == [Reason.BROKEN_FILE]

    asyncio.run(story())


def test_a_restart_remembers_what_was_there_first(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, b=pool("x"))

    async def story() -> None:
        async with watched(folder) as seen:
            await seen.until(has("x"))
            (folder / "a.yaml").write_text(pool("x", "172.16.0.0/12"))
            await seen.until(refused(Reason.DUPLICATE_OBJECT))
        async with watched(folder) as seen:
            declared = await seen.until(refused(Reason.DUPLICATE_OBJECT))
            assert [str(found.cidr) for found in declared.pools] == ["10.0.0.0/8"]

    asyncio.run(story())


def test_a_restart_without_the_folder_remembers_all(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, a=pool("a"), b=pool("b"))

    async def story() -> None:
        async with watched(folder) as seen:
            await seen.until(has("a", "b"))
        folder.rename(tmp_path / "away")
        async with watched(folder) as seen:
            declared = await seen.until(lambda _: True)
            assert named(declared) == ["a", "b"]
            assert [r.reason for r in declared.rejections] == [Reason.SOURCE_GONE]

    asyncio.run(story())
