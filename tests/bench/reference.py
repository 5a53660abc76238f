"""The reference CNI programs, built from their Go modules into the user's cache, once."""

from dataclasses import dataclass
from pathlib import Path

from tests.gobuild import SMALL, NoProgramsError, cache, run_go

VERSION = "v1.9.1"
PLUGINS = ("main/ptp", "ipam/host-local", "meta/portmap", "meta/bandwidth", "meta/tuning", "main/loopback")
PACKAGES = (
    tuple(f"github.com/containernetworking/plugins/plugins/{plugin}@{VERSION}" for plugin in PLUGINS),
    ("github.com/containernetworking/cni/cnitool@v1.3.0",),
)
PROGRAMS = (*(Path(plugin).name for plugin in PLUGINS), "cnitool")


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
    folder = _folder()
    print(f"Building the reference CNI plug-ins {VERSION} into {folder}", flush=True)
    try:
        for packages in PACKAGES:
            environment = {"GOBIN": str(folder), "CGO_ENABLED": "0"}
            what = "the reference CNI plug-ins"
            run_go("install", *SMALL, *packages, what=what, environment=environment)
    except NoProgramsError as none:
        return str(none)
    return built() or f"{folder} lacks programs"


def _folder() -> Path:
    return cache() / f"cni-plugins-{VERSION}"
