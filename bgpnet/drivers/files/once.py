"""Reads manifests once, without watching: for commands that look at a folder or at single files."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bgpnet.drivers.files import folder as disk
from bgpnet.drivers.files.contents import Content, FileState, PasswordFile, Unreadable
from bgpnet.drivers.files.judge import judge, merge, password_places, secret_values
from bgpnet.drivers.files.passwords import password
from bgpnet.model.declared import Declared
from bgpnet.model.errors import SourceError

STANDARD_INPUT: Final = Path("-")

_NOT_THERE: Final = Unreadable("it is not there", "write it into a Secret of these manifests")


def read_once(places: Sequence[Path]) -> Declared:
    """What the manifests of these folders and files declare, `-` is standard input; what is refused is told.

    Password files are looked for beside the manifests that name them.

    Raises:
        SourceError: a folder cannot be read, or a file is not there.
    """
    states: dict[str, FileState] = {}
    homes: list[Path] = []
    now = time.time()
    for place in places:
        files = _files(place)
        homes.append(place if place.is_dir() else place.parent)
        for file in files:
            name = file.name if len(places) == 1 else str(file)
            states[name] = judge(name, _content(file), (), now)
    secrets = secret_values(states)
    passwords = {
        place: password(
            disk.content(_beside(homes, place.name))
            if isinstance(place, PasswordFile)
            else secrets.get(place, _NOT_THERE),
            None,
        )
        for place in password_places(states)
    }
    return merge(states, passwords)


def _content(file: Path) -> Content:
    return disk.standard_input() if file == STANDARD_INPUT else disk.content(file)


def _files(place: Path) -> list[Path]:
    if place == STANDARD_INPUT:
        return [place]
    if not place.exists():
        raise SourceError(f"{place} is not there; name a folder of manifests, or manifests")
    if not place.is_dir():
        return [place]
    found = disk.manifests(place)
    if isinstance(found, Unreadable):
        raise SourceError(f"the folder {place} cannot be read: {found.why}; {found.remedy}")
    if not found:
        raise SourceError(f"the folder {place} has no manifest (*.yaml, *.yml); name another")
    return [place / name for name in sorted(found)]


def _beside(homes: list[Path], name: str) -> Path:
    there = (home / name for home in homes)
    return next((path for path in there if path.exists()), homes[0] / name)
