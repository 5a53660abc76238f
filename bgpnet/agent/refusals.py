"""What the kernel refused, as rejections of bounded number."""

from collections.abc import Iterator, Sequence
from typing import Final

from bgpnet.model.diff import (
    AddNextHop,
    Change,
    DeleteNextHop,
    DeleteRoute,
    PutGroup,
    PutRoute,
    SetSysctl,
    WriteBlocks,
    WriteNat,
)
from bgpnet.model.nat import TABLE_REF
from bgpnet.model.rejection import ObjectRef, Reason, Rejection

SHOWN: Final = 100
"""Refused changes told one by one; the rest are counted."""


def refusals(failed: Sequence[tuple[Change, Exception]]) -> Iterator[Rejection]:
    """Changes that failed by themselves: not those that needed another one which failed."""
    missing = {change.id for change, _ in failed if isinstance(change, AddNextHop)}
    groups = [change for change, _ in failed if isinstance(change, PutGroup)]
    lame = {each.id for each in groups}
    followers = {each.id for each in groups if missing.intersection(each.members)}
    causes = [
        (change, error)
        for change, error in failed
        if not (isinstance(change, PutGroup) and change.id in followers)
        and not (isinstance(change, PutRoute) and change.by in lame)
    ]
    for change, error in causes[:SHOWN]:
        yield _refusal(change, error)
    if len(causes) > SHOWN:
        more = ObjectRef("Route", f"{len(causes) - SHOWN} more")
        yield Rejection(more, "", "", Reason.KERNEL_REFUSED, "they are tried again")


def _refusal(change: Change, error: Exception) -> Rejection:
    if not isinstance(change, WriteNat):
        return Rejection(subject(change), "", "", Reason.KERNEL_REFUSED, f"{error}; it is tried again")
    pods = ", ".join(str(prefix) for each in change.translations for prefix in each.pods)
    remedy = f"{error}; meanwhile pods keep their own addresses towards everybody; it is tried again"
    return Rejection(subject(change), "natOutgoing" if pods else "", pods, Reason.NAT_UNAVAILABLE, remedy)


def subject(change: Change) -> ObjectRef:
    """What is changed."""
    match change:
        case SetSysctl(sysctl):
            return ObjectRef("Sysctl", sysctl.path)
        case WriteBlocks():
            return ObjectRef("File", "blocks.json")
        case WriteNat():
            return TABLE_REF
        case AddNextHop(number) | PutGroup(number) | DeleteNextHop(number):
            return ObjectRef("NextHop", str(number))
        case PutRoute(route):
            return ObjectRef("Route", str(route.prefix))
        case DeleteRoute(prefix):
            return ObjectRef("Route", str(prefix))
