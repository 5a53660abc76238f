"""How a rendered text names itself, for those who hand it on without knowing its language."""

import re


def header(generation: str) -> str:
    """The first line of a text: a comment."""
    return f"# bgpnet generation {generation}"


def generation_of(text: str) -> str:
    """The generation in the first line of a text, empty when bgpnet did not make it."""
    found = re.match(r"# bgpnet generation ([0-9a-f]{16})\n", text)
    return found.group(1) if found else ""
