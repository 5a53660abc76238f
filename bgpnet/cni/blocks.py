"""The node's blocks, as the agent handed them over."""

import os
from pathlib import Path

from bgpnet.drivers.blocks import BlocksFile
from bgpnet.model.blocks import Blocks
from bgpnet.model.cni import CniCode
from bgpnet.model.errors import CniError


class CurrentBlocks:
    """The content of `RunDir.blocks`, read again when another file has taken its place."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = BlocksFile(path)
        self._seen: tuple[int, int, int] | None = None
        self._blocks: Blocks | None = None

    def read(self) -> Blocks:
        """The blocks as of now.

        Raises:
            CniError: code 11; there are none yet.
        """
        seen = self._signature()
        if seen is None or seen != self._seen:
            self._blocks = self._load()
            self._seen = seen
        if self._blocks is None:
            raise CniError(
                CniCode.TRY_AGAIN_LATER,
                f"the agent has not handed over blocks yet: {self._path}",
                "is `bgpnet agent` running, and does the node have a prefix? see `bgpnet status`",
            )
        return self._blocks

    def _load(self) -> Blocks | None:
        try:
            return self._file.read()
        except OSError as error:
            raise CniError(CniCode.TRY_AGAIN_LATER, f"cannot read {self._path}: {error.strerror}") from error

    def _signature(self) -> tuple[int, int, int] | None:
        try:
            found = os.stat(self._path)  # noqa: PTH116 - a tenth of Path.stat's time, before each ADD
        except OSError:
            return None
        return (found.st_ino, found.st_mtime_ns, found.st_size)
