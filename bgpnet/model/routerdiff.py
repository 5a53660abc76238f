"""What a router runs against what it should run, in the sections that are ours."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """One statement that comes or goes."""

    path: tuple[str, ...]
    """The blocks around it and the statement itself."""
    added: bool
    replaces: str = ""
    """The statement of the router that this one takes the place of."""
    resets: str = ""
    """Why this ends sessions; empty when it does not."""


@dataclass(frozen=True, slots=True)
class RouterDiff:
    """One router. Nothing of `changes` takes a statement away that is not ours."""

    router: str
    system: str
    changes: tuple[Change, ...]
    foreign: int
    """Statements of the router that are not ours: they stay as they are."""
    included: tuple[str, ...] = ()
    """Statements of the router that stand for other files, which were not seen."""
