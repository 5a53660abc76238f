"""Where ExaBGP 5.0.15 ends sessions for what is no fault of theirs, in its own process.

A message whose head is wrong: it means to report it, and calls its report with an argument too many. The
error that this raises ended the session without the NOTIFICATION of RFC 4271 §6.1 and without a cause.

A relay that dies while it is told something: the session of which it was told is reset, and all peers are
stopped for good, though ExaBGP starts the relay anew. What the new one missed it says itself (its gap).

A malformed attribute that a router passes on without looking at it: ExaBGP ends the session with
that router, who has done nothing wrong, again and again for as long as the route is there, and so does every
node. It costs the route, or the attribute (RFC 7606 §2).

And what it lets pass. Routes without ORIGIN, with one that is none, or with no AS in the path of an external
router, which would be the shortest way to anywhere: they are withdrawn (RFC 7606 §3 d, §7.1, RFC 4271
§5.1.2), and so are those that AS 0 is in the path of (RFC 7607 §2).
"""

import contextlib
from collections.abc import Iterable
from typing import Any, Final

from exabgp.bgp.message.direction import Direction
from exabgp.bgp.message.update.attribute import Attribute
from exabgp.bgp.message.update.attribute.attributes import Attributes, TreatAsWithdraw
from exabgp.reactor.api.processes import ProcessError, Processes

_REPORT: Final = Processes.notification

_WRITE: Final = Processes.write

_ARGUMENTS: Final = 7

_CODE: Final = Attribute.CODE

_PARSE: Final = Attributes.parse

_ORIGINS: Final = range(3)
"""IGP, EGP, INCOMPLETE (RFC 4271 §4.3)."""

_ORIGIN_SIZE: Final = 4
"""Octets of an ORIGIN with its head: flags, type, length, value."""

_WITHDRAWN: Final = Attributes.TREAT_AS_WITHDRAW

_DISCARDED: Final = Attributes.DISCARD

COSTS_THE_ROUTE: Final = (_CODE.ORIGINATOR_ID, _CODE.CLUSTER_LIST, _CODE.PMSI_TUNNEL)
"""RFC 7606 §7.9, §7.10; RFC 6514 §5."""

COSTS_ITSELF: Final = (_CODE.AS4_PATH, _CODE.AS4_AGGREGATOR)
"""RFC 6793 §6."""

_CARRIES_ROUTES: Final = (_CODE.NEXT_HOP, _CODE.MP_REACH_NLRI)


def install() -> None:
    """Have ExaBGP use it in this process."""
    Processes.notification = report
    Processes.write = write
    Processes.broken = broken
    Attributes.parse = parse
    Attributes.TREAT_AS_WITHDRAW = (*_WITHDRAWN, *COSTS_THE_ROUTE)
    Attributes.DISCARD = (*_DISCARDED, *COSTS_ITSELF)


def report(processes: Processes, *told: Any) -> None:  # noqa: ANN401 - as ExaBGP has it
    """Report a NOTIFICATION. What ExaBGP found itself is none yet: the one that it sends is reported."""
    if len(told) == _ARGUMENTS:
        _REPORT(processes, *told)


def write(processes: Processes, relay: str, told: str | None, neighbor: Any = None) -> bool:  # noqa: ANN401 - likewise
    """Tell the relay. One that has died, or is not started yet, hears nothing."""
    with contextlib.suppress(ProcessError, KeyError):
        _WRITE(processes, relay, told, neighbor)
    return True


def parse(attributes: Attributes, told: bytes, direction: int, negotiated: Any) -> Attributes:  # noqa: ANN401 - likewise
    """Read an UPDATE's attributes. Routes that lack what every route has are withdrawn."""
    found = _PARSE(attributes, told, direction, negotiated)
    if direction == Direction.IN and any(code in found for code in _CARRIES_ROUTES):
        # An empty path, which an internal router's own routes have, is none to ExaBGP.
        pathless = _CODE.AS_PATH not in found and negotiated.local_as != negotiated.peer_as
        if pathless or not _has_origin(found) or _path_has_zero(found):
            found.add(TreatAsWithdraw())
    return found


def _has_origin(found: Attributes) -> bool:
    """Whether ORIGIN is there, of one octet, and one of those there are."""
    origin = found.get(_CODE.ORIGIN)
    return origin is not None and len(origin) == _ORIGIN_SIZE and origin.origin in _ORIGINS


def _path_has_zero(found: Attributes) -> bool:
    path: Iterable[Iterable[int]] = getattr(found.get(_CODE.AS_PATH), "aspath", ())
    return any(0 in segment for segment in path)


def broken(_processes: Processes, _neighbor: Any) -> bool:  # noqa: ANN401 - likewise
    """Whether peers are to be stopped. A relay that cannot be started is the watchdog's: it ends ExaBGP."""
    return False
