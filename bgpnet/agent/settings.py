"""The agent's settings, from flags and environment."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bgpnet.model.errors import UsageError
from bgpnet.model.rundir import RunDir

_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Settings:
    """How one agent runs."""

    node_name: str
    folder: Path
    """Folder of manifests (files source)."""
    run_dir: RunDir


def node_name(text: str) -> str:
    """The name that `--node` gives.

    Raises:
        UsageError: no Node object can have it.
    """
    if not _NAME.fullmatch(text):
        raise UsageError(
            f"--node is {text!r}; give the name of a Node object: letters, digits, '-' and '.', with a "
            "letter or digit at both ends"
        )
    return text


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
