"""What is replaced in a topology file before and after it is parsed.

Before: shell-style variables, by containerlab's table (docs/manual/topo-def-file.md, "Environment
variables"). Unlike a shell, a variable that is not set and has no default stays as it stands.
After: the words between double underscores, which differ from node to node.
"""

import re
from collections.abc import Mapping

_VARIABLE = re.compile(
    r"\$(?:"
    r"(?P<escaped>\$)"
    r"|(?P<bare>[A-Za-z_][A-Za-z0-9_]*)"
    r"|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:(?P<operator>:?[-=+])(?P<word>[^{}]*))?\}"
    r")"
)


def variables(text: str, environment: Mapping[str, str]) -> str:
    """Replace `$V`, `${V}`, `${V:-x}`, `${V:=x}`, `${V:+x}` (and without colon); `$$` becomes `$`."""

    def replace(match: re.Match[str]) -> str:
        if match["escaped"]:
            return "$"
        name = match["bare"] or match["name"]
        value = environment.get(name)
        operator = match["operator"]
        if operator is None:
            return match[0] if value is None else value
        word = variables(match["word"], environment)
        usable = value is not None and (value != "" or not operator.startswith(":"))
        if operator.endswith("+"):
            return word if usable else ""
        return value if usable and value is not None else word

    return _VARIABLE.sub(replace, text)


def magic(text: str, words: Mapping[str, str]) -> str:
    """Replace each `__word__` of `words`, as `__clabNodeName__`."""
    for word, value in words.items():
        text = text.replace(f"__{word}__", value)
    return text
