"""YAML that remembers where everything stands, so that a complaint can name its line."""

import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from tests.netlab.errors import Complaint, LabFileError

Path = tuple[str | int, ...]
"""Keys and list indexes from the top of the document to a value."""


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file: the data, and the line of each path (from 1)."""

    file: str
    data: Any
    lines: dict[Path, int]

    def line(self, path: Path) -> int:
        """Line of a path, else of the nearest thing around it that the file does contain."""
        while path not in self.lines and path:
            path = path[:-1]
        return self.lines.get(path, 0)

    def complaint(self, path: Path, found: object, remedy: str) -> Complaint:
        """A complaint about what stands at `path`."""
        return Complaint(self.file, self.line(path), spell(path), spell_value(found), remedy)


class Findings:
    """Complaints about one file, collected so that a person hears all of them at once."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._complaints: set[Complaint] = set()

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._complaints)

    def complain(self, path: Path, found: object, remedy: str) -> None:
        """Note what is wrong with what stands at `path`."""
        self._complaints.add(self._document.complaint(path, found, remedy))

    def raise_any(self) -> None:
        """Say them all, if there are any.

        Raises:
            LabFileError: there are.

        """
        if self._complaints:
            raise LabFileError(tuple(sorted(self._complaints)))


def spell(path: Path) -> str:
    """A path as people write it: `topology.links[2].endpoints`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def spell_value(value: object) -> str:
    """A value short enough for one line of an error; empty for None."""
    if value is None:
        return ""
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 80 else text[:77] + "..."


_TAG = "tag:yaml.org,2002:"


class _Loader(yaml.SafeLoader):
    """YAML 1.1 without its numbers to the base 60: a MAC address or `22:22` is text, as for containerlab."""


_INTEGER = re.compile(r"^[-+]?(?:0b[01_]+|0[0-7_]*|0x[0-9a-fA-F_]+|[1-9][0-9_]*)$")
_Loader.yaml_implicit_resolvers = {
    first: [(tag, _INTEGER if tag == f"{_TAG}int" else pattern) for tag, pattern in resolvers]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def parse(text: str, file: str, verbatim: frozenset[str] = frozenset()) -> Document:
    """Parse one YAML document.

    Args:
        text: the file's text.
        file: its name, for complaints.
        verbatim: keys of mappings whose values are text as it stands: `1.10` stays `1.10`, `yes` stays `yes`.
            Keys are text everywhere.

    Raises:
        LabFileError: it is not YAML, is empty, or a mapping has a key twice.

    """
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            raise LabFileError((Complaint(file, 0, "", "", "the file is empty: see containerlab/README.md"),))
        repeated = tuple(_repeated_keys(root, file))
        if repeated:
            raise LabFileError(repeated)
        lines = dict(_lines(root, ()))
        _keep_verbatim(root, verbatim)
        data = loader.construct_document(root)
    except yaml.YAMLError as error:
        raise LabFileError((_syntax_complaint(error, file),)) from error
    finally:
        loader.dispose()
    return Document(file, data, lines)


def _syntax_complaint(error: yaml.YAMLError, file: str) -> Complaint:
    mark = getattr(error, "problem_mark", None)
    line = 0 if mark is None else mark.line + 1
    problem = getattr(error, "problem", None) or str(error)
    return Complaint(
        file, line, "", "", f"not valid YAML ({problem}): mend the indentation or the quotes there"
    )


def _lines(node: yaml.Node, path: Path) -> Iterator[tuple[Path, int]]:
    yield path, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name = key.value if isinstance(key.value, str) else str(key.value)
            yield from _lines(value, (*path, name))
            yield (*path, name), key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _lines(value, (*path, index))


def _keep_verbatim(node: yaml.Node, keys: frozenset[str], *, values: bool = False) -> None:
    """Make keys text, and below the given keys also the values, as they stand in the file."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != f"{_TAG}merge":
                key.tag = f"{_TAG}str"
            if values and isinstance(value, yaml.ScalarNode) and value.tag != f"{_TAG}null":
                value.tag = f"{_TAG}str"
            _keep_verbatim(value, keys, values=key.value in keys)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _keep_verbatim(value, keys)


def _repeated_keys(node: yaml.Node, file: str) -> Iterator[Complaint]:
    if isinstance(node, yaml.MappingNode):
        seen: set[Hashable] = set()
        for key, value in node.value:
            if key.value in seen and key.value != "<<":
                yield Complaint(
                    file, key.start_mark.line + 1, str(key.value), "", "this key stands here twice: keep one"
                )
            seen.add(key.value if isinstance(key.value, Hashable) else id(key))
            yield from _repeated_keys(value, file)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _repeated_keys(value, file)
