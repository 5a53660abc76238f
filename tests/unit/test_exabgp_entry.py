"""How ExaBGP's process begins."""

import subprocess
import sys

ASKED = """
import runpy, socket, sys

def asked(*_):
    raise AssertionError("a name server was asked")

socket.gethostbyaddr = socket.getaddrinfo = socket.gethostbyname = asked
sys.argv = ["exabgp", "version"]
{begin}
"""


def began(begin: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-c", ASKED.format(begin=begin)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)


def test_no_name_server_is_asked() -> None:
    done = began("runpy.run_module('bgpnet.speaker.exabgp_entry', run_name='__main__', alter_sys=True)")
    assert done.returncode == 0, done.stderr
    assert "ExaBGP" in done.stdout


def test_exabgp_alone_does_ask() -> None:
    """While this holds the entry is needed."""
    assert "a name server was asked" in began("import exabgp.application.main").stderr
