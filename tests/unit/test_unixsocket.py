"""Doors of our processes: who waits at one neither makes it spin nor is forgotten."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import os, resource, socket, sys
from pathlib import PurePosixPath
from bgpnet.drivers.unixsocket import Doorkeeper, listening
with listening(PurePosixPath(sys.argv[1])) as listener:
    listener.settimeout(0)
    door = Doorkeeper(listener)
    assert door.let_in() is None
    clients = [socket.socket(socket.AF_UNIX) for _ in range(3)]
    for client in clients:
        client.connect(sys.argv[1])
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (clients[-1].fileno() + 1, hard))
    for client in clients[:2]:
        assert door.let_in() is None
        client.settimeout(5)
        assert client.recv(1) == b"", "it is sent away"
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    let_in = door.let_in()
    let_in.send(b"x")
    clients[2].settimeout(5)
    assert clients[2].recv(1) == b"x", "whoever comes later is let in"
"""


def test_without_a_descriptor_left_who_waits_is_sent_away(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", PROGRAM, str(tmp_path / "s")]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
