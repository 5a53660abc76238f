"""Snapshot and Plan -> what `bgpnet plan` tells."""

from bgpnet.model.attributes import Attributes
from bgpnet.model.community import spell_community
from bgpnet.model.plan import Announcement, Plan, Session
from bgpnet.model.planstatus import PlannedAnnouncement, PlannedSession, PlanStatus
from bgpnet.model.snapshot import Snapshot
from bgpnet.planner.status import by_policy, rejection_status, undecided


def plan_status(snapshot: Snapshot, plan: Plan, version: str) -> PlanStatus:
    """The parts of a plan that hang on objects and on this host alone, not on what routers say."""
    watched = {each.peer for each in plan.bfd or ()}
    return PlanStatus(
        node=plan.node_name,
        version=version,
        prefixes=tuple(map(str, plan.own_prefixes)),
        sessions=tuple(
            _session(
                session,
                session.peer in watched,
                tuple(_announcement(each) for each in plan.announcements or () if each.peer == session.peer),
            )
            for session in plan.sessions or ()
        ),
        sysctls=tuple(f"{each.path} = {each.value}" for each in plan.sysctls),
        rejections=tuple(rejection_status(each) for each in plan.rejections if not by_policy(each)),
        refused_announcements=tuple(
            rejection_status(each) for each in plan.rejections if each.object.kind == "Announcement"
        ),
        undecided=undecided(snapshot, plan),
    )


def _session(
    session: Session,
    bfd: bool,  # noqa: FBT001 - what is told
    announcements: tuple[PlannedAnnouncement, ...],
) -> PlannedSession:
    return PlannedSession(
        peer=str(session.peer),
        object=f"{session.ref.kind}/{session.ref.name}",
        peer_asn=session.peer_asn,
        local_address=str(session.local_address),
        local_asn=session.local_asn,
        link=session.link,
        hold_time=session.hold_time,
        families=tuple(map(str, session.families)),
        bfd=bfd,
        password=session.password is not None,
        announcements=announcements,
    )


def _announcement(told: Announcement) -> PlannedAnnouncement:
    return PlannedAnnouncement(str(told.prefix), str(told.next_hop), _words(told.attributes))


def _words(carried: Attributes) -> tuple[str, ...]:
    words = []
    if carried.as_path:
        words.append(f"AS path {' '.join(map(str, carried.as_path))}")
    if carried.med is not None:
        words.append(f"MED {carried.med}")
    if carried.local_preference is not None:
        words.append(f"LOCAL_PREF {carried.local_preference}")
    if carried.communities:
        words.append(f"communities {' '.join(map(spell_community, carried.communities))}")
    return tuple(words)
