"""Whether a process of this node answers at its door, for whoever starts it again when it does not."""

import json
import socket
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Final

from bgpnet.model.rundir import RunDir

PATIENCE: Final = 5.0
"""Seconds."""


def _bfd(door: socket.socket) -> str:
    return "" if door.recv(1) else "it hung up"


def _cni(door: socket.socket) -> str:
    """Who asks nothing is hung up on."""
    door.sendall(b"nothing")
    return "" if not door.recv(1) else "it answered what was not asked"


def _speaker(door: socket.socket) -> str:
    door.sendall(b'{"request": "status"}\n')
    answer = json.loads(door.makefile().readline() or "{}")
    return "" if answer.get("ok") else "it did not tell its status"


_Question = tuple[Callable[[RunDir], PurePosixPath], socket.SocketKind, Callable[[socket.socket], str]]

_DOORS: Final[dict[str, _Question]] = {
    "bfd": (lambda run_dir: run_dir.bfd_socket, socket.SOCK_STREAM, _bfd),
    "cni": (lambda run_dir: run_dir.cni_socket, socket.SOCK_SEQPACKET, _cni),
    "speaker": (lambda run_dir: run_dir.speaker_socket, socket.SOCK_STREAM, _speaker),
}

PROCESSES: Final = tuple(_DOORS)


def unwell(process: str, run_dir: RunDir, patience: float = PATIENCE) -> str:
    """What is wrong with one of PROCESSES, in words; '' when it answers within `patience` seconds."""
    path, kind, ask = _DOORS[process]
    where = path(run_dir)
    with socket.socket(socket.AF_UNIX, kind) as door:
        door.settimeout(patience)
        try:
            door.connect(str(where))
            wrong = ask(door)
        except TimeoutError:
            wrong = f"no answer within {patience:g} s"
        except (OSError, ValueError) as error:
            wrong = str(getattr(error, "strerror", None) or error)
    return wrong and f"bgpnet {process} at {where}: {wrong}"
