"""PeersStatus -> the text of `bgpnet peers`."""

from bgpnet.model.peerstatus import ESTABLISHED, REJECTED, CapabilityStatus, PeersStatus, PeerStatus
from bgpnet.render.bfd import bfd_lines
from bgpnet.render.line import line as _line
from bgpnet.render.status import duration, rejections_text, table

_HEADER = (
    "PEER",
    "AS",
    "STATE",
    "SINCE",
    "BFD",
    "OBJECT",
    "LINK",
    "RECEIVED",
    "ACCEPTED",
    "REFUSED",
    "ANNOUNCED",
    "PENDING",
    "FLAPS",
)


def peers_text(status: PeersStatus, now: float) -> str:
    """A table of all peers, and below it why some are not up. `now`: seconds since the epoch."""
    lines = [f"Sessions stay as they are: {status.undecided}", ""] if status.undecided else []
    if not status.peers:
        return "\n".join([*lines, f"Node {status.node} has no BGP peer", ""])
    lines.append(table(_HEADER, [_row(peer, now) for peer in status.peers]))
    lines += [
        f"  {_title(peer)} is not {'used' if peer.state == ESTABLISHED else 'up'}: {peer.reason}"
        for peer in status.peers
        if peer.reason and peer.state != REJECTED
    ]
    lines += [
        f"  {_title(peer)} has no BFD session: {peer.bfd.reason}"
        for peer in status.peers
        if peer.bfd and peer.bfd.reason and not peer.bfd.failed
    ]
    refused = rejections_text(
        "Rejected, something to mend", [each for peer in status.peers for each in peer.rejections]
    )
    return "\n".join(lines) + "\n" + (f"\n{refused}\n" if refused else "")


def peer_text(peer: PeerStatus, now: float) -> str:
    """Everything that is known of one peer."""
    since = f" for {duration(now - peer.since)}" if peer.since else ""
    lines = [f"{_title(peer)}, AS {peer.peer_asn or 'not known'}", _line("State", f"{peer.state}{since}")]
    if peer.state != REJECTED:
        lines += _session(peer, now)
    if refused := rejections_text("Rejected, something to mend", peer.rejections):
        lines += ["", refused]
    return "\n".join(lines) + "\n"


def _session(peer: PeerStatus, now: float) -> list[str]:
    refused = ", ".join(f"{count} {reason}" for reason, count in sorted(peer.refused.items()))
    not_so = "Not used because" if peer.state == ESTABLISHED else "Not up because"
    lines = [_line(not_so, peer.reason)] if peer.reason else []
    if peer.last_error and peer.state == ESTABLISHED:
        lines.append(_line("Last lost", f"{duration(now - peer.last_error_at)} ago: {peer.last_error}"))
    lines.append(_line("Flaps", str(peer.flaps)))
    if peer.object:
        lines += [
            _line("Local", f"{peer.local_address} on link {peer.link}, AS {peer.local_asn}"),
            _line("Hops", _hops(peer)),
            _line("MD5 password", "set" if peer.password else "none"),
        ]
    lines += _capabilities(peer, peer.capabilities) if peer.capabilities else []
    lines += bfd_lines(peer.bfd, now) if peer.bfd else []
    lines += [
        _line(
            "Received", f"{peer.received}{'' if peer.table_read else ', and its table is still being read'}"
        ),
        _line("Accepted", str(peer.accepted)),
        _line("Refused", refused or "0"),
        *(_line("", f"{count} by {rule}") for rule, count in sorted(peer.filtered.items())),
        _line("Announced", ", ".join(peer.announced) or "nothing"),
    ]
    if peer.withheld:
        lines.append(_line("Withheld", str(sum(peer.withheld.values()))))
        lines += [_line("", f"{count} by {rule}") for rule, count in sorted(peer.withheld.items())]
    if peer.pending:
        lines.append(_line("Pending", ", ".join(peer.pending)))
    lines.append(_line("End-of-RIB", "sent" if peer.end_of_rib_sent else "not sent"))
    return lines


def _hops(peer: PeerStatus) -> str:
    if peer.ttl_security:
        return f"packets may have come {peer.ttl_security} at most (TTL security)"
    return f"up to {peer.multihop}" if peer.multihop else "not limited"


def _capabilities(peer: PeerStatus, has: CapabilityStatus) -> list[str]:
    hold = (
        f"{has.hold_time} s agreed, {peer.hold_time} s configured" if has.hold_time else "0: never timed out"
    )
    keeps = f"the peer keeps our routes for {peer.restart_time} s"
    asks = f"asks {has.restart_time} s for its own"
    return [
        _line("Hold time", hold),
        _line("Families", ", ".join(has.families) or "none in common"),
        _line("Router id", has.router_id or "not known"),
        _line("4-byte AS", _yes(has.four_byte_asn)),
        _line("Graceful restart", f"yes: {keeps}, and {asks}" if has.graceful_restart else "no"),
        _line("Route refresh", has.route_refresh),
        _line("Ext. next hop", "offered by the peer" if has.extended_next_hop else "no"),
    ]


def _row(peer: PeerStatus, now: float) -> tuple[str, ...]:
    session = peer.state != REJECTED
    return (
        peer.peer or "-",
        str(peer.peer_asn or "-"),
        peer.state,
        duration(now - peer.since) if peer.since else "-",
        peer.bfd.state if peer.bfd else "-",
        peer.object or "-",
        peer.link or "-",
        *(
            str(number) if session else "-"
            for number in (
                peer.received,
                peer.accepted,
                sum(peer.refused.values()),
                len(peer.announced),
                len(peer.pending),
                peer.flaps,
            )
        ),
    )


def _title(peer: PeerStatus) -> str:
    place = peer.peer or peer.link
    return f"{place} ({peer.object})" if place and peer.object else place or peer.object


def _yes(value: bool) -> str:  # noqa: FBT001 - what is told
    return "yes" if value else "no"
