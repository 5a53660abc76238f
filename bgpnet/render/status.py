"""NodeStatus -> the text of `bgpnet status`."""

from collections.abc import Sequence
from typing import Final

from bgpnet.model.status import NodeStatus, RejectionStatus

_PODS_SHOWN: Final = 20


def status_text(status: NodeStatus, now: float) -> str:
    """A page for a terminal. `now` is in seconds since the epoch."""
    ready = "ready" if status.ready else "not ready: " + "; ".join(status.not_ready_because)
    parts = [
        f"Node {status.node}: {ready}\nPrefixes: {', '.join(status.prefixes) or 'none'}",
        _sessions(status, now),
        _probes(status, now),
        _routes(status),
        _nat(status),
        _pods(status),
        rejections_text("Rejected, something to mend", status.rejections),
        rejections_text("Learned paths refused by the import policy", status.refused_paths),
        rejections_text("Own prefixes that policy keeps from routers", status.refused_announcements),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _sessions(status: NodeStatus, now: float) -> str:
    rows = [
        (
            session.peer,
            str(session.peer_asn),
            session.state,
            duration(now - session.since) if session.since else "-",
            session.link,
            str(len(session.announced)),
            str(len(session.pending)),
            str(session.received),
            str(session.flaps),
        )
        for session in status.sessions
    ]
    header = ("PEER", "AS", "STATE", "SINCE", "LINK", "ANNOUNCED", "PENDING", "RECEIVED", "FLAPS")
    lines = [table(header, rows)] if rows else ["Sessions: none"]
    lines += [
        f"  {session.peer} ({session.object}) is not up: {session.reason}"
        for session in status.sessions
        if session.reason
    ]
    announced = sorted({prefix for session in status.sessions for prefix in session.announced})
    lines += [
        f"Announced: {prefix} to {', '.join(s.peer for s in status.sessions if prefix in s.announced)}"
        for prefix in announced
    ]
    return "\n".join(lines)


def _probes(status: NodeStatus, now: float) -> str:
    lines = []
    for probe in status.probes:
        way = " ".join(filter(None, (probe.family, f"from {probe.source}" * bool(probe.source))))
        if not probe.target:
            lines.append(f"Return path {way}: not probed: {probe.note}")
            continue
        told = "no answer yet"
        if probe.answered_at:
            ago = duration(now - probe.answered_at)
            told = f"answered {ago} ago in {probe.round_trip_ms:.1f} ms"
        missed = f", {probe.missed} missed since" if probe.missed else ""
        note = f": {probe.note}" if probe.note else ""
        lines.append(f"Return path {way} to {probe.target}: {told}{missed}{note}")
    return "\n".join(lines)


def _routes(status: NodeStatus) -> str:
    rows = [
        (
            route.prefix,
            "discard" if route.kind == "blackhole" else ", ".join(route.next_hops),
            "installed" if route.installed else "not installed",
        )
        for route in status.routes
    ]
    return table(("ROUTE", "NEXT HOPS", "KERNEL"), rows) if rows else ""


def _nat(status: NodeStatus) -> str:
    lines = []
    for nat in status.nat:
        source = nat.source or "the address of the link that they leave by, with which they end"
        lines.append(
            f"NAT {nat.family} of {', '.join(nat.pods)}: to {source}, but not towards {', '.join(nat.kept)}"
            + ("" if nat.in_place else ": NOT IN PLACE, see below")
        )
    return "\n".join(lines)


def _pods(status: NodeStatus) -> str:
    lines = [
        f"Addresses: {block.used} of {block.size} of {block.prefix} in use"
        + (block.note and f"; {block.note}")
        for block in status.blocks
    ]
    lines += [
        f"Pods refused: {refused.times} with code {refused.code} ({refused.meaning or 'unknown'})"
        for refused in status.refused_pods
    ]
    rows = [
        (pod.pod or "-", ", ".join(pod.addresses), pod.interface, pod.container)
        for pod in status.pods[:_PODS_SHOWN]
    ]
    if rows:
        lines.append(table(("POD", "ADDRESSES", "INTERFACE", "CONTAINER"), rows))
    if len(status.pods) > len(rows):
        lines.append(f"and {len(status.pods) - len(rows)} more pods: see -o json")
    return "\n".join(lines)


def rejections_text(title: str, rejections: Sequence[RejectionStatus]) -> str:
    """A title, and two lines for each; empty without any."""
    if not rejections:
        return ""
    width = max(len(each.reason) for each in rejections)
    lines = [f"{title}:"]
    for each in rejections:
        found = " = ".join(part for part in (each.field, each.found) if part)
        lines.append(f"  {each.reason:{width}}  {each.object}  {found}".rstrip())
        lines.append(f"  {'':{width}}  {each.remedy}")
    return "\n".join(lines)


def table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A header and its columns."""
    return "\n".join(columns((header, *rows)))


def columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Lines with columns as wide as their widest cell, two spaces apart."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def duration(seconds: float) -> str:
    """`45s`, `12m30s`, `3h05m`, `2d04h`."""
    whole = max(0, int(seconds))
    minutes, secs = divmod(whole, 60)
    hours, mins = divmod(minutes, 60)
    days, hrs = divmod(hours, 24)
    if days:
        return f"{days}d{hrs:02}h"
    if hours:
        return f"{hours}h{mins:02}m"
    return f"{minutes}m{secs:02}s" if minutes else f"{secs}s"
