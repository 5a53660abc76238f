"""PlanStatus -> the text of `bgpnet plan`."""

from bgpnet.model.planstatus import PlannedSession, PlanStatus
from bgpnet.render.status import columns, rejections_text


def plan_text(status: PlanStatus) -> str:
    """What would be there, then what was refused."""
    parts = [f"Node {status.node}\nPrefixes: {', '.join(status.prefixes) or 'none'}"]
    if status.undecided:
        parts.append(f"Nothing would change: {status.undecided}")
    parts += map(_session, status.sessions)
    if status.sysctls:
        parts.append("\n".join(["Settings", *(f"  {each}" for each in status.sysctls)]))
    parts += (
        rejections_text("Rejected, something to mend", status.rejections),
        rejections_text("Own prefixes that policy keeps from routers", status.refused_announcements),
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def _session(session: PlannedSession) -> str:
    asn = session.peer_asn or "whatever it says"
    beside = ["BFD"] * session.bfd + ["MD5 password"] * session.password
    terms = [f"hold time {session.hold_time} s", " ".join(session.families), *beside]
    link = f" on link {session.link}" if session.link else ", no route leads there yet"
    lines = [
        f"Session with {session.peer}, AS {asn} ({session.object})",
        f"  from {session.local_address}, AS {session.local_asn}{link}; {', '.join(terms)}",
    ]
    rows = [
        (f"  announce {each.prefix}", f"next hop {each.next_hop}", ", ".join(each.attributes))
        for each in session.announcements
    ]
    return "\n".join([*lines, *(columns(rows) if rows else ["  announce nothing"])])
