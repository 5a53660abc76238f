"""The last good content of each manifest, kept over a restart of the agent. Holds no secret."""

import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from bgpnet.drivers import atomic
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
        try:
            saved = json.loads(self._path.read_bytes())
            content = saved["content"]
            if saved["version"] != VERSION or saved["sha256"] != _sum(content):
                log.warning(
                    "last good state passed over path=%s reason=%r", self._path, "version or checksum"
                )
                return {}
            if content["folder"] != self._folder:
                return {}
            return {
                file: FileState(tuple(_objects(file, objects))) for file, objects in content["files"].items()
            }
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
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
        content = {"folder": self._folder, "files": kept}
        saved = {"version": VERSION, "sha256": _sum(content), "content": content}
        try:
            atomic.replace(self._path, json.dumps(saved).encode() + b"\n", 0o600)
        except OSError as error:
            log.warning("last good state not saved path=%s error=%r", self._path, str(error))


def _objects(file: str, objects: list[dict[str, Any]]) -> list[GoodObject]:
    good = []
    for entry in objects:
        reading = read(entry["object"], file, lambda _, line=int(entry["line"]): line)  # type: ignore[misc]
        if reading.object is not None:
            good.append(GoodObject(reading.ref, reading.object, float(entry["since"])))
    return good


def _sum(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
