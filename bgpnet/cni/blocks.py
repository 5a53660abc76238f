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
        seen = self.signature()
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

    @property
    def growing(self) -> bool:
        """Whether the blocks that were read last will be more when they are used up."""
        return self._blocks is not None and self._blocks.growing

    def _load(self) -> Blocks | None:
        try:
            return self._file.read()
        except OSError as error:
            raise CniError(CniCode.TRY_AGAIN_LATER, f"cannot read {self._path}: {error.strerror}") from error

    def signature(self) -> tuple[int, int, int] | None:
        """Of the file that is there: another one has another. None: there is none."""
        try:
            found = os.stat(self._path)  # noqa: PTH116 - a tenth of Path.stat's time, before each ADD
        except OSError:
            return None
        return (found.st_ino, found.st_mtime_ns, found.st_size)
