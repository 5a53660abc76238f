"""What is kept for an agent that restarts while the API server is away."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bgpnet.drivers import sealed
from bgpnet.drivers.files.contents import Password, SecretKey
from bgpnet.drivers.kube.client import Json
from bgpnet.model.secret import Secret

VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Places:
    """Where a node's files are."""

    state: Path
    """The last good state of the objects: on disk, as it outlives a boot."""
    passwords: Path
    """On tmpfs, beside the speaker's configuration, which has them too."""
    bootstrap: Path | None = None
    """A folder of manifests (or one manifest) that holds until the API server was read for the first time."""


class KeptPasswords:
    """{"passwords": [[name of the Secret, key, password], …]}. A boot forgets them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept: dict[SecretKey, Password] = {}

    def load(self) -> dict[SecretKey, Password]:
        """Those that were in use."""
        content = sealed.load(self._path, VERSION) or {}
        found = content.get("passwords") or ()
        self._kept = {SecretKey(name, key): Password(Secret(text)) for name, key, text in found}
        return dict(self._kept)

    def save(self, passwords: Mapping[SecretKey, Password]) -> None:
        """Keep these and no others; writes only what is news."""
        kept = {place: Password(each.secret) for place, each in passwords.items() if each.secret is not None}
        if kept != self._kept:
            self._kept = kept
            told = [
                [place.name, place.key, each.secret.reveal()] for place, each in kept.items() if each.secret
            ]
            sealed.save(self._path, VERSION, {"passwords": told})


class SavedState:
    """The last good state of the API server's objects.

    {"node": …, "saved": seconds since the epoch, "objects": {kind: {name: object}}}. Holds no secret.
    """

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
