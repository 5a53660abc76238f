"""A peer that takes nothing, in ExaBGP's process."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from types import SimpleNamespace

import pytest
from exabgp.reactor.peer import ACTION

from bgpnet.speaker import exabgp_room


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)  # noqa: FBT003 - its only argument
        yield ours, theirs


def test_a_session_waits_while_its_peer_has_no_room(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = pair
    monkeypatch.setattr(exabgp_room, "_RUN", lambda _: ACTION.NOW)
    connection = SimpleNamespace(io=ours, _wpoller={})
    session = SimpleNamespace(proto=SimpleNamespace(connection=connection))
    assert exabgp_room.run(session) == ACTION.NOW
    with suppress(BlockingIOError):
        while True:
            ours.send(bytes(1 << 16))
    assert not exabgp_room.writing(connection)
    assert exabgp_room.run(session) == ACTION.LATER
    while not exabgp_room.writing(connection):
        theirs.recv(1 << 16)
    assert exabgp_room.run(session) == ACTION.NOW
    session.proto = None
    assert exabgp_room.run(session) == ACTION.NOW
