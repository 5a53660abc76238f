"""YAML text to plain values, with the line on which every field stands.

Built on the parser's events rather than on PyYAML's own objects: these cost a kilobyte a value, drop doubled
keys in silence and follow aliases without counting. Scalars are read by the core schema of YAML 1.2, which is
JSON's: `yes`, `1:30` and `2026-01-02` are texts.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, NoReturn, TypeVar

import yaml

from bgpnet.model.crd.refused import Location, shorten

MAX_VALUES: Final = 200_000
"""Values in a file, each as often as aliases repeat it: some 5,000 Nodes, or a small alias bomb."""

MAX_DEPTH: Final = 64

_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml is ten times quicker
_CORE: Final = "tag:yaml.org,2002:"
_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_TRUTH: Final = {
    word: value for value in (True, False) for word in (str(value), str(value).lower(), str(value).upper())
}
_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,20}|0x[0-9A-Fa-f]{1,16}|0o[0-7]{1,22}")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")

Made = TypeVar("Made")

Lines = int | tuple[int, dict[int | str, "Lines"]]
"""The line (from 1) of a value; of a mapping or a list also those of its fields or items."""


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file, as plain Python values."""

    value: Any
    lines: Lines

    def line_of(self, location: Location) -> int:
        """Line of a field; of the nearest field around it when it is not there."""
        lines = self.lines
        for step in location:
            if isinstance(lines, int) or step not in lines[1]:
                break
            lines = lines[1][step]
        return lines if isinstance(lines, int) else lines[0]

    def items(self) -> "Iterator[Document]":
        """The objects of a `kind: List`, or what is there instead; the document itself when it is none."""
        if not isinstance(self.value, dict) or self.value.get("kind") != "List":
            yield self
            return
        items = self.value.get("items")
        _, fields = self.lines if isinstance(self.lines, tuple) else (0, {})
        below = fields.get("items", self.line_of(()))
        if not isinstance(items, list):
            yield Document(items, below)
            return
        for index, item in enumerate(items):
            yield Document(item, below[1][index] if isinstance(below, tuple) else below)


@dataclass(frozen=True, slots=True)
class Broken:
    """Why a text cannot be read, and on which line (0: unknown)."""

    line: int
    problem: str


def decode(text: bytes) -> tuple[Document, ...] | Broken:
    """All documents of a file; the empty ones are left out."""
    return each_decoded(text, lambda document: document)


def each_decoded(text: bytes, made: Callable[[Document], Made]) -> tuple[Made, ...] | Broken:
    """What is made of each document of a file as it is read: thousands of them are never there at once."""
    try:
        return tuple(made(each) for each in _Composer(text).documents() if each.value is not None)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = " ".join(part for part in (error.context, error.problem) if part)
        return Broken(mark.line + 1 if mark else 0, _in_plain_words(problem, text, mark))
    except yaml.reader.ReaderError as error:
        return Broken(text.count(b"\n", 0, error.position) + 1, f"{error.reason} at byte {error.position}")
    except yaml.YAMLError as error:
        return Broken(0, str(error))


def _in_plain_words(problem: str, text: bytes, mark: yaml.Mark | None) -> str:
    """The parser's problem; that of a tab, which nobody sees, said by name."""
    lines = text.splitlines()
    before = lines[mark.line][: mark.column + 1] if mark and mark.line < len(lines) else b""
    return "a tab where only spaces may indent" if before.strip() == b"" and b"\t" in before else problem


class _Composer:
    """Puts values together from the parser's events."""

    def __init__(self, text: bytes) -> None:
        self._events: Iterator[Any] = yaml.parse(text, Loader=_LOADER)
        self._anchors: dict[str, tuple[Any, Lines, int]] = {}
        self._count = 0
        self._texts: dict[str, str] = {}
        """One object for each text, however often it stands in the file: many Nodes say much alike."""

    def documents(self) -> Iterator[Document]:
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                self._anchors.clear()
                value, lines = self._node(next(self._events), 0)
                yield Document(value, lines)

    def _node(self, event: yaml.NodeEvent, depth: int) -> tuple[Any, Lines]:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        before = self._count
        self._grow(1, event)
        if depth > MAX_DEPTH:
            _fail(event, f"nested deeper than {MAX_DEPTH} levels")
        made: tuple[Any, Lines]
        match event:
            case yaml.ScalarEvent():
                made = self._shared(_scalar(event)), _line(event)
            case yaml.MappingStartEvent():
                made = self._mapping(event, depth)
            case yaml.SequenceStartEvent():
                made = self._sequence(event, depth)
            case _:
                _fail(event, "this is no value")
        if event.anchor is not None:
            self._anchors[event.anchor] = (made[0], made[1], self._count - before)
        return made

    def _mapping(self, start: yaml.CollectionStartEvent, depth: int) -> tuple[Any, Lines]:
        _check_tag(start, "map")
        value: dict[str, Any] = {}
        lines: dict[int | str, Lines] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                _fail(event, "a field's name must be a text")
            key = self._texts.setdefault(event.value, event.value)
            if key in value:
                _fail(event, f"the field {shorten(key)} is there twice")
            line = _line(event)
            value[key], below = self._node(next(self._events), depth + 1)
            lines[key] = line if isinstance(below, int) else (line, below[1])
        return value, (_line(start), lines)

    def _sequence(self, start: yaml.CollectionStartEvent, depth: int) -> tuple[Any, Lines]:
        _check_tag(start, "seq")
        value: list[Any] = []
        lines: dict[int | str, Lines] = {}
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            item, lines[len(value)] = self._node(event, depth + 1)
            value.append(item)
        return value, (_line(start), lines)

    def _alias(self, event: yaml.AliasEvent) -> tuple[Any, Lines]:
        if event.anchor not in self._anchors:
            _fail(event, f"the alias *{event.anchor} stands for nothing that ends before it")
        value, lines, size = self._anchors[event.anchor]
        self._grow(size, event)
        return value, lines

    def _shared(self, value: Any) -> Any:  # noqa: ANN401 - any scalar
        return self._texts.setdefault(value, value) if isinstance(value, str) else value

    def _grow(self, values: int, event: yaml.Event) -> None:
        self._count += values
        if self._count > MAX_VALUES:
            _fail(event, f"more than {MAX_VALUES} values, aliases counted as often as they are used")


def _scalar(event: yaml.ScalarEvent) -> str | int | float | bool | None:
    text: str = event.value
    if event.tag not in {None, "!", f"{_CORE}str"}:
        _fail(event, f"the tag {shorten(event.tag)} is not understood here: write a plain value")
    if event.tag is not None or event.style:
        return text
    if text in _NULL:
        return None
    if text in _TRUTH:
        return _TRUTH[text]
    if _INTEGER.fullmatch(text):
        return int(text, 0 if text[:2] in {"0x", "0o"} else 10)
    return float(text) if _FLOAT.fullmatch(text) else text


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 0


def _check_tag(event: yaml.CollectionStartEvent, kind: str) -> None:
    if event.tag not in {None, f"{_CORE}{kind}"}:
        _fail(event, f"the tag {shorten(event.tag)} is not understood here: write a plain value")


def _fail(event: yaml.Event, problem: str) -> NoReturn:
    raise yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)  # type: ignore[arg-type]
