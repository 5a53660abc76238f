"""What a system shows of its configuration, and what changing a line of it means."""

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Running:
    """Of one system. All texts are regular expressions of whole statements, but for `no` and `show`."""

    show: str
    """Command that shows the running configuration."""
    recognised: str
    """Of a statement that every running configuration of this system has."""
    foreign: str = "(?!)"
    """Of a statement that none has: where another system builds its text alike."""
    derived: str = "(?!)"
    """Of a statement that its program prints when asked what it has understood: another spelling."""
    identity: str = ""
    """Of the statement that names the router's AS, as group 1."""
    silent: str = "(?!)"
    """Statements that are defaults and so not shown; missing only when it shows their `no`."""
    shown: tuple[str, str] = ("(?!)", "")
    """(statement, silent ones): where the router has the first, the others are no defaults, and so shown."""
    hidden: str = "(?!)()"
    """A password in a statement, as group 1: never shown, and not compared with a placeholder."""
    keys: tuple[str, ...] = ()
    """What of a statement says which setting it is: of two statements with one key the later replaces."""
    resets: tuple[tuple[str, str], ...] = ()
    """(statement, why): changing it ends the sessions it is about."""
    ordered: str = "(?!)()"
    """Of statements whose order decides, where group 1 is the same: the first or last that fits counts."""
    first_removed: tuple[str, ...] = ()
    """Order of removal: what refers to others goes before these."""
    no: str = "no "
    """Put before a statement to take it back; empty: there are no commands, the file is replaced."""
    yes: str = ""
    """Put before a statement to have it."""


RESET_REASONS: Final = {
    "as": "another AS number ends the sessions",
    "password": "another MD5 key ends the sessions unless the nodes get it at once",
    "ttl": "GTSM has to change on both sides at once, and ends the sessions",
    "timers": "timers are agreed on in the OPEN: sessions have to be reset for them",
    "gr": "graceful restart is agreed on in the OPEN: sessions have to be reset for it",
    "families": "families are agreed on in the OPEN: the sessions end",
    "group": "the sessions of these nodes end",
}


def key_of(whole: str, running: Running) -> str:
    """Which setting a statement makes; the statement itself where it stands for itself."""
    for expression in running.keys:
        found = re.match(expression, whole)
        if found is not None:
            return found[0]
    return whole


def reset_of(whole: str, running: Running) -> str:
    """Why changing it ends sessions; empty when it does not."""
    return next(
        (RESET_REASONS[why] for expression, why in running.resets if re.search(expression, whole)), ""
    )
