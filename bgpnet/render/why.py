"""WhyStatus -> the text of `bgpnet why`."""

from bgpnet.model.whystatus import WhyStatus
from bgpnet.render.routes import route_lines
from bgpnet.render.status import columns, rejections_text


def why_text(status: WhyStatus) -> str:
    """Whose it is, who was told, what was learned, and what stands in the way."""
    parts = [[_whose(status)]]
    if status.undecided:
        parts.append([f"Everything stays as it is: {status.undecided}"])
    if status.sessions:
        rows = [(f"  {each.telling}", each.peer, each.object, each.because) for each in status.sessions]
        parts.append([f"Announced as {status.offered}", *columns(rows)])
    elif status.own:
        parts.append(["Announced to nobody"])
    if status.route is not None:
        parts.append(["In the kernel, and learned", *(f"  {line}" for line in route_lines(status.route))])
    if refused := rejections_text("Rejected", status.rejections):
        parts.append([refused])
    return "\n\n".join("\n".join(lines) for lines in parts) + "\n"


def _whose(status: WhyStatus) -> str:
    if status.pod:
        return f"{status.asked} is a pod of node {status.node}, on link {status.pod}"
    if status.own:
        held = "is" if status.own == status.asked else f"is in {status.own}, which is"
        return f"{status.asked} {held} a prefix of node {status.node}"
    if status.offered:
        return f"{status.asked} is an address of node {status.node} itself"
    return f"{status.asked} is not of node {status.node}"
