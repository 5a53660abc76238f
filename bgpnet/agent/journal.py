"""What changed from one step to the next, as log lines: each event once, a healthy node is quiet.

Sessions are told of by the speaker's driver, which hears their causes.
"""

import logging
from collections.abc import Iterator

from bgpnet.agent.reconciler import Outcome
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
from bgpnet.model.rejection import Rejection
from bgpnet.planner.status import by_policy

log = logging.getLogger(__name__)

SHOWN = 20
"""Routes put, and routes deleted, that are told one by one; of more only the number."""


def write(before: Outcome | None, after: Outcome) -> None:
    """Log the difference between two outcomes."""
    for level, line in events(before, after):
        log.log(level, line)


def events(before: Outcome | None, after: Outcome) -> Iterator[tuple[int, str]]:
    """Level and text of each event."""
    yield from _rejections(before, after)
    put = [change.route for change in after.changes if isinstance(change, PutRoute)]
    for route in put[:SHOWN]:
        hops = ",".join(f"{hop.gateway}@{hop.link}" for hop in route.next_hops)
        yield logging.INFO, f"route put prefix={route.prefix} kind={route.kind} next_hops={hops}"
    deleted = [change.prefix for change in after.changes if isinstance(change, DeleteRoute)]
    for prefix in deleted[:SHOWN]:
        yield logging.INFO, f"route deleted prefix={prefix}"
    if len(put) > SHOWN or len(deleted) > SHOWN:
        yield logging.INFO, f"more routes changed, all in all put={len(put)} deleted={len(deleted)}"
    for change in after.changes:
        yield from _change(change)


def _change(change: Change) -> Iterator[tuple[int, str]]:
    match change:
        case SetSysctl(sysctl):
            yield logging.INFO, f"sysctl set path={sysctl.path} value={sysctl.value}"
        case WriteBlocks(blocks):
            prefixes = ",".join(map(str, blocks.prefixes))
            yield logging.INFO, f"blocks handed to the CNI server prefixes={prefixes} mtu={blocks.mtu}"
        case WriteNat(translations):
            for each in translations:
                pods, kept = (",".join(map(str, prefixes)) for prefixes in (each.pods, each.kept))
                yield logging.INFO, f"nat written pods={pods} kept={kept} source={each.source or 'link'}"
            if not translations:
                yield logging.INFO, "nat removed"
        case AddNextHop(number, hop):
            yield logging.DEBUG, f"next hop added id={number} next_hop={hop.gateway}@{hop.link}"
        case PutGroup(number, members):
            yield logging.INFO, f"next hop group put id={number} members={','.join(map(str, members))}"
        case DeleteNextHop(number):
            yield logging.DEBUG, f"next hop object deleted id={number}"


def _rejections(before: Outcome | None, after: Outcome) -> Iterator[tuple[int, str]]:
    old, new = _refused(before), _refused(after)
    for rejection in sorted(new - old):
        level = logging.DEBUG if by_policy(rejection) else logging.WARNING
        yield level, f"rejected {rejection}"
    for rejection in sorted(old - new):
        if not by_policy(rejection):
            yield (
                logging.INFO,
                f"no longer rejected {rejection.object} field={rejection.field} {rejection.reason}",
            )


def _refused(outcome: Outcome | None) -> frozenset[Rejection]:
    return frozenset((*outcome.plan.rejections, *outcome.failures)) if outcome else frozenset()
