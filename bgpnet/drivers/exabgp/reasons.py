"""Why a session is not up, in words for those who own the routers."""

import re
from typing import Final

from bgpnet.model.net import Address

_ERRORS: Final = {
    # RFC 4271 §4.5 and §6; RFC 6608; RFC 4486, 8203, 8538 and 9384 for Cease; RFC 7313; RFC 9687
    1: (
        "Message Header Error",
        {1: "Connection Not Synchronized", 2: "Bad Message Length", 3: "Bad Message Type"},
    ),
    2: (
        "OPEN Message Error",
        {
            1: "Unsupported Version Number",
            2: "Bad Peer AS",
            3: "Bad BGP Identifier",
            4: "Unsupported Optional Parameter",
            5: "Authentication Failure",
            6: "Unacceptable Hold Time",
            7: "Unsupported Capability",
            11: "Role Mismatch",
        },
    ),
    3: (
        "UPDATE Message Error",
        {
            1: "Malformed Attribute List",
            2: "Unrecognized Well-known Attribute",
            3: "Missing Well-known Attribute",
            4: "Attribute Flags Error",
            5: "Attribute Length Error",
            6: "Invalid ORIGIN Attribute",
            8: "Invalid NEXT_HOP Attribute",
            9: "Optional Attribute Error",
            10: "Invalid Network Field",
            11: "Malformed AS_PATH",
        },
    ),
    4: ("Hold Timer Expired", {}),
    5: (
        "Finite State Machine Error",
        {
            1: "Unexpected Message in OpenSent",
            2: "Unexpected Message in OpenConfirm",
            3: "Unexpected Message in Established",
        },
    ),
    6: (
        "Cease",
        {
            1: "Maximum Number of Prefixes Reached",
            2: "Administrative Shutdown",
            3: "Peer De-configured",
            4: "Administrative Reset",
            5: "Connection Rejected",
            6: "Other Configuration Change",
            7: "Connection Collision Resolution",
            8: "Out of Resources",
            9: "Hard Reset",
            10: "BFD Down",
        },
    ),
    7: ("ROUTE-REFRESH Message Error", {1: "Invalid Message Length"}),
    8: ("Send Hold Timer Expired", {}),
}

_BAD_PEER_AS: Final = (2, 2)
_OPERATOR: Final = re.compile(r'Shutdown Communication: "(.+)"', re.DOTALL)
"""How ExaBGP shows the words that may come with an administrative Cease (RFC 9003)."""

_CODES: Final = re.compile(r"notification (sent|received) \((\d+),(\d+)\)(?:: (AS \d+))?")
"""With the AS number that the peer said it has, where it is not the one that it should have."""


def notification(code: int, subcode: int) -> str:
    """The name of a NOTIFICATION: `Cease / Administrative Reset (6/4)`."""
    name, subcodes = _ERRORS.get(code, ("unknown error", {}))
    detail = subcodes.get(subcode)
    return f"{name} / {detail} ({code}/{subcode})" if detail else f"{name} ({code}/{subcode})"


def received(code: int, subcode: int, message: str) -> str:
    """A NOTIFICATION that the peer sent; `message` is ExaBGP's reading of its data."""
    words = f"the peer sent NOTIFICATION {notification(code, subcode)}"
    if (code, subcode) == _BAD_PEER_AS:
        words += "; it expects another AS number from this node"
    if said := _OPERATOR.match(message):
        words += f"; its operator says {said[1]!r}"
    return words


def down(reason: str, *, hold_time: int) -> str:
    """Why an Established session, or one that got an OPEN, ended; `reason` in ExaBGP's words."""
    if found := _CODES.match(reason):
        code, subcode = int(found[2]), int(found[3])
        if found[1] == "received":
            return received(code, subcode, "")
        if code == 4:  # noqa: PLR2004 - Hold Timer Expired
            return f"hold timer expired: nothing heard from the peer for {hold_time} s"
        if code == 8:  # noqa: PLR2004 - Send Hold Timer Expired
            return (
                "the peer acknowledges nothing that this node sends: the path to it is broken, or it has not "
                "read for minutes"
            )
        words = f"this node sent NOTIFICATION {notification(code, subcode)}"
        said = f", {found[4]}," if found[4] else ""
        return words + f"; the peer's AS number{said} is not what spec.peerASN allows" * (
            (code, subcode) == _BAD_PEER_AS
        )
    if "removed" in reason:
        return "the session was removed from the configuration"
    if "graceful restarted negotiated" in reason:
        return "restarted because its configuration changed"
    if reason.startswith("closing connection"):
        return "TCP ended without a NOTIFICATION: the peer restarts, or the path to it broke"
    return f"ended: {reason}"


def own_end(reason: str) -> bool:
    """Whether a session ended because ExaBGP itself does, on a SIGTERM; `reason` in ExaBGP's words."""
    return reason == "stop, message [shutting down]"


def refused(peer: Address) -> str:
    """A connection that ended at once."""
    return f"TCP connection refused by {peer} port 179: is BGP running there?"


def unreachable(peer: Address) -> str:
    """A connection that ended after a while without an answer."""
    return f"{peer} cannot be reached: nobody with that address answers on the link"


def silent(peer: Address) -> str:
    """A connection without any answer."""
    return f"no answer from {peer} port 179"


def unwelcome(peer: Address) -> str:
    """A connection that the peer accepted and closed without an OPEN."""
    return (
        f"{peer} accepts TCP but closes before its OPEN: does it have this node's address as a neighbour, "
        "is that neighbour not shut down, and does it not still wait after errors (BIRD: error wait time)?"
    )
