"""Logs: stdlib `logging` to stderr, one line per event, logfmt.

Our messages are an event in words, followed by its key=value pairs::

    log.info("session up peer=%s hold_time=%d", peer, hold_time)

which comes out as::

    ts=2026-01-02T03:04:05.678Z level=info process=agent module=agent.loop msg="session up" peer=… hold_time=9

A value with a space is written in quotes (`%r` does that). A line break never gets out of its line, so that
nobody's text can pass for an event of ours. Secrets show themselves as *** (model/secret.py).
"""

import json
import logging
import os
import re
import sys
import time
from typing import Final

from bgpnet.model.errors import UsageError

LEVELS: Final = ("debug", "info", "warning", "error")

_PRIORITIES: Final = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (logging.NOTSET, 7))
"""Priorities of syslog, by the lowest level that has them."""

_PAIR: Final = re.compile(r""" ([A-Za-z_][\w.]*)=("[^"]*"|'[^']*'|[^\s"'=]*)(?=\s|$)""")
_BARE: Final = re.compile(r"[^\s\"=\x00-\x1f\x7f]+")


def setup(process: str, level: str) -> None:
    """Send this process's logs to stderr.

    Args:
        process: `agent`, `cni`, `speaker`, …
        level: one of LEVELS.

    Raises:
        UsageError: it is none of them.
    """
    if level not in LEVELS:
        raise UsageError(f"--log-level is {level!r}; give one of {', '.join(LEVELS)}")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(ForJournal(process) if _goes_to_the_journal() else Logfmt(process))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(capture=True)


class Logfmt(logging.Formatter):
    """Writes a record as one line of logfmt."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """One line, whatever the record holds."""
        seconds, milliseconds = divmod(round(record.created * 1000), 1000)
        when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
        message, pairs = _split(record.getMessage())
        fields = [
            ("ts", f"{when}.{milliseconds:03d}Z"),
            ("level", record.levelname.lower()),
            ("process", self._process),
            ("module", record.name.removeprefix("bgpnet.")),
            ("msg", message),
            *pairs,
        ]
        if record.exc_info:
            fields.append(("exception", self.formatException(record.exc_info)))
        return " ".join(f"{key}={_quoted(value)}" for key, value in fields)


class ForJournal(Logfmt):
    """The same for systemd's journal: the priority before it, which the journal takes off (sd-daemon(3))."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, whatever the record holds."""
        priority = next(number for level, number in _PRIORITIES if record.levelno >= level)
        return f"<{priority}>{super().format(record)}"


def _goes_to_the_journal() -> bool:
    """Whether stderr is what systemd connected to the journal (systemd.exec(5), JOURNAL_STREAM)."""
    try:
        found = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


def _split(text: str) -> tuple[str, list[tuple[str, str]]]:
    """An event's words and the pairs behind them."""
    pairs: list[tuple[str, str]] = []
    start = end = len(text)
    for found in _PAIR.finditer(text):
        if found.start() != end:
            start, pairs = found.start(), []
        end = found.end()
        value = found[2]
        pairs.append((found[1], value[1:-1] if value[:1] in {'"', "'"} else value))
    return (text[:start], pairs) if end == len(text) else (text, [])


def _quoted(value: str) -> str:
    return value if _BARE.fullmatch(value) else json.dumps(value, ensure_ascii=False)
