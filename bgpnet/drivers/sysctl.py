"""Kernel settings below /proc/sys: written with the value found on record, so that they can be put back."""

import errno
import json
import logging
from pathlib import Path
from typing import Final

from bgpnet.drivers import atomic
from bgpnet.model.errors import KernelError
from bgpnet.model.plan import Sysctl

VERSION: Final = 1

log = logging.getLogger(__name__)


class Sysctls:
    """The settings of the calling thread's network namespace.

    The record ({"version": 1, "found": {path: value}}) is written before the kernel is, and keeps the value
    found the first time however often the setting changes.
    """

    def __init__(self, record: Path, root: Path = Path("/proc/sys")) -> None:
        self._record = record
        self._root = root

    def read(self, wanted: tuple[Sysctl, ...]) -> tuple[Sysctl, ...]:
        """The present values of these settings; one that cannot be read is left out."""
        values = ((sysctl.path, self._value(sysctl.path)) for sysctl in wanted)
        return tuple(Sysctl(path, value) for path, value in values if value is not None)

    def set(self, sysctl: Sysctl) -> None:
        """Record the value found, then write the new one. A setting that has the value is not touched.

        Raises:
            KernelError: there is no such setting, or it cannot be written.
            OSError: the record cannot be written; the setting is as it was.
        """
        found = self._value(sysctl.path)
        if found is None:
            raise KernelError(
                f"setting {sysctl.path}: this kernel has none of that name (wanted {sysctl.value}); "
                "check the interface's name and that the kernel has this part",
                errno.ENOENT,
            )
        if found == sysctl.value:
            return
        record = self._read_record()
        if sysctl.path not in record:
            self._write_record(record | {sysctl.path: found})
        self._write(sysctl)

    def restore(self) -> tuple[Sysctl, ...]:
        """Write back the values found; returns what was written back.

        A setting that is gone (its interface is) is forgotten; one that cannot be written stays on record.
        """
        restored, kept = [], {}
        for path, value in self._read_record().items():
            now = self._value(path)
            if now is None or now == value:
                continue
            try:
                self._write(Sysctl(path, value))
            except KernelError as error:
                log.warning("sysctl not restored error=%r", str(error))
                kept[path] = value
            else:
                restored.append(Sysctl(path, value))
        if kept:
            self._write_record(kept)
        else:
            self._record.unlink(missing_ok=True)
        return tuple(restored)

    def _file(self, path: str) -> Path:
        # Names of interfaces come in here: none may lead out of /proc/sys.
        if ".." in path.split("/"):
            raise KernelError(f"setting {path}: '..' is no part of a setting's name", errno.EINVAL)
        return self._root / path

    def _value(self, path: str) -> str | None:
        try:
            return " ".join(self._file(path).read_text("ascii").split())
        except OSError:
            return None

    def _write(self, sysctl: Sysctl) -> None:
        try:
            self._file(sysctl.path).write_text(sysctl.value, "ascii")
        except OSError as error:
            number = error.errno or 0
            raise KernelError(
                f"setting {sysctl.path}: {sysctl.value} refused ({errno.errorcode.get(number, number)}): "
                "the agent needs CAP_NET_ADMIN and a writable /proc/sys",
                number,
            ) from error

    def _read_record(self) -> dict[str, str]:
        try:
            content = json.loads(self._record.read_bytes())
            if content["version"] == VERSION:
                return {str(path): str(value) for path, value in content["found"].items()}
            log.warning("sysctl record passed over path=%s version=%r", self._record, content["version"])
        except FileNotFoundError:
            pass
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            log.warning("sysctl record unreadable path=%s error=%r", self._record, str(error))
        return {}

    def _write_record(self, found: dict[str, str]) -> None:
        content = {"version": VERSION, "found": found}
        atomic.replace(self._record, json.dumps(content, indent=1).encode() + b"\n", 0o600)
