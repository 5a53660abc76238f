"""The folder of CNI plug-ins of a container runtime: our shim in it, and the plug-ins that work with it."""

import json
import os
import platform
import struct
import subprocess
from pathlib import Path
from typing import Final

from bgpnet.drivers import atomic
from bgpnet.model.cni_chain import PLUGIN
from bgpnet.model.errors import InstallError

_MARK: Final = b"bgpnet1\0"  # the framing's word (cni/wire.py): every shim of ours has it
_MOST: Final = 1 << 20  # bytes of a shim; ours has 20 thousand
_ELF: Final = b"\x7fELF"
_MACHINE: Final = struct.Struct("<18xH")  # e_machine (elf.h)
_MACHINES: Final = {62: "x86_64", 183: "aarch64"}
_ANSWER_SECONDS: Final = 10.0


def read_shim(source: Path) -> bytes:
    """The shim for this machine: `source` is it, or a folder that has it as `<uname -m>/bgpnet`.

    Raises:
        InstallError: there is none, or one of another machine.
    """
    here = platform.machine()
    path = source / here / PLUGIN if source.is_dir() else source
    try:
        shim = path.read_bytes()
    except OSError as error:
        raise InstallError(
            f"--shim: cannot read {path}: {error.strerror}; give the shim, or the folder that has it as "
            f"{here}/{PLUGIN} (`make plugin` builds plugin/build)"
        ) from error
    if not shim.startswith(_ELF) or not _MACHINE.size <= len(shim) <= _MOST or _MARK not in shim:
        raise InstallError(f"--shim: {path} is not the CNI shim of bgpnet: give what `make plugin` builds")
    machine = _MACHINE.unpack_from(shim)[0]
    if _MACHINES.get(machine) != here:
        raise InstallError(
            f"--shim: {path} is for {_MACHINES.get(machine, f'machine {machine}')}, this machine is {here}"
        )
    return shim


class PluginFolder:
    """The folder, as the runtime knows it."""

    def __init__(self, path: Path) -> None:
        self.path: Final = path
        self._shim = path / PLUGIN

    def stranger(self) -> bool:
        """Whether something is in the shim's place that is none of ours."""
        if not os.path.lexists(self._shim):
            return False
        if self._shim.is_symlink() or not self._shim.is_file():
            return True
        with self._shim.open("rb") as file:
            return _MARK not in file.read(_MOST)

    def put_shim(self, shim: bytes) -> bool:
        """Put the shim there in one step; whoever runs the old one keeps it. False when it is there already.

        Raises:
            OSError: it cannot be written; the old one is untouched.
        """
        atomic.clean(self._shim)
        if self._shim.is_file() and self._shim.read_bytes() == shim and os.access(self._shim, os.X_OK):
            return False
        atomic.replace(self._shim, shim, 0o755)
        return True

    def take_shim(self) -> bool:
        """Take our shim away; False when there is none of ours.

        Raises:
            OSError: it cannot be removed.
        """
        if self.path.is_dir():
            atomic.clean(self._shim)
        if not os.path.lexists(self._shim) or self.stranger():
            return False
        self._shim.unlink()
        return True

    def lacks(self, plugin: str) -> str:
        """What is wrong with a plug-in, in words; '' when it is there and can be started."""
        path = self.path / plugin
        if not path.is_file():
            return "is not there"
        return "" if os.access(path, os.X_OK) else "is not executable"

    def speaks(self, plugin: str, version: str) -> str:
        """What keeps a plug-in from being used with this version of the specification, in words; or ''."""
        try:
            done = subprocess.run(
                [self.path / plugin],
                env={"CNI_COMMAND": "VERSION", "PATH": os.defpath},
                input=json.dumps({"cniVersion": version}).encode(),
                capture_output=True,
                check=True,
                timeout=_ANSWER_SECONDS,
            )
            versions = json.loads(done.stdout)["supportedVersions"]
        except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError) as error:
            return f"does not tell which versions it speaks: {error}"
        if version in versions:
            return ""
        return f"speaks CNI {', '.join(map(str, versions))} and not {version}: it is too old"
