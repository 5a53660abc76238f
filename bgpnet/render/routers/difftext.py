"""RouterDiff -> text: to read, or to type into the router."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from bgpnet.model.routerdiff import Change, RouterDiff
from bgpnet.render.routers.running import Running
from bgpnet.render.routers.statements import Language


def unified(diff: RouterDiff) -> str:
    """Like `diff -u`: what goes with `-`, what comes with `+`, under the block that it stands in."""
    if not diff.changes:
        return ""
    lines = [f"--- {diff.router} running", f"+++ {diff.router} generated"]
    for block, changes in groupby(_by_block(diff.changes), key=lambda change: change.path[:-1]):
        lines.append(f"@@ {' / '.join(block)} @@" if block else "@@ @@")
        for change in changes:
            if change.replaces:
                lines.append(f"-{change.replaces}")
            lines.append(f"{'+' if change.added else '-'}{change.path[-1]}")
    return "\n".join([*lines, *warnings(diff.changes)]) + "\n"


def warnings(changes: Iterable[Change]) -> list[str]:
    """Which lines end sessions, and why."""
    return [f"! resets: {' / '.join(change.path)}: {change.resets}" for change in changes if change.resets]


def commands(changes: Sequence[Change], running: Running, language: Language, comment: str) -> str:
    """What to type, additions first and removals last.

    Raises:
        ValueError: this system has no commands.
    """
    if not running.no:
        raise ValueError("there are no commands: its file is replaced and read again")
    changes = _needed(changes)
    lines = [f"{comment} {line.removeprefix('! ')}" for line in warnings(changes)]
    lines += list(_indented(changes, running) if language is Language.INDENT else _flat(changes, running))
    return "\n".join(lines) + "\n" if lines else ""


def _flat(changes: Sequence[Change], running: Running) -> Iterator[str]:
    for change in changes:
        text = change.path[-1]
        yield text if change.added else running.no + text.removeprefix(running.yes)


def _needed(changes: Sequence[Change]) -> list[Change]:
    """Without the removals that come by themselves: with the block around a line, or with its group."""
    removed = {change.path for change in changes if not change.added}
    return [
        change
        for change in changes
        if change.added
        or not (
            any(change.path[:depth] in removed for depth in range(1, len(change.path)))
            or _goes_with_group(change, removed)
        )
    ]


def _indented(changes: Sequence[Change], running: Running) -> Iterator[str]:
    open_: tuple[str, ...] = ()
    for change in changes:
        block, text = change.path[:-1], change.path[-1]
        common = next(
            (depth for depth, (one, other) in enumerate(zip(open_, block, strict=False)) if one != other),
            min(len(open_), len(block)),
        )
        for depth in range(len(open_), common, -1):
            yield " " * (depth - 1) + "exit"
        for depth in range(common, len(block)):
            yield " " * depth + block[depth]
        open_ = block
        if change.added:
            yield " " * len(block) + text
        else:
            yield " " * len(block) + (
                text.removeprefix("no ") if text.startswith("no ") else running.no + text
            )
    for depth in range(len(open_), 0, -1):
        yield " " * (depth - 1) + "exit"


def _goes_with_group(change: Change, removed: set[tuple[str, ...]]) -> bool:
    """Whether the group that a line belongs to goes as a whole, and the line with it."""
    words = change.path[-1].split()
    if words[0] != "neighbor" or change.path[-1].endswith("peer-group"):
        return False
    depth = next((depth for depth, part in enumerate(change.path) if part.startswith("router bgp")), 0)
    group = words[3] if words[2:3] == ["peer-group"] else words[1]
    return (*change.path[: depth + 1], f"neighbor {group} peer-group") in removed


def _by_block(changes: Sequence[Change]) -> list[Change]:
    """In the order of the first change of each block."""
    order: dict[tuple[str, ...], int] = {}
    for change in changes:
        order.setdefault(change.path[:-1], len(order))
    return sorted(changes, key=lambda change: order[change.path[:-1]])
