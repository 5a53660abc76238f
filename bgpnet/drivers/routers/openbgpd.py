"""`bgpd -n` of OpenBGPD reads a configuration whole and does nothing else. FRR's bgpd has the same name."""

import re
import tempfile
from pathlib import Path

from bgpnet.drivers.routers.run import found, run
from bgpnet.model.routercheck import Finding, ProgramAnswer


def check(text: str) -> ProgramAnswer:
    """What OpenBGPD says of the text."""
    bgpd = found("/usr/sbin/bgpd", "openbgpd")
    if bgpd is None or found("bgpctl", "/usr/sbin/bgpctl") is None:
        return ProgramAnswer("", missing="OpenBGPD is not installed (Debian: openbgpd)")
    with tempfile.TemporaryDirectory(prefix="bgpnet-") as folder:
        file = Path(folder, "bgpd.conf")
        file.touch(0o600)  # it refuses one that others can read
        file.write_text(text, encoding="utf-8")
        code, said = run([bgpd, "-n", "-f", str(file)])
    program = run([bgpd, "-V"])[1].strip().splitlines()[0]
    if code == 0:
        return ProgramAnswer(program)
    findings = tuple(_finding(line) for line in said.strip().splitlines())
    return ProgramAnswer(program, findings or (Finding(0, "bgpd -n refuses it without a word"),))


def _finding(line: str) -> Finding:
    told = re.fullmatch(r"\S+?:(\d+): (.*)", line)
    return Finding(int(told[1]), told[2]) if told else Finding(0, line)
