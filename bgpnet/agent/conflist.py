"""The network configuration of the container runtime: there once this node can take pods, and kept there."""

import asyncio
import logging
from pathlib import Path
from typing import Final

from bgpnet.drivers import atomic
from bgpnet.drivers.blocks import BlocksFile
from bgpnet.drivers.cniserver import answers
from bgpnet.model.rundir import RunDir

LOOK: Final = 1.0
"""Seconds between two looks: who removes or alters the file finds it put back after this."""

log = logging.getLogger(__name__)


class Conflist:
    """One file, written when the node was route-ready, has prefixes and answers the shim.

    Nothing takes it away: while the agent is gone pods go on to be attached, and after a boot it is STATUS
    that tells the runtime to wait.
    """

    def __init__(self, path: Path, text: str, run_dir: RunDir) -> None:
        self._path = path
        self._text = text.encode()
        self._run_dir = run_dir
        self._blocks = BlocksFile(Path(run_dir.blocks))
        self._written = False
        self._trouble = ""

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK)

    async def look(self) -> None:
        """Write the file if it is due."""
        try:
            if self._present() != self._text and await self._due():
                self._write()
            self._trouble = ""
        except OSError as error:
            if self._trouble != str(error):
                log.warning(
                    "network configuration not written path=%s error=%r; without it no pod is attached, and "
                    "it is tried again: does the folder exist, and may the agent write it?",
                    self._path,
                    error.strerror,
                )
            self._trouble = str(error)

    def _write(self) -> None:
        atomic.replace(self._path, self._text, 0o644)
        if self._written:
            log.warning("network configuration was altered or removed, and is put back path=%s", self._path)
        else:
            log.info("network configuration written path=%s", self._path)
        self._written = True

    def _present(self) -> bytes | None:
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return None

    async def _due(self) -> bool:
        return self._can_route() and await answers(self._run_dir.cni_socket)

    def _can_route(self) -> bool:
        blocks = self._blocks.read()
        return blocks is not None and bool(blocks.prefixes) and Path(self._run_dir.ready).exists()
