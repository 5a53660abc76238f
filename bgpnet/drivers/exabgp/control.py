"""Requests to the speaker's supervisor (bgpnet/speaker/control.py): a line of JSON each way."""

import asyncio
import json
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from bgpnet.model.errors import SpeakerError, UnreachableError

STATUS_LIMIT: Final = 5.0
"""Seconds for an answer about the present state."""

CHANGE_LIMIT: Final = 90.0
"""Seconds for a change: the supervisor's own limits add up to less."""


@dataclass(frozen=True, slots=True)
class Status:
    """What the supervisor tells."""

    exabgp: int | None
    """Process number; None when it does not run."""
    generation: str
    """Of the configuration in force; empty when there is none."""
    relay_argv: tuple[str, ...]
    """How ExaBGP is to start the relay, where the supervisor lives."""
    advertising: str = ""
    """What keeps the supervisor from sending router advertisements; empty when nothing does."""


async def status(path: PurePosixPath) -> Status:
    """Ask for the present state.

    Raises:
        UnreachableError: the supervisor does not answer.
        SpeakerError: it answers something else.
    """
    answer = await _ask(path, {"request": "status"}, STATUS_LIMIT)
    try:
        return Status(
            answer["exabgp"],
            str(answer["generation"]),
            tuple(answer["relay_argv"]),
            str(answer.get("advertising", "")),
        )
    except (KeyError, TypeError) as error:
        raise SpeakerError(
            f"the supervisor's status lacks {error}: does it have the same version?"
        ) from error


async def configure(path: PurePosixPath, text: str) -> None:
    """Put a configuration in force.

    Raises:
        UnreachableError: the supervisor does not answer.
        SpeakerError: it, or ExaBGP, refuses; in its words.
    """
    answer = await _ask(path, {"request": "configure", "text": text}, CHANGE_LIMIT)
    if not answer.get("ok"):
        raise SpeakerError(str(answer.get("error", "refused without a reason")))


async def _ask(path: PurePosixPath, request: dict[str, str], limit: float) -> dict[str, Any]:
    try:
        async with asyncio.timeout(limit):
            reader, writer = await asyncio.open_unix_connection(str(path))
            try:
                writer.write(json.dumps(request).encode() + b"\n")
                answer = json.loads(await reader.readline())
            finally:
                writer.close()
    except (OSError, ValueError) as error:  # TimeoutError is an OSError; no line at all is no JSON
        raise UnreachableError(f"the speaker's supervisor does not answer on {path}: {error}") from error
    if not isinstance(answer, dict):
        raise SpeakerError(f"the supervisor answers {answer!r}")
    return answer
