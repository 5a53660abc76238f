"""What agents ask of the API server, as it audits it itself."""

import json
import time
from datetime import datetime
from typing import Final

from tests.cluster.controlplane import ControlPlane

DUTY: Final = 6
"""Lists with which a holder of the Lease begins, as any agent may when the one before it is gone."""

AGENTS: Final = b'"userAgent":"bgpnet/'


class Audit:
    """Requests of agents from when this was made, but watches and the Lease."""

    def __init__(self, plane: ControlPlane) -> None:
        self._path = plane.audit_log
        self._read = self._path.stat().st_size
        self._last = time.time()
        self._asked: list[str] = []

    def asked(self) -> list[str]:
        """Verb, and what was asked for."""
        with self._path.open("rb") as file:
            file.seek(self._read)
            *lines, _ = file.read().split(b"\n")  # the last one may be half a line
        self._read += sum(len(line) + 1 for line in lines)
        for entry in (json.loads(line) for line in lines if AGENTS in line):
            if entry["verb"] != "watch" and entry["objectRef"]["resource"] != "leases":
                self._last = datetime.fromisoformat(entry["stageTimestamp"]).timestamp()
                self._asked.append(f"{entry['verb']} {entry['requestURI']}")
        return self._asked

    def quiet(self, seconds: float) -> bool:
        """Whether nobody has asked anything for so long."""
        self.asked()
        return time.time() - self._last > seconds
