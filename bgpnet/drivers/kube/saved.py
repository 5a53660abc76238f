"""The last good state of the API server's objects, kept over restarts of the agent and the host."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from bgpnet.drivers import sealed
from bgpnet.drivers.kube.client import Json

VERSION: Final = 1


class SavedState:
    """{"node": …, "saved": seconds since the epoch, "objects": {kind: {name: object}}}. Holds no secret."""

    def __init__(self, path: Path, node: str) -> None:
        self._path = path
        self._node = node

    def prepare(self) -> None:
        """Make the directory where it is missing. A failure is told when the state is to be written."""
        with suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)

    def load(self, now: float) -> tuple[dict[str, dict[str, Json]], float] | None:
        """The objects and their age in seconds; None when there is none of this node.

        The clock may have been set in between: a state of the future is as old as can be.
        """
        content = sealed.load(self._path, VERSION)
        if content is None or content.get("node") != self._node:
            return None
        age = now - float(content["saved"])
        return content["objects"], age if age >= 0 else float("inf")

    def save(self, objects: Mapping[str, Mapping[str, Json]], now: float) -> None:
        """Replace the state."""
        kept = {kind: dict(found) for kind, found in objects.items()}
        sealed.save(self._path, VERSION, {"node": self._node, "saved": now, "objects": kept})
