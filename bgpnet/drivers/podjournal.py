"""The file of the pod ledger: appended to by the CNI server, read by who wants to name a pod."""

import logging
import os
from pathlib import Path
from typing import Final

from bgpnet.drivers import atomic
from bgpnet.model.net import Address
from bgpnet.model.podledger import PodLedger, PodRecord, attached_line, freed_line, refused_line

_SPARE_LINES: Final = 2048  # more than the ledger needs, before the file is written anew
_RETRY_LINES: Final = 64  # records after which a file that could not be written is tried again

log = logging.getLogger(__name__)


def read(path: Path) -> PodLedger:
    """What is recorded; nothing when there is no file. A line that was cut off by a crash is passed over.

    Raises:
        OSError: the file is there and cannot be read.
    """
    ledger = PodLedger()
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return ledger
    broken = sum(not ledger.read(line) for line in lines)
    if broken:
        log.warning("lines of the pod journal passed over path=%s count=%d", path, broken)
    return ledger


class PodJournal:
    """The ledger with its file. A file that cannot be written costs pods' names, never a pod's network."""

    def __init__(self, path: Path) -> None:
        """Go on with the file at `path`, whose directory exists."""
        self._path = path
        try:
            self.ledger = read(path)
        except OSError as error:
            log.warning("pod journal unreadable path=%s error=%r", path, error.strerror)
            self.ledger = PodLedger()
        self._file = -1
        self._lines = 0
        self._rewrite()

    def close(self) -> None:
        """Close the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def attached(self, record: PodRecord) -> None:
        """Record a pod."""
        self.ledger.attach(record)
        self._append(attached_line(record))

    def freed(self, addresses: tuple[Address, ...], at: float) -> None:
        """Record that addresses were freed."""
        self.ledger.free(addresses, at)
        self._append(freed_line(addresses, at))

    def refused(self, code: int, at: float) -> None:
        """Record that a pod was refused its network."""
        self.ledger.refuse(code)
        self._append(refused_line(code, at))

    def _append(self, line: bytes) -> None:
        self._lines += 1
        limit = _RETRY_LINES if self._file < 0 else 2 * len(self.ledger) + _SPARE_LINES
        if self._lines > limit:
            self._rewrite()
        elif self._file >= 0:
            try:
                os.write(self._file, line)
            except OSError as error:
                self._give_up(error)

    def _rewrite(self) -> None:
        """Write the file anew, with what is known alone."""
        self.close()
        try:
            lines = list(self.ledger.lines())
            atomic.replace(self._path, b"".join(lines), 0o600)
            self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            self._lines = len(lines)
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        log.warning("pod journal not written path=%s error=%r", self._path, error.strerror)
        self.close()
        self._lines = 0
