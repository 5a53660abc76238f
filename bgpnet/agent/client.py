"""Asks a running agent over its unix socket."""

import http.client
import socket
from pathlib import PurePosixPath

from bgpnet.model.errors import UnreachableError

TIMEOUT = 5.0
"""Seconds to wait for the agent."""


def get(agent_socket: PurePosixPath, path: str) -> tuple[int, bytes]:
    """GET `path`: HTTP status and body.

    Raises:
        UnreachableError: the agent does not answer.
    """
    connection = _UnixConnection(str(agent_socket))
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException) as error:
        raise UnreachableError(
            f"cannot reach the agent at {agent_socket}: {error}; does `bgpnet agent` run with this --run-dir?"
        ) from error
    finally:
        connection.close()


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(self._path)
