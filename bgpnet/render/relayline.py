"""The line of ExaBGP's configuration that starts the relay."""

import re
from collections.abc import Sequence
from typing import Final

PLAIN_WORD: Final = re.compile(r"[A-Za-z0-9_./:=@%+-]+")
"""What ExaBGP's tokeniser takes as one word, without quotes."""

_LINE: Final = re.compile(r"(?<=^process relay \{\n)    run .*;$", re.MULTILINE)


def relay_line(argv: Sequence[str]) -> str:
    """The line for this command.

    Raises:
        ValueError: a word of it cannot be expressed.
    """
    return f"    run {' '.join(map(_word, argv))};"


def with_relay(text: str, argv: Sequence[str]) -> str:
    """The configuration `text`, starting the relay by this command.

    Raises:
        ValueError: a word of it cannot be expressed.
    """
    line = relay_line(argv)
    return _LINE.sub(lambda _: line, text, count=1)


def _word(word: str) -> str:
    """One word of a `run` line, quoted where ExaBGP's tokeniser needs it."""
    if PLAIN_WORD.fullmatch(word):
        return word
    if not word.isprintable() or not word.isascii() or {"'", '"'} & set(word):  # either quote ends the other
        raise ValueError(
            f"the relay's command has the word {word!r}, which ExaBGP cannot read: use plain ASCII"
        )
    return '"' + word.replace("\\", "\\\\") + '"'
