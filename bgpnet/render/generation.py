"""How a rendered text names itself, for those who hand it on without knowing its language."""

import re
from collections.abc import Iterable
from typing import Final

_ADVERTISES: Final = "# bgpnet advertises on"


def header(generation: str) -> str:
    """The first line of a text: a comment."""
    return f"# bgpnet generation {generation}"


def generation_of(text: str) -> str:
    """The generation in the first line of a text, empty when bgpnet did not make it."""
    found = re.match(r"# bgpnet generation ([0-9a-f]{16})\n", text)
    return found.group(1) if found else ""


def advertising(links: Iterable[str]) -> str:
    """The line that says on which links the speaker has to tell of itself: a comment."""
    return " ".join((_ADVERTISES, *links))


def advertised_in(text: str) -> frozenset[str]:
    """The links that such a line of a text names; a link's name has no white space."""
    lines = (line for line in text.splitlines() if line.startswith(f"{_ADVERTISES} "))
    return frozenset(name for line in lines for name in line.removeprefix(_ADVERTISES).split())
