"""The last good content of each manifest, kept over a restart of the agent. Holds no secret."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from bgpnet.drivers import sealed
from bgpnet.drivers.files.contents import FileState, GoodObject
from bgpnet.model.crd.read import read

VERSION: Final = 2

log = logging.getLogger(__name__)


class LastGood:
    """`RunDir.last_good`, 0600: {"version": 2, "sha256": …, "content": {"folder": …, "files": {…}}}."""

    def __init__(self, path: Path, folder: Path) -> None:
        self._path = path
        self._folder = str(folder)

    def load(self) -> dict[str, FileState]:
        """State by file name; empty when there is none that can be trusted."""
        content = sealed.load(self._path, VERSION)
        if content is None or content.get("folder") != self._folder:
            return {}
        try:
            return {
                file: FileState(tuple(_objects(file, objects))) for file, objects in content["files"].items()
            }
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            log.warning("last good state unreadable path=%s error=%r", self._path, str(error))
            return {}

    def save(self, files: Mapping[str, FileState]) -> None:
        """Replace the file. A failure is logged: what is in force does not depend on it."""
        kept = {
            file: [
                {
                    "line": good.ref.line,
                    "since": good.since,
                    "object": good.object.model_dump(mode="json", by_alias=True, exclude_unset=True),
                }
                for good in state.objects
                if not good.object.confidential
            ]
            for file, state in files.items()
        }
        sealed.save(self._path, VERSION, {"folder": self._folder, "files": kept})


def _objects(file: str, objects: list[dict[str, Any]]) -> list[GoodObject]:
    good = []
    for entry in objects:
        reading = read(entry["object"], file, lambda _, line=int(entry["line"]): line)  # type: ignore[misc]
        if reading.object is not None:
            good.append(GoodObject(reading.ref, reading.object, float(entry["since"])))
    return good
