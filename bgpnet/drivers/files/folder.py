"""Looks at files: their signatures, cheap enough for five times a second, and their bytes."""

import errno
import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from bgpnet.drivers.files.contents import MAX_BYTES, Content, Unreadable
from bgpnet.drivers.files.look import Signature

SUFFIXES: Final = (".yaml", ".yml")

_TOO_LARGE: Final = Unreadable(f"it is larger than {MAX_BYTES >> 20} MiB", "split it")


def manifests(folder: Path) -> dict[str, Signature] | Unreadable:
    """Signature of every manifest in the folder; hidden files are editors' and kubelet's, not ours."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.name.endswith(SUFFIXES)]
    except OSError as error:
        return Unreadable(_words(error))
    return signatures(folder, (name for name in names if not name.startswith(".")))


def signatures(folder: Path, names: Iterable[str]) -> dict[str, Signature]:
    """Signature of each file, links followed. Names are relative to the folder, or absolute."""
    return {name: signature(f"{folder}/{name}" if name[0] != "/" else name) for name in names}


def signature(path: str) -> Signature:
    """Signature of a file or folder, links followed."""
    try:
        seen = os.stat(path)  # noqa: PTH116 - a Path each poll would cost more than the call
    except OSError as error:
        return (error.errno or 0,)
    return (seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)


def content(path: Path) -> Content:
    """The bytes of a file."""
    try:
        # Without O_NONBLOCK the opening of a pipe that somebody named x.yaml would wait for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
            seen = os.fstat(descriptor)
            if not stat.S_ISREG(seen.st_mode):
                return Unreadable("it is no regular file", "put one in its place, or remove it")
            found = file.read(MAX_BYTES + 1) if seen.st_size <= MAX_BYTES else None
    except OSError as error:
        return Unreadable(_words(error), "make it readable, or remove it")
    if found is None or len(found) > MAX_BYTES:
        return _TOO_LARGE
    return found


def standard_input() -> Content:
    """The bytes of standard input."""
    try:
        found = sys.stdin.buffer.read(MAX_BYTES + 1)
    except OSError as error:
        return Unreadable(_words(error), "pipe a manifest into it")
    return found if len(found) <= MAX_BYTES else _TOO_LARGE


def _words(error: OSError) -> str:
    return f"{errno.errorcode.get(error.errno or 0, '')}: {error.strerror}"
