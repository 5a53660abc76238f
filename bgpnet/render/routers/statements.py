"""A configuration as its statements: each with the blocks that it stands in, whatever the language.

`router bgp 65001` with `neighbor X passive` below it is the statement `("router bgp 65001", "neighbor X
passive")`. Spaces are single, comments are gone.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final


class Language(StrEnum):
    """How the text of a system is built."""

    INDENT = "indent"
    """Blocks by indentation: FRR, EOS, NX-OS."""
    LINES = "lines"
    """A whole statement a line: `set …` of Junos and NVUE."""
    BRACES = "braces"
    """Blocks in braces, statements that end with a semicolon: BIRD."""
    BRACED_LINES = "braced-lines"
    """Blocks in braces, statements that end with the line: OpenBGPD."""
    TOML = "toml"
    """GoBGP."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. `line` from 1, 0 when its place is not known."""

    path: tuple[str, ...]
    line: int = 0

    @property
    def text(self) -> str:
        """The statement without the blocks around it."""
        return self.path[-1]

    @property
    def whole(self) -> str:
        """With them."""
        return " / ".join(self.path)


class NotReadableError(ValueError):
    """The text is not built as its language asks."""


def statements(text: str, language: Language) -> tuple[Statement, ...]:
    """All statements, in the order of the text.

    Raises:
        NotReadableError: it is none of this language; the message says where.
    """
    return tuple(_READERS[language](text))


def _indent(text: str) -> Iterator[Statement]:
    above: list[tuple[int, str]] = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.rstrip()
        bare = " ".join(line.split())
        if not bare or bare.startswith(("!", "#")):
            continue
        depth = len(line) - len(line.lstrip())
        if bare in {"exit", "exit-address-family", "end", "exit-vrf"}:
            continue
        while above and above[-1][0] >= depth:
            above.pop()
        yield Statement((*(word for _, word in above), bare), number)
        above.append((depth, bare))


def _lines(text: str) -> Iterator[Statement]:
    for number, raw in enumerate(text.splitlines(), 1):
        bare = " ".join(raw.split())
        if bare and not bare.startswith("#"):
            yield Statement((bare,), number)


_TOKEN: Final = re.compile(
    r'"[^"\n]*"|#[^\n]*|/\*.*?\*/|\[(?:#[^\n]*|[^\]#])*\]|[{};\n]|[^\s{};"#\[\]]+|[ \t]+|.', re.DOTALL
)


def _braces(text: str) -> Iterator[Statement]:
    yield from _blocks(text, lines=False)


def _braced_lines(text: str) -> Iterator[Statement]:
    yield from _blocks(text, lines=True)


def _blocks(text: str, *, lines: bool) -> Iterator[Statement]:  # noqa: C901 - a branch for each kind of piece
    above: list[tuple[str, int]] = []
    words: list[str] = []
    line = begun = 1
    for found in _TOKEN.finditer(text):
        piece = found[0]
        if piece.startswith(("#", "/*")) or not piece.strip():
            if piece == "\n" and lines and words:
                yield Statement((*(word for word, _ in above), " ".join(words)), begun)
                words = []
        elif piece == "{":
            above.append((" ".join(words), begun))
            yield Statement(tuple(word for word, _ in above), begun)
            words = []
        elif piece in {";", "}"}:
            if words:
                yield Statement((*(word for word, _ in above), " ".join(words)), begun)
            words = []
            if piece == "}":
                if not above:
                    raise NotReadableError(f"line {line}: a }} that closes nothing")
                above.pop()
        else:
            if not words:
                begun = line
            bare = re.sub(r"#[^\n]*", "", piece) if piece.startswith("[") else piece
            words.append(" ".join(bare.split()))
        line += piece.count("\n")
    if above:
        raise NotReadableError(f"line {above[-1][1]}: {above[-1][0]!r} opens a block that nothing closes")
    if words:
        yield Statement((" ".join(words),), begun)


def _toml(text: str) -> Iterator[Statement]:
    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise NotReadableError(str(error)) from error
    yield from _flat(value, ())


def _flat(value: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[Statement]:
    for key, inner in value.items():
        if isinstance(inner, Mapping):
            yield from _flat(inner, (*above, key))
        elif isinstance(inner, list) and inner and all(isinstance(each, Mapping) for each in inner):
            for each in inner:
                yield from _flat(each, (*above, f"{key} {_table_name(each)}"))
        elif isinstance(inner, list) and inner:
            yield from (Statement((*above, f"{key} includes {each!r}")) for each in inner)
        else:
            yield Statement((*above, f"{key} = {inner!r}"))


_NAMING: Final = ("neighbor-address", "prefix", "peer-group", "ip-prefix", "masklength-range")


def _table_name(table: Mapping[str, Any]) -> str:
    """What tells a table of a list from the others, in whatever order its keys stand."""
    inner = table.get("config", table)
    named = [key for key in inner if key.endswith("name")] if isinstance(inner, Mapping) else []
    return " ".join(str(inner[key]) for key in (*named, *_NAMING) if key in inner)


_READERS: Final[Mapping[Language, Callable[[str], Iterator[Statement]]]] = {
    Language.INDENT: _indent,
    Language.LINES: _lines,
    Language.BRACES: _braces,
    Language.BRACED_LINES: _braced_lines,
    Language.TOML: _toml,
}
