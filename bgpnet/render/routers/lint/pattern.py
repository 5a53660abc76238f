"""Patterns of statements: a line as the system's manual has it, with `{…}` where values stand.

`neighbor {def:group} route-map {use:route-map} in` matches one statement, and says that it defines a group
and uses a route-map. Values are looked at, too: `{asn}`, `{addr}`, `{prefix}`, `{range}` (`P ge N le M`), `{filter}`,
`{num:1-100}`, `{word}`, `{text}`. `(a|b)` and `[ x]` are alternatives and an optional part, `«x»` is
a list in square brackets.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Final

_SLOT: Final = re.compile(r"\{([^{}]+)\}")
_NAME: Final = r"[A-Za-z0-9_.:-]+"
_MAX_NAME: Final = 31
_RESERVED_ASNS: Final = frozenset({0, 23456, 65535, 4294967295})


@dataclass(frozen=True, slots=True)
class Names:
    """Names in a statement: of which kind, and whether it defines or uses them."""

    kind: str
    name: str
    defines: bool


@dataclass(frozen=True, slots=True)
class Match:
    """A statement that a pattern fits."""

    names: tuple[Names, ...]
    problems: tuple[str, ...]
    """Values that are none."""


class Pattern:
    """One compiled pattern."""

    __slots__ = ("_regex", "_slots", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._slots: list[str] = []
        parts = []
        for index, part in enumerate(_SLOT.split(text)):
            parts.append(self._slot(part) if index % 2 else _literal(part))
        self._regex = re.compile("".join(parts))

    def match(self, statement: str) -> Match | None:
        """What the statement says when it is one of this pattern."""
        found = self._regex.fullmatch(statement)
        if found is None:
            return None
        names: list[Names] = []
        problems: list[str] = []
        for slot, value in zip(self._slots, found.groups(), strict=True):
            if value is None:
                continue
            kind, _, detail = slot.partition(":")
            if kind in {"def", "use"}:
                names.append(Names(detail, value, defines=kind == "def"))
                if len(value) > _MAX_NAME and detail != "protocol":
                    problems.append(f"the name {value} has more than {_MAX_NAME} characters")
            else:
                problem = _JUDGES[kind](value, detail)
                problems += [problem] if problem else []
        return Match(tuple(names), tuple(problems))

    def _slot(self, slot: str) -> str:
        self._slots.append(slot)
        return f"({_SHAPES.get(slot.partition(':')[0], _NAME)})"


def _literal(text: str) -> str:
    """A literal part: `(a|b)` and `[x]` keep their meaning, everything else is itself."""
    out = []
    for char in text:
        match char:
            case "[":
                out.append("(?:")
            case "]":
                out.append(")?")
            case "(":
                out.append("(?:")
            case "|" | ")":
                out.append(char)
            case "«":
                out.append(r"\[")
            case "»":
                out.append(r"\]")
            case _:
                out.append(re.escape(char))
    return "".join(out)


_SHAPES: Final[Mapping[str, str]] = {
    "asn": r"-?[0-9]+",
    "num": r"-?[0-9]+",
    "addr": r"[0-9A-Fa-f:.]+",
    "prefix": r"[0-9A-Fa-f:.]+/[0-9]+",
    "range": r"[0-9A-Fa-f:.]+/[0-9]+(?: (?:ge|le|eq) [0-9]+)*",
    "filter": r"[0-9A-Fa-f:.]+/[0-9]+ (?:exact|prefix-length-range /[0-9]+-/[0-9]+)",
    "braces": r"[0-9A-Fa-f:.]+/[0-9]+(?:\{[0-9]+,[0-9]+\})?",
    "word": r"\S+",
    "text": r".+",
}


def _asn(value: str, _detail: str) -> str:
    good = 0 < int(value) < 2**32 and int(value) not in _RESERVED_ASNS
    return "" if good else f"{value} is no AS number that a speaker may use"


def _num(value: str, detail: str) -> str:
    if not detail:
        return ""
    least, most = map(int, detail.split("-"))
    return "" if least <= int(value) <= most else f"{value} is not between {least} and {most}"


def _addr(value: str, _detail: str) -> str:
    try:
        ip_address(value)
    except ValueError:
        return f"{value} is no address"
    return ""


def _prefix(value: str, detail: str) -> str:
    try:
        network = ip_network(value)
    except ValueError:
        return f"{value} is no prefix"
    if detail and network.version != int(detail):
        return f"{value} is no IPv{detail} prefix"
    return ""


def _range(value: str, detail: str) -> str:
    prefix, *words = value.split()
    if problem := _prefix(prefix, detail):
        return problem
    network = ip_network(prefix)
    bounds = {word: int(number) for word, number in zip(words[::2], words[1::2], strict=True)}
    least = bounds.get("ge", bounds.get("eq", network.prefixlen))
    most = bounds.get("le", bounds.get("eq", network.max_prefixlen if "ge" in bounds else network.prefixlen))
    if not network.prefixlen <= least <= most <= network.max_prefixlen:
        return f"{value} holds no prefix: its lengths contradict each other"
    return ""


def _braces(value: str, detail: str) -> str:
    prefix, _, lengths = value.partition("{")
    least, _, most = lengths.rstrip("}").partition(",")
    return _range(f"{prefix} ge {least} le {most}" if lengths else prefix, detail)


def _filter(value: str, detail: str) -> str:
    prefix, _, lengths = value.removesuffix(" exact").partition(" prefix-length-range /")
    least, _, most = lengths.partition("-/")
    return _range(f"{prefix} ge {least} le {most}" if lengths else prefix, detail)


def _fine(_value: str, _detail: str) -> str:
    return ""


_JUDGES: Final[Mapping[str, Callable[[str, str], str]]] = {
    "asn": _asn,
    "num": _num,
    "addr": _addr,
    "prefix": _prefix,
    "range": _range,
    "braces": _braces,
    "filter": _filter,
    "word": _fine,
    "text": _fine,
}


def first_match(patterns: tuple[Pattern, ...], statement: str) -> Match | None:
    """The match of the first pattern that fits."""
    return next((match for match in _matches(patterns, statement)), None)


def _matches(patterns: tuple[Pattern, ...], statement: str) -> Iterator[Match]:
    for pattern in patterns:
        match = pattern.match(statement)
        if match is not None:
            yield match
