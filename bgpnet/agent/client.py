"""Asks a running agent over its unix socket."""

import http.client
import socket
from pathlib import PurePosixPath

from bgpnet.model.errors import UnreachableError

TIMEOUT = 5.0
"""Seconds to wait for the agent."""


def get(agent_socket: PurePosixPath, path: str, method: str = "GET") -> tuple[int, bytes]:
    """GET `path`, or POST it: HTTP status and body.

    Raises:
        UnreachableError: the agent does not answer.
    """
    connection = _UnixConnection(str(agent_socket))
    remedy = "does `bgpnet agent` run, with this --run-dir?"
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.read()
    except PermissionError as error:
        raise _unreachable(agent_socket, str(error.strerror), "run this command as root") from error
    except TimeoutError as error:
        raise _unreachable(
            agent_socket, f"no answer within {TIMEOUT:g} s", "is it stopped, or very busy?"
        ) from error
    except OSError as error:
        raise _unreachable(agent_socket, error.strerror or str(error), remedy) from error
    except http.client.HTTPException as error:
        raise _unreachable(agent_socket, repr(error), remedy) from error
    finally:
        connection.close()


def _unreachable(agent_socket: PurePosixPath, why: str, remedy: str) -> UnreachableError:
    return UnreachableError(f"cannot reach the agent at {agent_socket}: {why}; {remedy}")


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(self._path)
