"""Gather, plan, diff, apply: one step of the loop. Deciding is the planner's; acting is the drivers'."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bgpnet.agent.contention import Contention
from bgpnet.agent.doors import (
    BfdDoor,
    BlocksDoor,
    ClaimsDoor,
    DrainDoor,
    KernelDoor,
    NatDoor,
    ProbeDoor,
    SourceDoor,
    SpeakerDoor,
    SysctlDoor,
)
from bgpnet.agent.refusals import refusals, subject
from bgpnet.model.blocks import Blocks
from bgpnet.model.diff import (
    Change,
    DeleteNextHop,
    DeleteRoute,
    KernelChange,
    Observed,
    SetSysctl,
    WriteBlocks,
    WriteNat,
)
from bgpnet.model.errors import KernelError
from bgpnet.model.plan import Plan
from bgpnet.model.rejection import Rejection
from bgpnet.model.snapshot import Snapshot
from bgpnet.planner import diff, failover, make_plan
from bgpnet.planner.drain import asked_by_label, wait_of


@dataclass(frozen=True, slots=True)
class Doors:
    """The drivers of one node."""

    source: SourceDoor
    kernel: KernelDoor
    sysctl: SysctlDoor
    nat: NatDoor
    blocks: BlocksDoor
    speaker: SpeakerDoor
    probe: ProbeDoor
    drain: DrainDoor
    bfd: BfdDoor
    claims: ClaimsDoor | None = None
    """None where the source takes no claims."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One step: what was known, what was planned, what was changed, and what failed."""

    snapshot: Snapshot
    plan: Plan
    changes: tuple[Change, ...] = ()
    failures: tuple[Rejection, ...] = ()
    plan_seconds: float = 0.0
    """How long planning took."""


async def step(
    node_name: str,
    doors: Doors,
    clock: Callable[[], float],
    contention: Contention,
    before: Outcome | None = None,
) -> Outcome:
    """Bring the node one step nearer to its plan. `clock` gives monotonic seconds; `before`: the last step.

    What a lost session leaves without a way goes over to the other ways before anything else is looked at.

    Routes that pods and learned prefixes need are there before the speaker is told of them, and what is no
    longer wanted is deleted after it was told. A change that fails harms itself alone, and one that another
    program undoes again and again is made ever more seldom.
    """
    urgent = await _failed_over(doors, before)
    kernel = await doors.kernel.dump()
    source = doors.source
    speaker, probed, bfd = doors.speaker.observed(), doors.probe.observed(), doors.bfd.observed()
    claimed = doors.claims.claimed() if doors.claims else None
    declared = source.declared()
    drain = doors.drain.stage(asked_by_label(declared, node_name), wait_of(declared))
    snapshot = Snapshot(node_name, declared, kernel, speaker, source.unread(), probed, bfd, claimed, drain)
    begin = clock()
    plan = make_plan(snapshot)
    plan_seconds = clock() - begin
    observed = Observed(
        kernel, doors.sysctl.read(plan.sysctls), _handed_over(doors.blocks), await doors.nat.observed()
    )
    wanted = diff(plan, observed)
    changes = contention.admitted(wanted, kernel, clock())
    deletions = tuple(change for change in changes if isinstance(change, DeleteRoute | DeleteNextHop))
    failed = await _applied(changes[: len(changes) - len(deletions)], doors)
    doors.speaker.want(plan.sessions, plan.announcements, plan.advertise)
    doors.speaker.failed(plan.failed)
    doors.bfd.want(plan.bfd)
    if plan.sessions is not None:
        doors.probe.want(plan.probes)
    if doors.claims is not None:
        doors.claims.want(plan.wanted)
    if failed or len(changes) < len(wanted):  # what was not replaced may refer to what is to be deleted
        deletions = tuple(change for change in deletions if isinstance(change, DeleteRoute))
    failed += await _applied(deletions, doors)
    contention.failed(subject(change) for change, _ in failed)
    failures = (*refusals(failed), *contention.rejections(observed))
    return Outcome(
        snapshot,
        plan,
        (*urgent, *changes),
        (*failures, *doors.speaker.rejections, *doors.bfd.rejections),
        plan_seconds,
    )


async def _failed_over(doors: Doors, before: Outcome | None) -> tuple[Change, ...]:
    """What was changed. What was refused is found again by the diff, and told there."""
    if before is None or before.snapshot.kernel is None:
        return ()
    kernel = before.snapshot.kernel
    found = await doors.kernel.next_hops()
    changes = failover(before.plan, kernel, found, doors.speaker.observed(), doors.bfd.observed())
    refused = {change for change, _ in await doors.kernel.apply(changes)}
    return tuple(change for change in changes if change not in refused)


def _handed_over(blocks: BlocksDoor) -> Blocks | None:
    """What was handed over. What cannot be read is written anew, and it is told what keeps that from it."""
    try:
        return blocks.read()
    except OSError:
        return None


async def _applied(changes: Sequence[Change], doors: Doors) -> list[tuple[Change, Exception]]:
    """Carry out changes in order; those of the kernel's routing that follow one another go together."""
    failed: list[tuple[Change, Exception]] = []
    together: list[KernelChange] = []
    for change in changes:
        if not isinstance(change, SetSysctl | WriteBlocks | WriteNat):
            together.append(change)
            continue
        failed += await doors.kernel.apply(together)
        together = []
        try:
            await _set(change, doors)
        except (KernelError, OSError) as error:
            failed.append((change, error))
    return [*failed, *(await doors.kernel.apply(together))]


async def _set(change: SetSysctl | WriteBlocks | WriteNat, doors: Doors) -> None:
    match change:
        case SetSysctl(sysctl):
            doors.sysctl.set(sysctl)
        case WriteBlocks(blocks):
            doors.blocks.write(blocks)
        case WriteNat(translations):
            await doors.nat.write(translations)
