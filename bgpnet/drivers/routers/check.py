"""Which program is asked about which system."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from bgpnet.drivers.routers import bird, frr, gobgp, openbgpd
from bgpnet.model.router import System
from bgpnet.model.routercheck import FileCheck, ProgramAnswer, Verdict
from bgpnet.render.routers.lint.grammar import lint
from bgpnet.render.routers.systems import TABLES

PROGRAMS: Final[Mapping[System, Callable[[str], ProgramAnswer]]] = MappingProxyType(
    {
        System.FRR: frr.check,
        System.BIRD: bird.check,
        System.OPENBGPD: openbgpd.check,
        System.GOBGP: gobgp.check,
    }
)


_INCLUDE: Final = re.compile(r'^([ \t]*)(include[ \t]+")([^"\n]+")', re.MULTILINE)


def located(text: str, folder: Path) -> str:
    """The text as it can be read elsewhere: what it includes from `folder` is named from the root."""

    def from_the_root(found: re.Match[str]) -> str:
        indent, word, file = found.groups()
        return found[0] if file.startswith("/") else f"{indent}{word}{folder.resolve()}/{file}"

    return _INCLUDE.sub(from_the_root, text)


def ask(system: System, text: str) -> ProgramAnswer:
    """What the system's own program says of the text."""
    program = PROGRAMS.get(system)
    if program is None:
        return ProgramAnswer("", missing="there is no program that reads it outside the router itself")
    return program(text)


def checked(file: str, system: System, router: str, text: str) -> FileCheck:
    """The whole check of one text: our own rules, and the router's own program where there is one."""
    table = TABLES[system]
    answer = ask(system, text)
    own = lint(text, table.grammar)
    findings = tuple(sorted({*answer.findings, *own}))
    by = (*((answer.program,) if answer.program else ()), "rules of bgpnet: references, limits, safe policy")
    included = [f"{word}{file}" for _, word, file in _INCLUDE.findall(text)]
    not_checked = [f"the language, by its own parser: {answer.missing}"] if answer.missing else []
    verdict = Verdict.WRONG if findings else Verdict.UNVERIFIED if answer.missing else Verdict.OK
    return FileCheck(
        file,
        router,
        system,
        verdict,
        by,
        (*not_checked, *table.unchecked, *(f"{each}, by the rules of bgpnet" for each in included)),
        findings,
    )
