"""The environment of a node: files, then the topology's own variables, then what containerlab adds. Pure."""

import re
from collections.abc import Iterable, Mapping

IMPORT = "__IMPORT_ENVS"
"""The variable that asks for the whole environment of the shell."""
_LINE = re.compile(r"^\s*(?:export\s+)?(?P<key>[A-Za-z_][A-Za-z0-9_.]*)\s*[=:]\s*(?P<value>.*?)\s*$")
_QUOTED = re.compile(r"""^(?P<quote>["'])(?P<text>.*)(?P=quote)\s*(?:#.*)?$""")


def file_variables(text: str) -> dict[str, str]:
    """The variables of an env-file: `KEY=value` lines, with the quotes, `export` and comments of dotenv."""
    found = {}
    for line in text.splitlines():
        match = None if line.lstrip().startswith("#") else _LINE.match(line)
        if match is not None:
            quoted = _QUOTED.match(match["value"])
            found[match["key"]] = quoted["text"] if quoted else re.sub(r"\s+#.*$", "", match["value"])
    return found


def label_variables(labels: Mapping[str, str]) -> dict[str, str]:
    """`CLAB_LABEL_…` for each label."""
    return {f"CLAB_LABEL_{_key(label)}": value for label, value in labels.items()}


def imported(levels: Iterable[Mapping[str, str]], shell: Mapping[str, str]) -> dict[str, str]:
    """The shell's variables where a level asks for them by `__IMPORT_ENVS: true`, else none."""
    return dict(shell) if any(level.get(IMPORT) == "true" for level in levels) else {}


def _key(label: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]+", "", re.sub(r"[-+./]", "_", label)).upper()
