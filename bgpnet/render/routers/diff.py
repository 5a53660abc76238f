"""Compares a running configuration with the generated one, in what is ours."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bgpnet.model.errors import UsageError
from bgpnet.model.routerconfig import RouterConfig
from bgpnet.model.routerdiff import Change, RouterDiff
from bgpnet.render.routers.lint.grammar import OURS, included
from bgpnet.render.routers.running import Running, key_of, reset_of
from bgpnet.render.routers.statements import NotReadableError, Statement, statements
from bgpnet.render.routers.table import SystemTable


def compared(config: RouterConfig, table: SystemTable, wanted: str, running: str) -> RouterDiff:
    """What has to change on the router.

    A statement is ours when a name of ours stands in it or in a block around it. Others that the generated
    configuration has (the router-id, an aggregate) are added where they are missing, and never taken away.

    Raises:
        UsageError: the running text is no configuration of this router.
    """
    there = _read(table, running)
    want = statements(wanted, table.grammar.language)
    _is_of(config, table.running, there)
    there = _hidden(there, want, table.running)
    return RouterDiff(
        config.name,
        config.system,
        tuple(_changes(want, there, table.running)),
        _foreign(there, want),
        included(there),
    )


def without(table: SystemTable, wanted: str) -> tuple[Change, ...]:
    """The way back: what takes everything that is ours out again."""
    return tuple(_changes((), statements(wanted, table.grammar.language), table.running))


def _changes(want: Sequence[Statement], there: Sequence[Statement], running: Running) -> list[Change]:
    shown = {statement.path for statement in there}
    wanted = {statement.path for statement in want}
    # Names may be shown in the router's own order: of what is ours alone the order never matters.
    added = [each for each in want if each.path not in shown and not _is_default(each, shown, running)]
    gone = [each for each in there if each.path not in wanted and ours(each)]
    others = {key_of(each.whole, running): each for each in there if each.path not in wanted}
    changes = [
        Change(
            each.path,
            added=True,
            replaces=_whole(others.get(key_of(each.whole, running))),
            resets=reset_of(each.whole, running),
        )
        for each in _once(added)
    ]
    keys = {key_of(each.whole, running) for each in want}
    left = [each for each in _once(gone) if key_of(each.whole, running) not in keys]
    removed = [Change(each.path, added=False, resets=reset_of(each.whole, running)) for each in left]
    changes += sorted(removed, key=lambda change: _rank(" / ".join(change.path), running))
    return changes or _reordered(want, there, running)


def _reordered(want: Sequence[Statement], there: Sequence[Statement], running: Running) -> list[Change]:
    """Where the right statements stand in another order, and the order decides."""
    shown, wanted = _order(there, running), _order(want, running)
    return [
        Change((scope or "rules", "the order of its statements"), added=True)
        for scope, order in wanted.items()
        if shown.get(scope) != order
    ]


def _order(told: Sequence[Statement], running: Running) -> dict[str, list[tuple[str, ...]]]:
    order: dict[str, list[tuple[str, ...]]] = {}
    for each in told:
        found = re.match(running.ordered, each.whole)
        if found is not None and ours(each):
            order.setdefault(found[1], []).append(each.path)
    return order


def ours(statement: Statement) -> bool:
    """Whether a name of ours stands in it or around it."""
    return any(OURS.search(part) for part in statement.path)


def _hidden(there: Sequence[Statement], want: Sequence[Statement], running: Running) -> tuple[Statement, ...]:
    """The router's statements without its secrets; one that the text has a placeholder for counts as that."""
    placeholders = {
        key_of(each.whole, running): each
        for each in want
        if (told := re.search(running.hidden, each.whole)) and told[1].startswith("${")
    }
    return tuple(_without_secret(each, placeholders, running) for each in there)


def _without_secret(
    statement: Statement, placeholders: Mapping[str, Statement], running: Running
) -> Statement:
    told = re.search(running.hidden, statement.whole)
    if told is None:
        return statement
    same = placeholders.get(key_of(statement.whole, running))
    if same is not None:
        return replace(same, line=statement.line)
    return replace(statement, path=(*statement.path[:-1], statement.text.replace(told[1], "***")))


def _whole(statement: Statement | None) -> str:
    return statement.text if statement else ""


def _once(told: Sequence[Statement]) -> list[Statement]:
    return list({each.path: each for each in told}.values())


def _rank(whole: str, running: Running) -> int:
    """What refers to others is removed before them."""
    order = (index for index, each in enumerate(running.first_removed) if re.match(each, whole))
    return next(order, len(running.first_removed))


def _is_default(statement: Statement, shown: set[tuple[str, ...]], running: Running) -> bool:
    if not re.fullmatch(running.silent, statement.text):
        return False
    profile, told = running.shown
    if re.fullmatch(told, statement.text) and any(re.match(profile, path[0]) for path in shown):
        return False
    opposite = (
        statement.text.removeprefix("no ") if statement.text.startswith("no ") else f"no {statement.text}"
    )
    return (*statement.path[:-1], opposite) not in shown


def _foreign(there: Sequence[Statement], want: Sequence[Statement]) -> int:
    wanted = {statement.path for statement in want}
    return sum(1 for each in there if not ours(each) and each.path not in wanted)


def _read(table: SystemTable, running: str) -> tuple[Statement, ...]:
    advice = f"save what `{table.running.show}` shows"
    if "\0" in running:
        raise UsageError(f"the running configuration is no text; {advice}")
    try:
        there = statements(running, table.grammar.language)
    except NotReadableError as error:
        raise UsageError(f"this is no running configuration of {table.title}: {error}; {advice}") from error
    alien = next((each for each in there if re.match(table.running.foreign, each.whole)), None)
    if alien is not None:
        raise UsageError(
            f"this is no running configuration of {table.title}: line {alien.line} is {alien.text[:60]!r}, "
            f"which is another system's; {advice}, or correct spec.router.type"
        )
    derived = next((each for each in there if re.match(table.running.derived, each.whole)), None)
    if derived is not None:
        raise UsageError(
            f"this is what {table.title} makes of a configuration: line {derived.line} is {derived.text!r}; "
            f"{advice}, from which that was made"
        )
    if not any(re.match(table.running.recognised, each.whole) for each in there):
        first = next((each.text for each in there if each.text), "{")
        found = f"it begins with {first[:60]!r}" if there else "it is empty"
        raise UsageError(f"this is no running configuration of {table.title}: {found}; {advice}")
    return there


def _is_of(config: RouterConfig, running: Running, there: Sequence[Statement]) -> None:
    """Whether it is this router's: BGP of another AS is another router's."""
    if not running.identity:
        return
    found = {told[1] for each in there if (told := re.match(running.identity, each.whole))}
    if found and str(config.asn) not in found:
        raise UsageError(
            f"this is the running configuration of another router: AS {', '.join(sorted(found))}, and "
            f"{config.name} has AS {config.asn} (spec.peerASN of its BGPPeers)"
        )
