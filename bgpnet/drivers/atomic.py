"""Files that are there whole or not at all."""

import os
from contextlib import suppress
from pathlib import Path


def replace(path: Path, content: bytes, mode: int) -> None:
    """Put `content` in the place of `path` in one step; a reader sees the old file or the new one.

    The file never has wider rights than `mode`. A file has one writer: two at once would share the
    temporary name.

    Raises:
        OSError: it cannot be written; the old file is untouched.
    """
    new = _beside(path)
    clean(path)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, not a path
            file.write(content)
            file.flush()
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)  # a rename may reach the disk before the data does
        new.replace(path)
    except BaseException:
        with suppress(OSError):
            new.unlink()
        raise


def clean(path: Path) -> None:
    """Remove what a `replace` left that was killed.

    Raises:
        OSError: it cannot be removed.
    """
    _beside(path).unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.new")
