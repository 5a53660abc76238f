"""Gather, plan, diff, apply: one step of the loop. Deciding is the planner's; acting is the drivers'."""

from collections.abc import Callable
from dataclasses import dataclass

from bgpnet.agent.contention import Contention
from bgpnet.agent.doors import (
    BfdDoor,
    BlocksDoor,
    ClaimsDoor,
    KernelDoor,
    ProbeDoor,
    SourceDoor,
    SpeakerDoor,
    SysctlDoor,
)
from bgpnet.model.diff import Change, DeleteRoute, Observed, PutRoute, SetSysctl, WriteBlocks
from bgpnet.model.errors import KernelError
from bgpnet.model.plan import Plan
from bgpnet.model.rejection import ObjectRef, Reason, Rejection
from bgpnet.model.snapshot import Snapshot
from bgpnet.planner import diff, make_plan


@dataclass(frozen=True, slots=True)
class Doors:
    """The drivers of one node."""

    source: SourceDoor
    kernel: KernelDoor
    sysctl: SysctlDoor
    blocks: BlocksDoor
    speaker: SpeakerDoor
    probe: ProbeDoor
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


async def step(node_name: str, doors: Doors, clock: Callable[[], float], contention: Contention) -> Outcome:
    """Bring the node one step nearer to its plan. `clock` gives monotonic seconds.

    Routes that pods and learned prefixes need are there before the speaker is told of them, and what is no
    longer wanted is deleted after it was told. A change that fails harms itself alone, and one that another
    program undoes again and again is made ever more seldom.
    """
    kernel = await doors.kernel.dump()
    source = doors.source
    speaker, probed, bfd = doors.speaker.observed(), doors.probe.observed(), doors.bfd.observed()
    claimed = doors.claims.claimed() if doors.claims else None
    snapshot = Snapshot(node_name, source.declared(), kernel, speaker, source.unread(), probed, bfd, claimed)
    begin = clock()
    plan = make_plan(snapshot)
    plan_seconds = clock() - begin
    observed = Observed(kernel, doors.sysctl.read(plan.sysctls), doors.blocks.read())
    changes = contention.admitted(diff(plan, observed), kernel, clock())
    failures: list[Rejection] = []
    for change in changes:
        if not isinstance(change, DeleteRoute):
            failures += await _applied(change, doors)
    doors.speaker.want(plan.sessions, plan.announcements, plan.advertise)
    doors.speaker.failed(plan.failed)
    doors.bfd.want(plan.bfd)
    if plan.sessions is not None:
        doors.probe.want(plan.probes)
    if doors.claims is not None:
        doors.claims.want(plan.wanted)
    for change in changes:
        if isinstance(change, DeleteRoute):
            failures += await _applied(change, doors)
    contention.failed(failures)
    failures += contention.rejections(observed)
    return Outcome(
        snapshot, plan, changes, (*failures, *doors.speaker.rejections, *doors.bfd.rejections), plan_seconds
    )


async def _applied(change: Change, doors: Doors) -> tuple[Rejection, ...]:
    try:
        match change:
            case SetSysctl(sysctl):
                doors.sysctl.set(sysctl)
            case WriteBlocks(blocks):
                doors.blocks.write(blocks)
            case PutRoute(route, replaces):
                await doors.kernel.put(route, replaces=replaces)
            case DeleteRoute(prefix, metric):
                await doors.kernel.delete(prefix, metric)
    except (KernelError, OSError) as error:
        return (_refused(change, error),)
    return ()


def _refused(change: Change, error: Exception) -> Rejection:
    match change:
        case SetSysctl(sysctl):
            ref = ObjectRef("Sysctl", sysctl.path)
        case WriteBlocks():
            ref = ObjectRef("File", "blocks.json")
        case PutRoute(route):
            ref = ObjectRef("Route", str(route.prefix))
        case DeleteRoute(prefix):
            ref = ObjectRef("Route", str(prefix))
    return Rejection(ref, "", "", Reason.KERNEL_REFUSED, f"{error}; it is tried again")
