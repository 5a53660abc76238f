"""BfdStatus -> its part of `bgpnet peers NAME`."""

from bgpnet.model.peerstatus import BfdStatus
from bgpnet.render.line import line
from bgpnet.render.status import duration


def bfd_lines(bfd: BfdStatus, now: float) -> list[str]:
    """`now`: seconds since the epoch."""
    since = f" for {duration(now - bfd.since)}" if bfd.since else ""
    remote = f", the router {bfd.remote_state}" if bfd.remote_state else ""
    lines = [line("BFD", f"{bfd.state}{since}{remote}")]
    if bfd.reason:
        lines.append(line("  not up because", bfd.reason))
    elif bfd.last_error:
        lines.append(line("  last lost", f"{duration(now - bfd.last_error_at)} ago: {bfd.last_error}"))
    asked = f"{bfd.configured_interval} ms x {bfd.multiplier} configured"
    agreed = f"a packet every {bfd.interval:g} ms, down after {bfd.detection:g} ms of silence; "
    lines.append(line("  timers", f"{agreed if bfd.detection else ''}{asked}"))
    dropped = ", ".join(f"{count} {reason}" for reason, count in sorted(bfd.dropped.items()))
    packets = f"{bfd.sent} sent, {bfd.received} received, dropped: {dropped or 'none'}"
    shares = "outlives its BGP" if bfd.remote_independent else "may end with its BGP"
    return [
        *lines,
        line("  packets", packets),
        line("  flaps", str(bfd.flaps)),
        line("  router's BFD", f"{shares} (C bit {'set' if bfd.remote_independent else 'clear'})"),
    ]
