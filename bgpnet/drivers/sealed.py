"""Small files of JSON that outlive a process: versioned, checksummed, and for our eyes alone."""

import hashlib
import json
import logging
from pathlib import Path
from typing import Any

from bgpnet.drivers import atomic

log = logging.getLogger(__name__)


def load(path: Path, version: int) -> dict[str, Any] | None:
    """The content; None when there is no file, or one that cannot be trusted."""
    try:
        saved = json.loads(path.read_bytes())
        content = saved["content"]
        if saved["version"] != version or saved["sha256"] != _sum(content) or not isinstance(content, dict):
            log.warning("state passed over path=%s reason=%r", path, "version or checksum")
            return None
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        log.warning("state unreadable path=%s error=%r", path, str(error))
        return None
    return content


def save(path: Path, version: int, content: dict[str, Any]) -> None:
    """Replace the file, 0600. A failure is logged: what is in force does not depend on it."""
    saved = {"version": version, "sha256": _sum(content), "content": content}
    try:
        atomic.replace(path, json.dumps(saved).encode() + b"\n", 0o600)
    except OSError as error:
        log.warning("state not saved path=%s error=%r", path, str(error))


def _sum(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
