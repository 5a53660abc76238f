"""The shim without our server: called as a runtime does, before servers that do as a test wants."""

import socket
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Thread
from typing import Any

from bgpnet.cni import wire
from tests.cninode import CONFIG, SHIM, Answer, finish

Behaviour = Callable[[socket.socket], None]


def start(command: str | None, path: Path | str, **environment: str) -> subprocess.Popen[bytes]:
    given = {"CNI_CONTAINERID": "c1", "CNI_IFNAME": "eth0", "BGPNET_CNI_SOCKET": str(path)}
    if command is not None:
        given["CNI_COMMAND"] = command
    return subprocess.Popen([SHIM], env=given | environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def call(
    command: str | None,
    path: Path | str = "/nobody",
    config: Mapping[str, Any] | bytes = CONFIG,
    **environment: str,
) -> Answer:
    return finish(start(command, path, **environment), config)


class Server:
    """A server that meets one call with a given behaviour."""

    def __init__(self, path: Path, behaviour: Behaviour) -> None:
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(str(path))
        self._listener.listen()
        self._behaviour = behaviour
        self._thread = Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_error: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._listener.close()

    def _run(self) -> None:
        connection, _peer = self._listener.accept()
        with connection:
            self._behaviour(connection)


def silent(connection: socket.socket) -> None:
    """Take what comes and say nothing until the shim has gone."""
    while connection.recv(wire.REQUEST_MAX):
        pass


def answering(output: bytes, status: int) -> Behaviour:
    def behave(connection: socket.socket) -> None:
        request = wire.receive(connection)
        assert request is not None
        with request:
            wire.answer(connection, request, output, status)
        connection.recv(1)

    return behave
