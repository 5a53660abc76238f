"""OpenSSL stays out of a process that encrypts nothing: 5 MiB that asyncio and hashlib would bring along."""

import contextlib
import sys
from collections.abc import Iterator
from typing import Final

_BRINGS: Final = ("ssl", "_hashlib")
"""Without them asyncio speaks no TLS, and hashlib takes the hashes that come with Python."""


@contextlib.contextmanager
def left_out() -> Iterator[None]:
    """What is imported for the first time meanwhile goes without; what is imported later may have it."""
    absent = [name for name in _BRINGS if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]  # None: not to be found
    try:
        yield
    finally:
        for name in absent:
            sys.modules.pop(name, None)
