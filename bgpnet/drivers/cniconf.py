"""The folder of network configurations of a container runtime: what is in force, and what is kept aside.

A runtime takes the first file by name that ends in .conf, .conflist or .json. A file that is kept aside has
one ending more, and that name is the record of it: it needs no other, and it outlives a reboot.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bgpnet.drivers import atomic
from bgpnet.model.cni_chain import CONFLIST, LOOPBACK, PLUGIN

ASIDE: Final = ".bgpnet-aside"

_ENDINGS: Final = (".conf", ".conflist", ".json")
_MOST: Final = 1 << 20  # bytes of a file that are looked at


@dataclass(frozen=True, slots=True)
class NetworkConfiguration:
    """One file: its name, and the plug-ins that it names, none when it cannot be read."""

    name: str
    plugins: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name} ({', '.join(self.plugins) or 'unreadable'})"


class ConfFolder:
    """The folder."""

    def __init__(self, path: Path) -> None:
        self.path: Final = path

    def others(self) -> tuple[NetworkConfiguration, ...]:
        """Configurations of other plug-ins, in the order in which a runtime takes them.

        One of loopback alone is no pod's network: some runtimes want it beside the others. One that names
        our plug-in is somebody's own choice of how.

        Raises:
            OSError: the folder cannot be read.
        """
        names = sorted(
            entry.name
            for entry in os.scandir(self.path)
            if entry.name.endswith(_ENDINGS) and entry.name != CONFLIST and not entry.is_dir()
        )
        found = (NetworkConfiguration(name, _plugins(self.path / name)) for name in names)
        return tuple(one for one in found if set(one.plugins) != {LOOPBACK} and PLUGIN not in one.plugins)

    def put_aside(self, name: str) -> None:
        """Take a file out of force. Of two with one name the newer is kept: its owner replaced the other.

        Raises:
            OSError: it cannot be renamed.
        """
        (self.path / name).rename(self.path / (name + ASIDE))

    def aside(self) -> tuple[str, ...]:
        """Names that files had before they were put aside.

        Raises:
            OSError: the folder cannot be read.
        """
        names = (entry.name for entry in os.scandir(self.path) if entry.name.endswith(ASIDE))
        return tuple(sorted(name.removesuffix(ASIDE) for name in names))

    def bring_back(self, name: str) -> bool:
        """Put a file in force again; False when another one has its name: then it stays aside.

        Raises:
            OSError: it cannot be renamed.
        """
        if os.path.lexists(self.path / name):
            return False
        (self.path / (name + ASIDE)).rename(self.path / name)
        return True

    def take_ours(self) -> bool:
        """Remove our configuration; False when there is none.

        Raises:
            OSError: it cannot be removed.
        """
        atomic.clean(self.path / CONFLIST)
        try:
            (self.path / CONFLIST).unlink()
        except FileNotFoundError:
            return False
        return True


def _plugins(path: Path) -> tuple[str, ...]:
    try:
        with path.open("rb") as file:
            content = json.loads(file.read(_MOST))
        listed = content.get("plugins", [content])
        return tuple(str(plugin["type"]) for plugin in listed)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return ()
