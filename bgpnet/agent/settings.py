"""The agent's settings, from flags and environment."""

from dataclasses import dataclass
from pathlib import Path

from bgpnet.model.errors import UsageError
from bgpnet.model.rundir import RunDir


@dataclass(frozen=True, slots=True)
class Settings:
    """How one agent runs."""

    node_name: str
    folder: Path
    """Folder of manifests (files source)."""
    run_dir: RunDir


def manifest_folder(source: str) -> Path:
    """The folder that `--source files:DIR` names.

    Raises:
        UsageError: for any other source.
    """
    kind, _, folder = source.partition(":")
    if kind != "files" or not folder:
        raise UsageError(
            f"--source is {source!r}; the sources of this release are: files:DIR, a folder of manifests"
        )
    return Path(folder)
