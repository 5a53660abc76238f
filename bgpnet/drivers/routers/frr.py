"""A bgpd of its own, which serves no port and knows no kernel, takes the configuration and shows it again.

`vtysh -C` alone accepts names that are defined nowhere, and bgpd's own `-C` refuses `router bgp` (8.4). A
line that does not come back in `show running-config` was not taken, whatever vtysh's exit code says (it is 0
for a prefix list that was refused).
"""

import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bgpnet.drivers.routers.run import TIMEOUT, found, run, version
from bgpnet.model.routercheck import Finding, ProgramAnswer
from bgpnet.render.routers.statements import Language, statements

_HEADING: Final = re.compile(r"^(Building configuration\.\.\.|Current configuration:)[ \t]*$", re.MULTILINE)
"""What `show running-config` says above a configuration, and no command."""

_SILENT: Final = re.compile(
    r"bgp ebgp-requires-policy|bgp graceful-restart stalepath-time 360|bgp listen limit 100|maximum-paths 64"
)
"""Statements that a bgpd does not show again: its defaults."""

_BGPD: Final = re.compile(r"(router bgp|bgp|route-map|(ip|ipv6) prefix-list)\b")
"""Begins the blocks that are bgpd's; all others are another daemon's, and vtysh knows their language."""


def check(text: str) -> ProgramAnswer:
    """What FRR says of the text."""
    vtysh, bgpd = found("vtysh"), found("/usr/lib/frr/bgpd", "/usr/libexec/frr/bgpd", "/usr/sbin/frr-bgpd")
    if vtysh is None or bgpd is None:
        return ProgramAnswer("", missing="FRR is not installed (Debian: frr)")
    with tempfile.TemporaryDirectory(prefix="bgpnet-") as folder:
        file = Path(folder, "frr.conf")
        file.touch(0o600)
        file.write_text(_HEADING.sub("!", text), encoding="utf-8")
        syntax = _findings(run([vtysh, "-C", "-f", str(file)]))
        program = version([bgpd, "--version"])
        if syntax:
            return ProgramAnswer(program, syntax)
        with scratch(bgpd, Path(folder)) as socket:
            _, said = run([vtysh, "--vty_socket", str(socket), "-f", str(file)])
            _, shown = run([vtysh, "--vty_socket", str(socket), "-c", "show running-config"])
    return ProgramAnswer(program, tuple(_not_taken(text, shown, said)))


def _findings(answer: tuple[int, str]) -> tuple[Finding, ...]:
    code, said = answer
    if code == 0:
        return ()
    found_ = [
        Finding(int(told[1]), told[2].strip())
        for told in re.finditer(r"^line (\d+): (.*)", said, re.MULTILINE)
    ]
    return tuple(found_) or (Finding(0, said.strip()),)


def _not_taken(text: str, shown: str, said: str) -> Iterator[Finding]:
    there = {statement.path for statement in statements(shown, Language.INDENT)}
    reason = " ".join(
        line.strip() for line in said.splitlines() if "reset all peers" not in line and line.strip()
    )
    for statement in statements(text, Language.INDENT):
        if not _BGPD.match(statement.path[0]):
            continue
        if statement.path in there or any(_SILENT.fullmatch(part) for part in statement.path):
            continue
        yield Finding(
            statement.line, f"bgpd did not take it{f' ({reason[:200]})' if reason else ''}", statement.whole
        )


@contextmanager
def scratch(bgpd: str, folder: Path, profile: str = "traditional") -> Iterator[Path]:
    """A bgpd that nobody can reach; the folder of its vty socket. `profile`: whose defaults it has."""
    socket = folder / "vty"
    socket.mkdir()
    log = folder / "log"
    daemon = subprocess.Popen(
        [
            *(bgpd, "-Z", "-n", "-S", "-p", "0", "-P", "0", "-A", "127.0.0.1", "--vty_socket", str(socket)),
            *("-i", str(folder / "pid"), "--log", f"file:{log}", "-F", profile),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + TIMEOUT
        while not (socket / "bgpd.vty").exists():
            if daemon.poll() is not None or time.monotonic() > deadline:
                raise OSError(f"{bgpd} did not start: {log.read_text() if log.exists() else 'no log'}")
            time.sleep(0.01)
        yield socket
    finally:
        daemon.terminate()
        daemon.wait()
