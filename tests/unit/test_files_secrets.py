"""Passwords in Secrets: where they are read, what is kept, and that nobody sees them."""

import asyncio
import json
from pathlib import Path

import pytest

from bgpnet.drivers.files.contents import FileState, SecretKey, Unreadable
from bgpnet.drivers.files.judge import judge, merge, password_places, secret_values
from bgpnet.drivers.files.lastgood import LastGood
from bgpnet.drivers.files.source import FilesSource
from bgpnet.model.declared import DeclaredPeer
from bgpnet.model.rejection import Reason
from bgpnet.model.secret import Secret

PEER = """\
apiVersion: bgpnet.io/v1alpha1
kind: BGPPeer
metadata: {name: tor}
spec: {peerAddress: 192.0.2.1, peerASN: 65001, passwordSecret: {name: keys, key: tor}}
"""
SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: keys}
type: Opaque
"""
PLAIN = SECRET + "stringData: {tor: hunter2}\n"


def values(text: str) -> dict[SecretKey, bytes | Unreadable]:
    return secret_values({"f": judge("f", text.encode(), (), 0.0)})


def test_a_value_as_it_is_or_in_base64() -> None:
    key = SecretKey("keys", "tor")
    assert values(PLAIN) == {key: b"hunter2"}
    assert values(SECRET + "data: {tor: aHVudGVyMgo=}\n") == {key: b"hunter2\n"}
    assert values(SECRET + "data: {tor: b3RoZXI=}\nstringData: {tor: hunter2}\n") == {key: b"hunter2"}
    assert values(SECRET + "data: {tor: /w==}\n") == {key: b"\xff"}


@pytest.mark.parametrize(
    "what", ["data: {tor: hunter2}", "data: {tor: 4711}", "stringData: {tor: [hunter2]}"]
)
def test_a_value_that_cannot_be_read(what: str) -> None:
    assert [isinstance(value, Unreadable) for value in values(f"{SECRET}{what}\n").values()] == [True]


@pytest.mark.parametrize(
    "what", ["data: [hunter2]", "dtaa: {tor: hunter2}", "metadata: hunter2", "kind: hunter2"]
)
def test_what_is_refused_shows_no_value(what: str) -> None:
    state = judge("f", (PLAIN.replace("stringData", "stringData ") + what + "\n").encode(), (), 0.0)
    assert "hunter2" not in repr(state).replace("kind: hunter2", "")


def test_the_places_that_peers_name() -> None:
    assert password_places({"f": judge("f", PEER.encode(), (), 0.0)}) == {SecretKey("keys", "tor")}


def test_a_secret_is_not_kept_over_a_restart(tmp_path: Path) -> None:
    files = {"f": judge("f", f"{PEER}---\n{PLAIN}".encode(), (), 0.0)}
    kept = LastGood(tmp_path / "last-good.json", tmp_path)
    kept.save(files)
    assert "hunter2" not in (tmp_path / "last-good.json").read_text()
    assert [good.ref.kind for good in kept.load()["f"].objects] == ["BGPPeer"]
    assert "hunter2" not in repr(files)


def test_a_secret_that_nobody_names_harms_nobody() -> None:
    declared = merge({"f": FileState(judge("f", PLAIN.encode(), (), 0.0).objects)}, {})
    assert (declared.peers, declared.rejections) == ((), ())


class Told:
    """What a source declares, as it changes."""

    def __init__(self, folder: Path) -> None:
        self.news = asyncio.Event()
        self.source = FilesSource(folder, folder / "last-good.json", self.news.set, poll=0.01)

    async def peer(self, password: str | None, reasons: list[Reason]) -> DeclaredPeer:
        """The peer, once it has this password and so much was refused."""
        wanted = Secret(password) if password else None
        async with asyncio.timeout(5):
            while True:
                declared = self.source.declared()
                if declared and declared.peers[0].password == wanted:
                    assert [each.reason for each in declared.rejections] == reasons
                    return declared.peers[0]
                await self.news.wait()
                self.news.clear()


def test_a_secret_that_changes_and_vanishes(tmp_path: Path) -> None:
    """One that vanishes: the session keeps its last key, and it is said."""

    async def story() -> None:
        (tmp_path / "peer.yaml").write_text(PEER)
        told = Told(tmp_path)
        running = asyncio.create_task(told.source.run())
        try:
            without = await told.peer(None, [])
            assert without.password_error == "key tor of Secret/keys: it is not there"
            (tmp_path / "secret.yaml").write_text(PLAIN)
            await told.peer("hunter2", [])
            (tmp_path / "secret.yaml").write_text(PLAIN.replace("hunter2", "hunter3"))
            await told.peer("hunter3", [])
            (tmp_path / "secret.yaml").unlink()
            told.news.clear()
            await told.news.wait()
            kept = await told.peer("hunter3", [Reason.PASSWORD_UNREADABLE])
            assert kept.password_error == ""
        finally:
            running.cancel()

    asyncio.run(story())
    assert "hunter" not in json.dumps([path.read_text() for path in tmp_path.glob("*.json")])
