"""`bgpnet alive`: whether a process answers at its door."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from threading import Thread

import pytest

from bgpnet.cli import main
from bgpnet.drivers.alive import unwell
from bgpnet.model.rundir import RunDir

DOORS: dict[str, tuple[str, socket.SocketKind, Callable[[socket.socket], object]]] = {
    "bfd": ("bfd.sock", socket.SOCK_STREAM, lambda link: link.sendall(b"{}\n")),
    "cni": ("cni.sock", socket.SOCK_SEQPACKET, lambda link: link.recv(64)),
    "speaker": ("speaker/supervisor.sock", socket.SOCK_STREAM, lambda link: said(link, b'{"ok": true}\n')),
}


def said(link: socket.socket, answer: bytes) -> None:
    link.recv(64)
    link.sendall(answer)


@contextmanager
def door(root: Path, process: str, answer: Callable[[socket.socket], object]) -> Iterator[None]:
    name, kind, _ = DOORS[process]
    path = root / name
    path.parent.mkdir(exist_ok=True)

    def one() -> None:
        link, _ = listener.accept()
        with link:
            answer(link)

    with socket.socket(socket.AF_UNIX, kind) as listener:
        listener.bind(str(path))
        listener.listen()
        thread = Thread(target=one, daemon=True)
        thread.start()
        yield
        thread.join(5)


@pytest.mark.parametrize("process", DOORS)
def test_one_that_answers_is_well(short_path: Path, process: str) -> None:
    with door(short_path, process, DOORS[process][2]):
        assert main(["alive", process, "--run-dir", str(short_path)]) == 0


@pytest.mark.parametrize("process", DOORS)
def test_one_that_is_not_there_is_named(
    short_path: Path, process: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["alive", process, "--run-dir", str(short_path)]) == 1
    assert f"bgpnet {process} at {short_path}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("process", "answer", "told"),
    [
        ("bfd", lambda _: None, "it hung up"),
        ("cni", lambda link: said(link, b"x"), "it answered what was not asked"),
        ("speaker", lambda link: said(link, b'{"ok": false}\n'), "it did not tell its status"),
        ("speaker", lambda link: said(link, b"{{{\n"), "Expecting"),
    ],
)
def test_one_that_answers_otherwise_is_not(
    short_path: Path, process: str, answer: Callable[[socket.socket], object], told: str
) -> None:
    with door(short_path, process, answer):
        assert told in unwell(process, RunDir(PurePosixPath(short_path)))


def test_one_that_hangs_is_not(short_path: Path) -> None:
    with door(short_path, "speaker", lambda link: link.recv(1) and link.recv(64) and link.recv(64)):
        assert "no answer within 0.05 s" in unwell("speaker", RunDir(PurePosixPath(short_path)), 0.05)
