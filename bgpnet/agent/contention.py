"""Whether another program undoes what the agent does, again and again: then the agent slows down.

Put back at once, for ever, ours and the other's would keep two processors busy and the route flapping. Pure:
times are monotonic seconds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bgpnet.model.diff import (
    AddNextHop,
    Change,
    DeleteRoute,
    Observed,
    PutGroup,
    PutRoute,
    SetSysctl,
    WriteNat,
)
from bgpnet.model.fight import AT_ONCE, FORGOTTEN, delay
from bgpnet.model.kernel import Kernel
from bgpnet.model.nat import TABLE_REF
from bgpnet.model.net import AGENT_PROTOCOL, POD_PROTOCOL
from bgpnet.model.plan import Route
from bgpnet.model.rejection import ObjectRef, Reason, Rejection
from bgpnet.planner.fib import PROTOCOLS

SHOWN: Final = 20
"""Contested things that are told one by one; of more only the number."""


@dataclass(frozen=True, slots=True)
class _Bout:
    """How often one thing was done again, unchanged, and when last."""

    change: object
    again: int
    last: float
    links: frozenset[str]

    @property
    def delay(self) -> float:
        """Seconds to wait since the last time."""
        return delay(self.again)

    @property
    def contested(self) -> bool:
        """Whether it is more than an accident."""
        return self.again >= AT_ONCE


class Contention:
    """Remembers what was done lately."""

    def __init__(self) -> None:
        self._bouts: dict[ObjectRef, _Bout] = {}

    def admitted(self, changes: Sequence[Change], kernel: Kernel, now: float) -> tuple[Change, ...]:
        """The changes that are to be carried out now.

        One that is held back takes along the nexthop objects that are made for it alone: they would be made
        anew each time. What the kernel itself takes away, the routes of a link that lost its carrier, is no
        sign of a rival.
        """
        live = frozenset(link.name for link in kernel.links if link.up and link.carrier)
        self._bouts = {
            ref: bout
            for ref, bout in self._bouts.items()
            if now < bout.last + bout.delay + FORGOTTEN and bout.links <= live
        }
        kept = tuple(
            change
            for change in changes
            if (subject := _subject(change)) is None or not self._is_held(*subject, now)
        )
        return kept if len(kept) == len(changes) else _without_orphans(kept)

    def failed(self, refused: Iterable[ObjectRef]) -> None:
        """What the kernel refused was not undone by anybody."""
        for each in refused:
            self._bouts.pop(each, None)

    def rejections(self, observed: Observed) -> tuple[Rejection, ...]:
        """What is contested, and by whom as far as can be seen."""
        contested = sorted(ref for ref, bout in self._bouts.items() if bout.contested)
        told = [_rejection(ref, observed) for ref in contested[:SHOWN]]
        if len(contested) > SHOWN:
            told.append(replace(told[0], object=ObjectRef("Route", f"and {len(contested) - SHOWN} more")))
        return tuple(told)

    def _is_held(self, ref: ObjectRef, wanted: object, now: float) -> bool:
        bout = self._bouts.get(ref)
        if bout is None or bout.change != wanted:
            hops = wanted.next_hops if isinstance(wanted, Route) else ()
            self._bouts[ref] = _Bout(wanted, 0, now, frozenset(hop.link for hop in hops))
            return False
        if now < bout.last + bout.delay:
            return True
        self._bouts[ref] = replace(bout, again=bout.again + 1, last=now)
        return False


def _subject(change: Change) -> tuple[ObjectRef, object] | None:
    """What is changed, as a refusal would name it, and what it is to be; None for what has no rival."""
    match change:
        case PutRoute(route):
            return ObjectRef("Route", str(route.prefix)), route
        case DeleteRoute(prefix, _):
            return ObjectRef("Route", str(prefix)), None
        case SetSysctl(sysctl):
            return ObjectRef("Sysctl", sysctl.path), sysctl.value
        case WriteNat(translations):
            return TABLE_REF, translations
        case _:
            return None


def _without_orphans(changes: tuple[Change, ...]) -> tuple[Change, ...]:
    groups = {change.by for change in changes if isinstance(change, PutRoute)}
    used = tuple(
        change
        for change in changes
        if not isinstance(change, PutGroup) or change.replaces or change.id in groups
    )
    members = {member for change in used if isinstance(change, PutGroup) for member in change.members}
    return tuple(change for change in used if not isinstance(change, AddNextHop) or change.id in members)


def _rejection(ref: ObjectRef, observed: Observed) -> Rejection:
    found = _found(ref, observed)
    return Rejection(
        ref,
        _FIELDS[ref.kind],
        found,
        Reason.UNDONE,
        "another program undoes this again and again, so it is put back ever more slowly; find it "
        "(`bgpnet preflight` names the usual ones) and make it leave what is ours alone",
    )


_FIELDS: Final = {"Route": "protocol", "Sysctl": "value", "Table": "rules"}


def _found(ref: ObjectRef, observed: Observed) -> str:
    if ref.kind == "Sysctl":
        return next((each.value for each in observed.sysctls if each.path == ref.name), "gone")
    if ref.kind == "Table":
        return "gone" if observed.nat == () else "others"
    left = sorted(
        {
            route.protocol
            for route in observed.kernel.routes
            if str(route.prefix) == ref.name and route.protocol not in (AGENT_PROTOCOL, POD_PROTOCOL)
        }
    )
    return ", ".join(str(PROTOCOLS.get(each, each)) for each in left) or "nothing in its place"
