"""What outlives this process: its sessions go on where the last one left them, if that was a moment ago.

A session is gone at the other side once its detection time has passed without a packet of ours. So what was
written down is used for as long, and after that a session begins anew, as RFC 5880 has it.
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

BEAT: Final = 0.5
"""Seconds between two signs of life: by so much too old what is found may be."""

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
    """`RunDir.bfd_state`. Its modification time, of the monotonic clock, is the last sign of life."""

    def __init__(self, path: Path) -> None:
        self.due = 0.0
        self._path = path
        self._written: tuple[Kept, ...] | None = None
        self._trouble: str | None = None

    def keep(self, sessions: Iterable[Kept]) -> None:
        """Write down what has changed but for the moments."""
        kept = tuple(replace(each, session=replace(each.session, heard=0.0)) for each in sessions)
        if kept == self._written:
            return
        content = {"version": VERSION, "sessions": [asdict(each) for each in kept]}
        fresh = self._path.with_name(f".{self._path.name}.new")
        try:
            # No fsync: a disk that is slow would stop the packets, and a crash of the host ends the sessions.
            fresh.write_bytes(json.dumps(content).encode())
            fresh.replace(self._path)
        except OSError as error:
            if self._trouble != error.strerror:
                _log.warning("a restart will lose the sessions path=%s error=%r", self._path, error.strerror)
            self._trouble = error.strerror
        else:
            self._written, self._trouble = kept, None

    def beat(self, now: float) -> None:
        """Sign of life."""
        self.due = now + BEAT
        with suppress(OSError):
            os.utime(self._path, (now, now))

    def recalled(self, now: float) -> dict[tuple[str, str, str], Kept]:
        """What can be gone on with, by peer, link and local address."""
        try:
            content = json.loads(self._path.read_bytes())
            left = self._path.stat().st_mtime
            if content["version"] != VERSION:
                return {}
            found = [_kept(entry, now) for entry in content["sessions"]]
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, KeyError) as error:
            _log.warning("sessions begin anew path=%s error=%r", self._path, str(error))
            return {}
        return {
            (each.peer, each.link, each.local_address): each
            for each in found
            if 0.0 <= now - left <= machine.remote_detection_time(each.session) + BEAT
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
