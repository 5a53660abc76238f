"""The relay's lines (bgpnet/speaker/relay.py tells what they mean) -> typed messages."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Hello:
    """The first line of a connection."""

    life: str
    """Names one life of the ExaBGP process."""
    age: float
    """Its age in seconds."""
    gap: bool
    """Whether events of this life were lost before this connection."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event of ExaBGP's, not yet read."""

    message: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the answer to a command: a JSON value, or a string."""

    number: int
    content: object


@dataclass(frozen=True, slots=True)
class Answer:
    """The end of the answer to a command."""

    number: int
    done: bool


Message = Hello | Event | Line | Answer


def message_of(line: bytes) -> Message:
    """One line.

    Raises:
        ValueError: it is not one of the relay's.
    """
    try:
        match json.loads(line):
            case {"event": dict(event)}:
                return Event(event)
            case {"id": int(number), "line": content}:
                return Line(number, content)
            case {"id": int(number), "answer": "done" | "error" as answer}:
                return Answer(number, answer == "done")
            case {"hello": {"speaker": str(life), "age": age, "gap": bool(gap)}}:
                return Hello(life, float(age), gap)
    except ValueError as error:
        raise ValueError(f"not a line of the relay's: {error}") from error
    raise ValueError("not a line of the relay's: unknown keys")
