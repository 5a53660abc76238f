"""Our table: what is there, and how it is replaced. Nothing is run unless something happened to it."""

import asyncio
import logging
import shutil
from collections.abc import Callable

from bgpnet.drivers.nft import kernel, program
from bgpnet.model.errors import KernelError
from bgpnet.model.nat import TABLE, Translation
from bgpnet.render.nft import nft_text

Translations = tuple[Translation, ...]

log = logging.getLogger(__name__)


class Nft:
    """The table of the network namespace of the thread.

    What was written is read back as `nft` spells it. A table that is spelled so still is the one that was
    wanted; any other, also that of an agent before this one, is not known and is replaced.

    Args:
        changed: called in the event loop when another program touched the table.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._events: kernel.Events | None = None
        self._found: Translations | None = None
        self._stale = True
        self._handle: bytes | None = None
        self._written: Translations = ()
        self._spelled: str | None = None

    async def observed(self) -> Translations | None:
        """What is translated; none without a table of ours. None: that is not known, so write it anew."""
        if not self._stale and self._found == () and self._events is None:
            return ()
        try:
            handle = kernel.handle()
            if self._stale or handle != self._handle:
                self._stale, self._handle = False, handle
                self._found = () if handle is None else await self._read()
        except (KernelError, OSError) as error:
            log.warning("table not read name=%s error=%r", TABLE, str(error))
            self._stale, self._found = True, None
        return self._found

    async def write(self, wanted: Translations) -> None:
        """Replace the table by one that does this; without any, delete it.

        Raises:
            KernelError: it was refused, and is as it was.
        """
        if wanted and self._events is None:
            self._listen()
        self._stale = True
        await program.carry_out(nft_text(wanted))
        self._written, self._spelled = wanted, await program.listing() if wanted else None
        if not wanted:
            self.close()

    def close(self) -> None:
        """Follow the kernel no longer."""
        if self._events is not None:
            self._events.close()
            self._events = None

    async def _read(self) -> Translations | None:
        return self._written if await program.listing() == self._spelled else None

    def _listen(self) -> None:
        if not kernel.supported():
            raise KernelError(f"this kernel has no nf_tables; it needs {program.NEEDS}")
        try:
            self._events = kernel.Events(self._touched)
        except OSError as error:
            raise KernelError(
                f"nftables cannot be followed: {error}; the agent needs CAP_NET_ADMIN"
            ) from error

    def _touched(self) -> None:
        self._stale = True
        self._changed()


def lacking() -> str:
    """What keeps this host from translating; empty when nothing does."""
    if not kernel.supported():
        return f"the kernel has no nf_tables; it needs {program.NEEDS}"
    return "" if shutil.which("nft") else "no program `nft`: install nftables"


def remove() -> bool:
    """Delete our table; whether there was one.

    Raises:
        KernelError: it was refused.
    """
    nft = Nft(lambda: None)

    async def gone() -> bool:
        if await nft.observed() == ():
            return False
        await nft.write(())
        return True

    return asyncio.run(gone())
