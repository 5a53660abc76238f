"""ExaBGP's own judgement of a configuration, and its words without the secrets."""

import os
import re
from base64 import b64decode
from pathlib import PurePosixPath
from typing import Final

from bgpnet.drivers.process import spawn
from bgpnet.speaker.exabgp import validation
from bgpnet.speaker.store import Store

LIMIT: Final = 30.0
"""Seconds that a validation may take; it needs 0.2 s of processor time."""

_WORDS: Final = 64 << 10
"""Bytes of output kept."""

_PASSWORD: Final = re.compile(r'md5-password\s+"([^"]*)"')


class Validation:
    """`exabgp validate` of the candidate, running as `pid`. `descriptor` brings its output.

    Raises:
        OSError: there is no room for the candidate, no descriptor or no process to be had.
    """

    def __init__(self, store: Store, text: str, now: float) -> None:
        self.text = text
        self.started = now
        self._output = b""
        store.propose(text)
        self.descriptor, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            self.pid = spawn(validation(PurePosixPath(store.candidate)), writer)
        except OSError:
            self.close()
            raise
        finally:
            os.close(writer)

    def read(self) -> None:
        """Take the output so far."""
        try:
            while piece := os.read(self.descriptor, 1 << 16):
                self._output = (self._output + piece)[-_WORDS:]
        except BlockingIOError:
            return

    def close(self) -> None:
        """No more output is wanted."""
        os.close(self.descriptor)

    def words(self) -> str:
        """What ExaBGP said, on one line, without passwords."""
        said = " ".join(self._output.decode(errors="replace").split())
        return redacted(said, self.text)


def redacted(said: str, text: str) -> str:
    """`said` without any password that `text` holds, in either of its forms."""
    for key in sorted(set(_PASSWORD.findall(text)), key=len, reverse=True):
        for form in (key, b64decode(key).decode(errors="replace")):
            said = said.replace(form, "***") if form else said
    return said
