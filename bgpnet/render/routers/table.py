"""What one system can and cannot express: the form that each file in `systems/` fills in."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bgpnet.model.router import DefaultWhen, RestartRole, System
from bgpnet.render.routers.lint.grammar import Grammar
from bgpnet.render.routers.running import Running


class Ability(StrEnum):
    """Things that not every system can do."""

    RANGE = "dynamic neighbours from a range"
    PASSWORD = "TCP MD5"  # noqa: S105 - not a password
    PASSWORD_ON_RANGE = "TCP MD5 on a dynamic range"  # noqa: S105 - likewise
    TTL_SECURITY = "GTSM"
    BFD = "BFD"
    BFD_ON_RANGE = "BFD on a dynamic range"
    BFD_TIMERS = "timers of BFD"
    SESSION_LIMIT = "a limit of sessions from a range"
    WARN = "a warning before the limit of prefixes"
    RECEIVED_LIMIT = "a limit that counts refused prefixes, too"
    RESTART_TIMER = "a session that comes back by itself after the limit"
    STALE_TIME = "a time for stale routes"
    AS_OVERRIDE = "AS override"
    AS_OVERRIDE_ON_RANGE = "AS override on a dynamic range"
    AGGREGATE = "a discard route"
    STRIP_COMMUNITIES = "removal of communities that were not agreed on"
    LARGE_COMMUNITIES = "large communities"
    MULTIPATH = "multipath, set in the generated part"
    UNNUMBERED = "sessions over links without addresses"
    EXTENDED_NEXT_HOP = "IPv6 next hops of IPv4 routes"
    FIXED_ROUTER_ID = "a BGP identifier, set in the generated part"


REFUSED: Final[Mapping[Ability, str]] = {
    Ability.RANGE: "spec.router.neighbors",
    Ability.PASSWORD: "spec.passwordFile",
    Ability.PASSWORD_ON_RANGE: "spec.passwordFile",
    Ability.TTL_SECURITY: "spec.ttlSecurity",
    Ability.AS_OVERRIDE: "spec.accept",
    Ability.AS_OVERRIDE_ON_RANGE: "spec.accept",
    Ability.AGGREGATE: "spec.router.aggregates",
    Ability.BFD: "spec.bfd",
    Ability.BFD_ON_RANGE: "spec.bfd",
    Ability.UNNUMBERED: "spec.router.interfaces",
}
"""Abilities without which a configuration that needs them would be unsafe or not work: refused. With
the field of a BGPPeer that asks for each."""


@dataclass(frozen=True, slots=True)
class Commands:
    """What to type to see one thing; `{address}` of a node, `{group}`, `{list}` are put in. Empty: no way."""

    sessions: str
    received: str
    sent: str
    policy: str
    restart: str
    drain: str
    apply: str
    bfd: str = ""


@dataclass(frozen=True, slots=True)
class SystemTable:
    """One system."""

    system: System
    title: str
    suffix: str
    """Of the file's name."""
    comment: str
    """Begins a comment of a whole line."""
    cannot: Mapping[Ability, str]
    """What is not there, and what to do instead."""
    commands: Commands
    grammar: Grammar
    running: Running
    defaults: frozenset[DefaultWhen] = frozenset(DefaultWhen)
    roles: frozenset[RestartRole] = frozenset(RestartRole)
    versions: str = ""
    """A regular expression of versions for which the text is written; empty: not asked for."""
    versions_text: str = ""
    dialects: tuple[tuple[str, Mapping[str, str]], ...] = ((".*", {}),)
    """(regular expression of versions, words that they spell so): the template gets the first that fits."""
    max_asn: int = 4294967294
    max_stale: int = 3600
    """Seconds for which it keeps stale routes at most."""
    reserved_asns: frozenset[int] = frozenset({0, 23456, 65535})
    password: str = r"[A-Za-z0-9_.:/+=@%,^~*-]{1,80}"  # noqa: S105 - an expression
    """A regular expression of passwords that its text can hold as they are."""
    lower_case: bool = False
    """Whether names are written in lower case."""
    verified_by: str = ""
    """The program that `bgpnet routers check` runs; empty: there is none, and it says so."""
    unchecked: tuple[str, ...] = ()
    """What `bgpnet routers check` does not look at even where that program is installed."""
    remarks: tuple[str, ...] = ()
    """What an engineer has to know of every configuration of this system."""
