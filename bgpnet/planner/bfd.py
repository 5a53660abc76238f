"""Which routers are watched with BFD, and which of them it takes out of use."""

from collections.abc import Iterable
from typing import Final

from bgpnet.model.bfd import Bfd, BfdSession, ObservedBfd
from bgpnet.model.declared import Declared
from bgpnet.model.kernel import Link
from bgpnet.model.net import Address, address_order
from bgpnet.model.peerstatus import ADMIN_DOWN, UNKNOWN, UP, BfdStatus
from bgpnet.model.plan import Session
from bgpnet.model.rejection import Reason, Rejection

_UNHEARD: Final = (
    "failures of this router are noticed by its hold time alone; mend that, and if another program has the "
    "port (bfdd, BIRD), stop it"
)

_FAR: Final = (
    "the two are not in one subnet of a link of this node, and BFD over several hops (RFC 5883) is not "
    "supported; remove bfd, or peer with an address on a link"
)


def bfd_sessions(
    declared: Declared, sessions: Iterable[Session], links: Iterable[Link], observed: Bfd | None
) -> tuple[tuple[BfdSession, ...], tuple[Rejection, ...]]:
    """A BFD session beside each BGP session whose BGPPeer asks for one, and why some have none."""
    timers = {peer.ref: peer.bfd for peer in declared.peers}
    by_name = {link.name: link for link in links}
    made: list[BfdSession] = []
    rejections: list[Rejection] = []
    for session in sorted(sessions, key=lambda session: address_order(session.peer)):
        wanted, found = timers.get(session.ref), bfd_of(session, observed)
        if wanted is None:
            continue
        if not _one_hop(session, by_name.get(session.link)):
            far = f"{session.peer} from {session.local_address}"
            rejections.append(Rejection(session.ref, "spec.bfd", far, Reason.BFD_UNAVAILABLE, _FAR))
            continue
        made.append(BfdSession(session.peer, session.local_address, session.link, wanted))
        if found is not None and found.error:
            rejections.append(
                Rejection(session.ref, "spec.bfd", found.error, Reason.BFD_UNAVAILABLE, _UNHEARD)
            )
    return tuple(made), tuple(rejections)


def _one_hop(session: Session, link: Link | None) -> bool:
    """Whether both addresses are of one subnet of the link (RFC 5881 §6)."""
    if session.peer.is_link_local:
        return True
    return link is not None and any(
        at.address == session.local_address and session.peer in at.prefix for at in link.addresses
    )


def failed_peers(wanted: Iterable[BfdSession], observed: Bfd | None) -> tuple[Address, ...]:
    """The peers to which the path has failed: nothing that they told is used until it is back.

    A session that was never up says nothing (RFC 5882 §4.1): the router may not have BFD. Nor does one that
    either side took down on purpose (§3.2, §4.2). While `bgpnet bfd` is not heard, BGP alone decides.
    """
    links = {session.peer: session.link for session in wanted}
    return (
        tuple(each.peer for each in observed.sessions if each.failed and links.get(each.peer) == each.link)
        if observed
        else ()
    )


def bfd_of(session: Session, observed: Bfd | None) -> ObservedBfd | None:
    """What BFD says of a BGP session; None where it says nothing."""
    if observed is None:
        return None
    return next(
        (each for each in observed.sessions if (each.peer, each.link) == (session.peer, session.link)), None
    )


def why_held(session: Session, observed: Bfd | None) -> str:
    """Why a peer whose BGP session may well be up is not used; empty when BFD has nothing against it."""
    found = bfd_of(session, observed)
    if found is None or not found.failed:
        return ""
    return f"BFD {found.state}: {found.last_error}; its routes are not used until BFD is up again"


def bfd_status(session: Session, wanted: Iterable[BfdSession], observed: Bfd | None) -> BfdStatus | None:
    """What `bgpnet peers` tells of it; None where none is wanted."""
    asked = next((each.timers for each in wanted if each.peer == session.peer), None)
    if asked is None:
        return None
    found = bfd_of(session, observed)
    if found is None:
        return BfdStatus(
            UNKNOWN,
            reason="`bgpnet bfd` has not told of it: does it run, with this --run-dir?",
            configured_interval=asked.interval,
            multiplier=asked.multiplier,
        )
    return BfdStatus(
        state=found.state,
        remote_state=found.remote_state,
        since=found.since,
        failed=found.failed,
        reason=_why_not_up(found),
        last_error=found.last_error,
        last_error_at=found.last_error_at,
        flaps=found.flaps,
        configured_interval=asked.interval,
        multiplier=asked.multiplier,
        interval=found.interval,
        detection=found.detection,
        remote_independent=found.remote_independent,
        sent=found.sent,
        received=found.received,
        dropped=dict(found.dropped),
    )


def _why_not_up(found: ObservedBfd) -> str:
    if found.state == UP:
        return ""
    if found.error:
        return found.error
    if found.failed:
        return found.last_error
    if ADMIN_DOWN in (found.state, found.remote_state):
        return f"taken down on purpose on {'this node' if found.state == ADMIN_DOWN else 'the router'}"
    if found.received:
        return "the router's packets come, but it does not come up: does it hear ours?"
    if found.dropped:
        return f"no packet of the router's is taken: {', '.join(reason for reason, _ in found.dropped)}"
    return "nothing heard from the router: has it BFD for this node?"
