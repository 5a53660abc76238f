"""`bird -p` reads a configuration whole and does nothing else."""

import re
import tempfile
from pathlib import Path
from typing import Final

from bgpnet.drivers.routers.run import found, run, version
from bgpnet.model.routercheck import Finding, ProgramAnswer

_AROUND = "protocol device {}\n"
"""What the generated part needs and your own part of the configuration has; below it, so that lines agree."""

_HAS_DEVICE: Final = re.compile(r"^[ \t]*protocol[ \t]+device\b", re.MULTILINE)


def check(text: str) -> ProgramAnswer:
    """What BIRD says of the text."""
    bird = found("bird", "/usr/sbin/bird")
    if bird is None:
        return ProgramAnswer("", missing="BIRD is not installed (Debian: bird2)")
    with tempfile.TemporaryDirectory(prefix="bgpnet-") as folder:
        file = Path(folder, "bird.conf")
        file.touch(0o600)
        around = "" if _HAS_DEVICE.search(text) else _AROUND
        file.write_text(text + "\n" + around, encoding="utf-8")
        code, said = run([bird, "-p", "-c", str(file)])
    program = version([bird, "--version"])
    if code == 0:
        return ProgramAnswer(program)
    return ProgramAnswer(
        program, tuple(_finding(line) for line in said.strip().splitlines()) or (Finding(0, said),)
    )


def _finding(line: str) -> Finding:
    told = re.fullmatch(r"bird: \S+?:(\d+):\d+ (.*)", line)
    return Finding(int(told[1]), told[2]) if told else Finding(0, line)
