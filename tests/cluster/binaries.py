"""The Kubernetes programs: found where envtest looks for them, else built once into the user's cache."""

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.gobuild import SMALL, NoProgramsError, Programs, cache, run_go

TOOLS: Final = Path(__file__).parent / "tools"

CONTROL_PLANE: Final = ("kube-apiserver", "kube-controller-manager", "kubectl")

NODE: Final = ("kube-scheduler", "kubelet", "kube-proxy")
"""What a cluster with nodes has besides."""

HELM: Final = Programs("helm", "helm.sh/helm/v3", "v3.22.0", ("cmd/helm",), "2 minutes")

CONTAINERD: Final = Programs(
    "containerd",
    "github.com/containerd/containerd/v2",
    "v2.4.2",
    ("cmd/containerd", "cmd/containerd-shim-runc-v2", "cmd/ctr"),
    "2 minutes",
)

ASSETS: Final = "KUBEBUILDER_ASSETS"
"""Environment variable of envtest (sigs.k8s.io/controller-runtime): a folder with the programs."""

_VERSION_IN: Final = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")


@dataclass(frozen=True)
class Binaries:
    """A folder with the programs, and where etcd is."""

    folder: Path
    etcd: str

    def path(self, program: str) -> str:
        """A program's path."""
        return str(self.folder / program)


def find() -> Binaries:
    """The programs of a control plane, built now when they are not there.

    Raises:
        NoProgramsError: they cannot be had.
    """
    assets = os.environ.get(ASSETS)
    folder = Path(assets) if assets else cached(version())
    missing = [program for program in CONTROL_PLANE if not (folder / program).exists()]
    if missing and assets:
        raise NoProgramsError(f"{ASSETS} is {assets}, which lacks {', '.join(missing)}")
    _build(folder, missing)
    etcd = shutil.which("etcd", path=f"{folder}:{os.environ.get('PATH', '')}")
    if etcd is None:
        raise NoProgramsError("there is no etcd: install the Debian package etcd-server")
    return Binaries(folder, etcd)


def find_node() -> Path:
    """The folder with the Kubernetes programs of a node and the scheduler, built now when they are not there.

    Raises:
        NoProgramsError: they cannot be had.
    """
    folder = cached(version())
    _build(folder, [program for program in NODE if not (folder / program).exists()])
    return folder


def find_all() -> None:
    """Have all Kubernetes programs; those that are not there are built at once, as they share most of it.

    Raises:
        NoProgramsError: they cannot be had.
    """
    folder = cached(version())
    wanted = NODE if os.environ.get(ASSETS) else (*CONTROL_PLANE, *NODE)
    _build(folder, [program for program in wanted if not (folder / program).exists()])
    find()


def version() -> str:
    """The version that tools/go.mod pins, as `v1.37.2`."""
    found = re.search(r"k8s\.io/kubernetes (v\S+)", (TOOLS / "go.mod").read_text())
    if found is None:
        raise NoProgramsError(f"{TOOLS}/go.mod names no version of k8s.io/kubernetes")
    return found[1]


def cached(pinned: str) -> Path:
    """Where the programs of a version are kept."""
    return cache() / "kubernetes" / pinned


def _build(folder: Path, programs: list[str]) -> None:
    if not programs:
        return
    what = f"{', '.join(programs)} {folder.name}"
    print(f"Building {what} into {folder}: up to 10 minutes on 2 idle cores", flush=True)
    new = folder / ".new"
    new.mkdir(parents=True, exist_ok=True)
    major, minor, *_ = folder.name.removeprefix("v").split(".")
    stamps = [
        f"-X {package}.git{name}={value}"
        for package in _VERSION_IN
        for name, value in (("Version", folder.name), ("Major", major), ("Minor", minor))
    ]
    flags = (*SMALL, "-ldflags", " ".join(["-s", "-w", *stamps]), "-o", f"{new}/")
    packages = [f"k8s.io/kubernetes/cmd/{program}" for program in programs]
    run_go("build", *flags, *packages, what="Kubernetes", environment={"CGO_ENABLED": "0"}, folder=TOOLS)
    for program in programs:
        (new / program).replace(folder / program)
    shutil.rmtree(new)
