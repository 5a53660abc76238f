"""The files of a lab folder: its topology, and what must hold in it."""

from dataclasses import dataclass
from pathlib import Path

from tests.netlab.errors import LabSetupError

TOPOLOGY = "lab.clab.yml"
EXPECTATIONS = "expect.yml"
PATTERNS = ("*.clab.yml", "*.clab.yaml")
"""Names by which containerlab knows a topology file."""
TEMPLATES = ("*.clab.gotmpl", "*.clab.yml.gotmpl", "*.clab.yaml.gotmpl")


@dataclass(frozen=True, slots=True)
class LabFolder:
    """Where a lab's files stand, as absolute paths."""

    topology: Path

    @property
    def folder(self) -> Path:
        """The folder that relative paths in the files start from."""
        return self.topology.parent

    @property
    def expectations(self) -> Path:
        """What must hold; it need not be there."""
        return self.folder / EXPECTATIONS


def find(place: Path) -> LabFolder:
    """The lab of a folder, or of a topology file named outright.

    In a folder, `lab.clab.yml` is taken, else the only `*.clab.yml`, as containerlab does.

    Raises:
        LabSetupError: there is none, or more than one, or it may not be read.

    """
    try:
        return _find(place.resolve())
    except PermissionError as error:
        raise LabSetupError(f"{place}: may not be read: {error.strerror}: run it as root") from error


def _find(place: Path) -> LabFolder:
    if place.is_file():
        return LabFolder(place)
    if not place.is_dir():
        raise LabSetupError(f"{place}: there is no such folder: name a folder that has a {TOPOLOGY}")
    if (place / TOPOLOGY).is_file():
        return LabFolder(place / TOPOLOGY)
    found = sorted(path for pattern in PATTERNS for path in place.glob(pattern))
    if len(found) == 1:
        return LabFolder(found[0])
    if found:
        names = ", ".join(path.name for path in found)
        raise LabSetupError(f"{place}: several topologies ({names}): name the file instead of the folder")
    templates = sorted(path.name for pattern in TEMPLATES for path in place.glob(pattern))
    if templates:
        raise LabSetupError(
            f"{place}: only a Go template ({', '.join(templates)}), which this runner does not read:"
            f" render it and write the result into {TOPOLOGY}"
        )
    raise LabSetupError(f"{place}: no topology there: write a {TOPOLOGY} (see containerlab/README.md)")
