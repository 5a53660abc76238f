"""RoutesStatus -> the text of `bgpnet routes`."""

from bgpnet.model.attributes import DEFAULT_LOCAL_PREFERENCE
from bgpnet.model.routestatus import PathStatus, RouteDetail, RoutesStatus, Verdict
from bgpnet.render.status import columns

_MARKS = {Verdict.BEST: "*", Verdict.MULTIPATH: "="}


def routes_text(status: RoutesStatus) -> str:
    """Each route in a line, with a line for each path below it."""
    lines = [f"Routes stay as they are: {status.undecided}", ""] if status.undecided else []
    if not status.routes:
        lines.append(f"Node {status.node} has no route and no path")
    for route in status.routes:
        lines += route_lines(route)
    return "\n".join(lines) + "\n"


def route_lines(route: RouteDetail) -> list[str]:
    """A route in a line, and a line for each of its paths."""
    kind = "own" if route.own else "learned"
    ways = ", ".join(route.next_hops) or ("discard" if route.own else "")
    lines = [f"{route.prefix}  {kind}, {route.state}{': ' if ways else ''}{ways}"]
    if route.because:
        lines.append(f"  {route.because}")
    lines += columns([_path(path) for path in route.paths])
    return lines


def _path(path: PathStatus) -> tuple[str, ...]:
    as_path = " ".join(map(str, path.as_path)) or "none"
    hop = f" next hop {path.next_hop}" if path.next_hop != path.peer else ""
    attributes = [f"AS path {as_path}", path.origin]
    if path.med is not None:
        attributes.append(f"MED {path.med}")
    if path.internal or path.local_preference != DEFAULT_LOCAL_PREFERENCE:
        attributes.append(f"LOCAL_PREF {path.local_preference}")
    if path.communities:
        attributes.append(f"communities {' '.join(path.communities)}")
    reason = ": ".join(part for part in (path.reason, path.because) if part)
    return (
        f"  {_MARKS.get(path.verdict, ' ')} {path.verdict}",
        path.peer + hop,
        ", ".join(attributes),
        reason,
    )
