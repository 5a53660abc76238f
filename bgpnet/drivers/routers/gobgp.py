"""gobgpd: `-d` judges keys and types, a start values and references. It opens no port and calls nobody."""

import json
import re
import subprocess
import tempfile
import tomllib
from pathlib import Path
from threading import Timer
from typing import Any, Final

from bgpnet.drivers.routers.run import TIMEOUT, found, run, version
from bgpnet.model.routercheck import Finding, ProgramAnswer

_MARK: Final = "127.255.255.254"
"""A neighbour of ours at the end: when gobgpd has it, it has taken everything before it."""


def check(text: str) -> ProgramAnswer:
    """What GoBGP says of the text."""
    gobgpd = found("gobgpd")
    if gobgpd is None:
        return ProgramAnswer("", missing="GoBGP is not installed (Debian: gobgpd)")
    program = version([gobgpd, "--version"])
    with tempfile.TemporaryDirectory(prefix="bgpnet-") as name:
        folder = Path(name)
        file = folder / "gobgpd.toml"
        file.touch(0o600)
        file.write_text(text, encoding="utf-8")
        code, said = run([gobgpd, "-d", "-f", str(file)])
        if code != 0:
            return ProgramAnswer(program, (_finding(said),))
        said = _started(gobgpd, folder, _deaf(tomllib.loads(text)))
    return ProgramAnswer(program, (_finding(said),) if said else ())


def _deaf(config: dict[str, Any]) -> dict[str, Any]:
    """The same without a port, and with nobody to call."""
    config.setdefault("global", {}).setdefault("config", {})["port"] = -1
    mark = {"config": {"neighbor-address": _MARK, "peer-as": 64496}}
    config["neighbors"] = [*config.get("neighbors", ()), mark]
    for neighbor in config["neighbors"]:
        neighbor.setdefault("transport", {}).setdefault("config", {})["passive-mode"] = True
    return config


def _started(gobgpd: str, folder: Path, config: dict[str, Any]) -> str:
    """What keeps gobgpd from starting with it; empty when it starts."""
    file = folder / "gobgpd.json"
    file.touch(0o600)
    file.write_text(json.dumps(config), encoding="utf-8")
    quiet = ("--api-hosts", f"unix://{folder}/api", "--pprof-disable")
    daemon = subprocess.Popen(
        [gobgpd, "-t", "json", "-f", str(file), *quiet],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    guard = Timer(TIMEOUT, daemon.kill)
    guard.start()
    try:
        for line in daemon.stdout or ():
            if '"level":"fatal"' in line or '"level":"error"' in line or '"level":"warning"' in line:
                return line
            if _MARK in line:
                return ""
        return "it ended without a word"
    finally:
        guard.cancel()
        daemon.kill()
        daemon.communicate()


def _finding(said: str) -> Finding:
    """Of its lines of JSON, the words of the last."""
    last = said.strip().splitlines()[-1] if said.strip() else "it refuses it without a word"
    try:
        told = json.loads(last)
    except ValueError:
        return Finding(0, last)
    error = " ".join(str(told[key]) for key in ("msg", "Error", "error") if key in told)
    line = re.search(r"line (\d+)|\((\d+), \d+\)", error)
    return Finding(int(line[1] or line[2]) if line else 0, error)
