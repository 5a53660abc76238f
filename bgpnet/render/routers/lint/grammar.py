"""The rules of one system, and their application."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bgpnet.model.routercheck import Finding
from bgpnet.render.routers.lint.pattern import Pattern, first_match
from bgpnet.render.routers.statements import Language, NotReadableError, Statement, statements

_Key = tuple[str, str]
"""Kind and name."""

OURS: Final = re.compile(r"(?<![A-Za-z0-9])K8S_", re.IGNORECASE)
"""In every name of ours, and in no other (unless it asks for it)."""


def included(told: Iterable[Statement]) -> tuple[str, ...]:
    """Statements of BIRD or OpenBGPD that stand for another file's text."""
    return tuple(each.text for each in told if each.text.startswith('include "'))


@dataclass(frozen=True, slots=True)
class Grammar:
    """Of one system."""

    language: Language
    patterns: tuple[Pattern, ...]
    closed: bool
    """Whether a statement that no pattern fits is wrong. Else a program judges those."""
    required: tuple[tuple[str, str, str], ...]
    """(kind of name, regular expression with NAME for it, what is missing without): for each name defined."""
    refused: tuple[tuple[str, str], ...]
    """(regular expression of a whole statement, why it is not safe)."""
    needed: tuple[tuple[str, str], ...] = ()
    """(regular expression, what is missing without): somewhere in the text."""
    before_use: bool = False
    """Whether a name has to be defined above its use."""


def lint(text: str, grammar: Grammar) -> tuple[Finding, ...]:
    """All that the rules find."""
    try:
        told = statements(text, grammar.language)
    except NotReadableError as error:
        return (Finding(0, str(error)),)
    if not told:
        return (Finding(0, "there is no statement in it"),)
    return tuple(sorted({*_language(told, grammar), *_safety(told, grammar)}))


def _language(told: tuple[Statement, ...], grammar: Grammar) -> Iterator[Finding]:
    """Statements that are none, values that are none, names that stand for nothing."""
    defined: dict[_Key, int] = {}
    used: list[tuple[_Key, int, Statement]] = []
    for position, statement in enumerate(told):
        match = first_match(grammar.patterns, statement.whole)
        if match is None:
            if grammar.closed:
                yield Finding(statement.line, "not a statement that is known here", statement.whole)
            continue
        for problem in match.problems:
            yield Finding(statement.line, problem, statement.whole)
        for each in match.names:
            if each.defines:
                defined.setdefault((each.kind, each.name), position)
            elif grammar.closed or OURS.search(statement.whole):
                # Of an operator's own part, in a whole configuration, the patterns know too little to judge.
                used.append(((each.kind, each.name), position, statement))
    yield from _dangling(defined, used, before_use=grammar.before_use)
    yield from _incomplete(told, {key for key in defined if OURS.match(key[1])}, grammar)


def _dangling(
    defined: Mapping[_Key, int], used: Sequence[tuple[_Key, int, Statement]], *, before_use: bool
) -> Iterator[Finding]:
    for (kind, name), position, statement in used:
        at = defined.get((kind, name))
        if at is None:
            yield Finding(statement.line, f"{kind} {name} is used and defined nowhere", statement.whole)
        elif before_use and at > position:
            yield Finding(statement.line, f"{kind} {name} is used above its definition", statement.whole)


def _incomplete(told: tuple[Statement, ...], names: set[_Key], grammar: Grammar) -> Iterator[Finding]:
    for kind, expression, missing in grammar.required:
        for name in sorted(name for known, name in names if known == kind):
            wanted = re.compile(expression.replace("NAME", re.escape(name)))
            if not any(wanted.search(statement.whole) for statement in told):
                yield Finding(0, f"{kind} {name} has no {missing}")


def _safety(told: tuple[Statement, ...], grammar: Grammar) -> Iterator[Finding]:
    unsafe = [(re.compile(expression), why) for expression, why in grammar.refused]
    for statement in told:
        for refused, why in unsafe:
            if refused.search(statement.whole):
                yield Finding(statement.line, why, statement.whole)
    if included(told):
        return  # what is needed may be there
    for expression, missing in grammar.needed:
        if not any(re.search(expression, statement.whole) for statement in told):
            yield Finding(0, f"there is no {missing}")
