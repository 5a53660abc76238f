"""What outlives this process: its sessions go on where the last one left them, if that was a moment ago.

A session is gone at the other side once its detection time has passed without a packet of ours. So what was
written down is used for as long, and after that a session begins anew, as RFC 5880 has it.

A boot takes the run directory away, and may be over before the routers' patience is. FRR takes no packet
of a session that begins anew while it has the old one for up, and ends the BGP session when that
expires. So what is left at the end is also kept where a boot leaves it.
"""

import json
import logging
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from bgpnet.bfd import session as machine
from bgpnet.bfd.packet import State
from bgpnet.bfd.session import Parameters, Remote, Session

VERSION: Final = 1

LASTING: Final = "bfd.json"
"""In the state directory: the sessions as they were left at the end of a boot."""

_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")

BEAT: Final = 0.5
"""Seconds between two signs of life: by so much too old what is found may be."""

_UNREADABLE: Final = (OSError, ValueError, TypeError, KeyError)

Key = tuple[str, str, str]
"""Peer, link, own address."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """A session as it was left."""

    peer: str
    link: str
    local_address: str
    source_port: int
    session: Session


class Memory:
    """`RunDir.bfd_state`. Its modification time, of the monotonic clock, is the last sign of life.

    `lasting` is what outlives a boot, `boot` the file with the identity of this one.
    """

    def __init__(self, path: Path, lasting: Path, boot: Path = _BOOT) -> None:
        self.due = 0.0
        self._path = path
        self._lasting = lasting
        self._boot = boot
        self._written: tuple[Kept, ...] | None = None
        self._trouble: str | None = None

    def keep(self, sessions: Iterable[Kept]) -> None:
        """Write down what has changed but for the moments."""
        kept = tuple(replace(each, session=replace(each.session, heard=0.0)) for each in sessions)
        if kept == self._written:
            return
        try:
            _write(self._path, kept)
        except OSError as error:
            if self._trouble != error.strerror:
                _log.warning("a restart will lose the sessions path=%s error=%r", self._path, error.strerror)
            self._trouble = error.strerror
        else:
            self._written, self._trouble = kept, None

    def outlast(self, wall: float) -> None:
        """Keep what was written last over a boot; where there is no such directory, a boot loses it.

        `wall`: seconds since 1970, as the monotonic clock begins anew.
        """
        with suppress(OSError):
            _write(self._lasting, self._written or (), wall=wall, boot=self._boot.read_text())

    def beat(self, now: float) -> None:
        """Sign of life."""
        self.due = now + BEAT
        with suppress(OSError):
            os.utime(self._path, (now, now))

    def recalled(self, now: float, wall: float) -> dict[Key, Kept]:
        """What can be gone on with, by peer, link and local address."""
        try:
            found = _sessions(json.loads(self._path.read_bytes()), now)
            age = now - self._path.stat().st_mtime
        except FileNotFoundError:
            return self._from_before_the_boot(now, wall)
        except _UNREADABLE as error:
            _log.warning("sessions begin anew path=%s error=%r", self._path, str(error))
            return {}
        return _held(found, age)

    def _from_before_the_boot(self, now: float, wall: float) -> dict[Key, Kept]:
        try:
            content = json.loads(self._lasting.read_bytes())
            if content["boot"] == self._boot.read_text():
                return {}
            found, age = _sessions(content, now), wall - content["wall"]
        except FileNotFoundError:
            return {}
        except _UNREADABLE as error:
            _log.warning("sessions begin anew path=%s error=%r", self._lasting, str(error))
            return {}
        return _held(found, age)


def _write(path: Path, sessions: Iterable[Kept], **more: object) -> None:
    content = {"version": VERSION, "sessions": [asdict(each) for each in sessions], **more}
    fresh = path.with_name(f".{path.name}.new")
    # No fsync: a disk that is slow would stop the packets, and a crash of the host ends the sessions.
    fresh.write_bytes(json.dumps(content).encode())
    fresh.replace(path)


def _sessions(content: dict[str, Any], now: float) -> list[Kept]:
    return [_kept(entry, now) for entry in content["sessions"]] if content["version"] == VERSION else []


def _held(sessions: Iterable[Kept], age: float) -> dict[Key, Kept]:
    """Those that the other side still has for up, `age` seconds after the last sign of life."""
    return {
        (each.peer, each.link, each.local_address): each
        for each in sessions
        if 0.0 <= age <= machine.remote_detection_time(each.session) + BEAT
    }


def _kept(entry: dict[str, Any], now: float) -> Kept:
    told = entry["session"]
    remote = Remote(**{**told["remote"], "state": State(told["remote"]["state"])})
    session = Session(
        **{
            **told,
            "wanted": Parameters(**told["wanted"]),
            "state": State(told["state"]),
            "remote": remote,
            "heard": now,
        }
    )
    return Kept(**{**entry, "session": session})
