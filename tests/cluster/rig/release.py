"""Our chart and image on a cluster, by Helm, as a user would."""

import fcntl
import hashlib
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from tests.cluster import binaries
from tests.cluster.controlplane import ControlPlane
from tests.cluster.rig.cluster import FABRIC
from tests.gobuild import NoProgramsError
from tests.netlab.images import REPOSITORY

CHART: Final = REPOSITORY / "charts" / "bgpnet"

NAMESPACE: Final = "bgpnet-system"

TAGS: Final = ("one", "two")
"""Tags of the same image: from one to the other is an upgrade."""

BUILD_SECONDS: Final = 900

Json = dict[str, Any]


@dataclass(frozen=True)
class Release:
    """A release of the chart. Each verb waits as long as Helm does by itself."""

    plane: ControlPlane
    helm: Path
    folder: Path
    name: str = "bgpnet"

    def install(self, values: Json, *flags: str, check: bool = True) -> str:
        """`helm install` with these values; what it prints."""
        where = ("--namespace", NAMESPACE, "--create-namespace")
        return self.call(
            "install", self.name, str(CHART), *where, "-f", self._file(values), *flags, check=check
        )

    def upgrade(self, values: Json, *flags: str) -> str:
        """`helm upgrade` to these values."""
        return self.call(
            "upgrade", self.name, str(CHART), "--namespace", NAMESPACE, "-f", self._file(values), *flags
        )

    def rollback(self, *flags: str) -> str:
        """`helm rollback` by one."""
        return self.call("rollback", self.name, "--namespace", NAMESPACE, *flags)

    def uninstall(self) -> str:
        """`helm uninstall`."""
        return self.call("uninstall", self.name, "--namespace", NAMESPACE, "--timeout", "120s")

    def call(self, *args: str, check: bool = True) -> str:
        """What Helm prints on both streams."""
        home = {f"HELM_{kind}_HOME": str(self.folder / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")}
        done = subprocess.run(
            [str(self.helm), f"--kubeconfig={self.plane.kubeconfig()}", *args],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            env=home | {"HOME": str(self.folder)},
            check=False,
        )
        assert not check or done.returncode == 0, done.stdout
        return done.stdout

    def _file(self, values: Json) -> str:
        path = self.folder / f"{self.name}.values.json"
        path.write_text(json.dumps(values))
        return str(path)


def release(plane: ControlPlane, folder: Path, name: str = "bgpnet") -> Release:
    """A release that is not installed yet; its files in the folder."""
    folder.mkdir(exist_ok=True)
    return Release(plane, binaries.HELM.find() / "helm", folder, name)


def values(agent: str = TAGS[0], speaker: str = TAGS[0], **more: Any) -> Json:  # noqa: ANN401 - of the chart
    """The values for our fabric, with these tags of the image."""
    return {
        "image": {"tag": agent},
        "speaker": {"image": {"tag": speaker}},
        "bgpConfiguration": {"localASN": 64512},
        "bgpPeers": _peers(),
        "families": ["ipv4", "ipv6"],
        "ipPools": {"pods": {"cidr": "10.244.0.0/16"}, "pods6": {"cidr": "fd00:244::/64"}},
        **more,
    }


def image() -> Path:
    """The image of this tree, as `ctr images import` reads it; built when something of it has changed.

    Raises:
        NoProgramsError: it cannot be built.

    """
    made = REPOSITORY / "build" / "image" / "cluster.tar"
    made.parent.mkdir(parents=True, exist_ok=True)
    with made.with_suffix(".lock").open("w") as lock:  # of tests that run beside each other, one builds
        fcntl.flock(lock, fcntl.LOCK_EX)
        _build(made)
    return made


def _build(made: Path) -> None:
    mark, current = made.with_suffix(".of"), _fingerprint()
    if made.exists() and mark.exists() and mark.read_text() == current:
        return
    print("Building the image: a minute", flush=True)
    argv = [str(REPOSITORY / "image" / "build.sh"), "--archive", str(made), f"bgpnet:{TAGS[0]}"]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, timeout=BUILD_SECONDS, check=False)
    if done.returncode:
        raise NoProgramsError(f"the image cannot be built: {argv[0]} says why")
    mark.write_text(current)


def _fingerprint() -> str:
    """Of the content of every file that goes into the image."""
    found = hashlib.sha256()
    for folder in ("bgpnet", "image", "plugin/build"):
        for path in sorted((REPOSITORY / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                found.update(str(path.relative_to(REPOSITORY)).encode())
                found.update(path.read_bytes())
    return found.hexdigest()


def _peers() -> Mapping[str, Json]:
    files = sorted((FABRIC / "configs" / "manifests").glob("1*.yaml"))
    found = [yaml.safe_load(path.read_text()) for path in files]
    return {each["metadata"]["name"]: each["spec"] for each in found}
