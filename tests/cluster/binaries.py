"""The Kubernetes programs: found where envtest looks for them, else built once into the user's cache."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TOOLS: Final = Path(__file__).parent / "tools"

PROGRAMS: Final = ("kube-apiserver", "kube-controller-manager", "kubectl")

ASSETS: Final = "KUBEBUILDER_ASSETS"
"""Environment variable of envtest (sigs.k8s.io/controller-runtime): a folder with the programs."""

BUILD_SECONDS: Final = 3600

_VERSION_IN: Final = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")


class NoBinariesError(Exception):
    """The programs are not there and cannot be built; says why."""


@dataclass(frozen=True)
class Binaries:
    """A folder with the programs, and where etcd is."""

    folder: Path
    etcd: str

    def path(self, program: str) -> str:
        """A program's path."""
        return str(self.folder / program)


def find() -> Binaries:
    """The programs, built now when they are not there.

    Raises:
        NoBinariesError: they cannot be had.
    """
    assets = os.environ.get(ASSETS)
    folder = Path(assets) if assets else cached(version())
    missing = [program for program in PROGRAMS if not (folder / program).exists()]
    if missing and assets:
        raise NoBinariesError(f"{ASSETS} is {assets}, which lacks {', '.join(missing)}")
    if missing:
        _build(folder)
    etcd = shutil.which("etcd", path=f"{folder}:{os.environ.get('PATH', '')}")
    if etcd is None:
        raise NoBinariesError("there is no etcd: install the Debian package etcd-server")
    return Binaries(folder, etcd)


def version() -> str:
    """The version that tools/go.mod pins, as `v1.37.2`."""
    found = re.search(r"k8s\.io/kubernetes (v\S+)", (TOOLS / "go.mod").read_text())
    if found is None:
        raise NoBinariesError(f"{TOOLS}/go.mod names no version of k8s.io/kubernetes")
    return found[1]


def cached(pinned: str) -> Path:
    """Where the programs of a version are kept (XDG Base Directory Specification)."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "bgpnet" / "kubernetes" / pinned


def _build(folder: Path) -> None:
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if go is None:
        raise NoBinariesError("there is no Go to build Kubernetes with: install Go 1.26 or newer")
    print(f"Building Kubernetes {folder.name} into {folder}: about 10 minutes on 2 cores", flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    major, minor, *_ = folder.name.removeprefix("v").split(".")
    stamps = [
        f"-X {package}.git{name}={value}"
        for package in _VERSION_IN
        for name, value in (("Version", folder.name), ("Major", major), ("Minor", minor))
    ]
    for program in PROGRAMS:
        made = folder / f".{program}.new"
        argv = [go, "build", "-trimpath", "-buildvcs=false", "-ldflags", " ".join(["-s", "-w", *stamps])]
        done = subprocess.run(
            [*argv, "-o", str(made), f"k8s.io/kubernetes/cmd/{program}"],
            cwd=TOOLS,
            env=os.environ | {"CGO_ENABLED": "0"},
            check=False,
            capture_output=True,
            text=True,
            timeout=BUILD_SECONDS,
        )
        if done.returncode:
            raise NoBinariesError(f"{program} cannot be built: {done.stderr.strip()[-500:]}")
        made.replace(folder / program)


if __name__ == "__main__":
    print(find().folder)
