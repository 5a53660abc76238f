"""The reference CNI programs, built from their Go modules into the user's cache, once."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

VERSION = "v1.9.1"
PLUGINS = ("main/ptp", "ipam/host-local", "meta/portmap", "meta/bandwidth", "meta/tuning")
PACKAGES = (
    tuple(f"github.com/containernetworking/plugins/plugins/{plugin}@{VERSION}" for plugin in PLUGINS),
    ("github.com/containernetworking/cni/cnitool@v1.3.0",),
)
PROGRAMS = (*(Path(plugin).name for plugin in PLUGINS), "cnitool")
BUILD_SECONDS = 900


@dataclass(frozen=True)
class Reference:
    """A folder with the programs, and what to call the plug-ins in a report."""

    folder: Path
    name: str


def built() -> Reference | None:
    """The programs, if they were built before."""
    folder = _folder()
    whole = all((folder / program).exists() for program in PROGRAMS)
    return Reference(folder, f"ptp + host-local {VERSION}") if whole else None


def find() -> Reference | str:
    """The programs, built now when they are not there; else, in words, why there are none."""
    found = built()
    if found is not None:
        return found
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if go is None:
        return "there is no Go to build the reference CNI plug-ins with: install Go 1.24 or newer"
    folder = _folder()
    print(f"Building the reference CNI plug-ins {VERSION} into {folder}", flush=True)
    environment = os.environ | {"GOBIN": str(folder), "CGO_ENABLED": "0"}
    for packages in PACKAGES:
        try:
            done = subprocess.run(
                [go, "install", "-trimpath", *packages],
                env=environment,
                check=False,
                capture_output=True,
                text=True,
                timeout=BUILD_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return f"the reference CNI plug-ins {VERSION} were not built within {BUILD_SECONDS} s"
        if done.returncode:
            return f"the reference CNI plug-ins {VERSION} cannot be built: {done.stderr.strip()[-500:]}"
    return built() or f"{folder} lacks programs"


def _folder() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "bgpnet" / f"cni-plugins-{VERSION}"
