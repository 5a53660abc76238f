"""What each session is told, and why a prefix of ours is told to nobody."""

from collections.abc import Iterable

from bgpnet.model.bgp import Speaker
from bgpnet.model.declared import DeclaredNode
from bgpnet.model.kernel import Link
from bgpnet.model.net import Address, Family, Prefix, address_order, family_of, prefix_order
from bgpnet.model.plan import Announcement, Session, Tally
from bgpnet.model.rejection import Reason, Rejection
from bgpnet.planner.discovery import lasting_address
from bgpnet.planner.exports import Export
from bgpnet.planner.refusals import Refusal, Refused, refused, tallies


def announcements(
    node: DeclaredNode,
    prefixes: tuple[Prefix, ...],
    sessions: tuple[Session, ...],
    links: tuple[Link, ...],
    policy: Export,
) -> tuple[tuple[Announcement, ...], tuple[Tally, ...], tuple[Rejection, ...]]:
    """Each of these prefixes to every session that carries its family and whose filters accept it, sorted.

    Besides how many each peer is told, and what is wrong.

    The next hop is the session's own address or, for the other family, this node's first address of that
    family on the session's link (RFC 4760 §3: the next hop is of the family announced). Over link-local
    addresses it is always the session's own, and so is it where there is no other and RFC 8950 allows it.
    """
    made: list[Announcement] = []
    filtered: list[Refused] = []
    rejections: list[Rejection] = []
    by_name = {link.name: link for link in links}
    for prefix in prefixes:
        family = family_of(prefix)
        carriers = [session for session in sessions if family in session.families]
        refusals = 0
        for session in carriers:
            outcome = policy.judged(prefix, session)
            hop = _next_hop(session, family, by_name.get(session.link), node)
            if isinstance(outcome, Refusal):
                filtered.append((session.peer, prefix, outcome))
                refusals += 1
            elif hop is None:
                rejections.append(_no_next_hop(session, prefix))
            elif outcome is not None:
                made.append(Announcement(session.peer, prefix, hop, outcome))
        if refusals == len(carriers):
            rejections.append(_told_to_nobody(node, prefix, filtered=bool(carriers)))
    made.sort(key=lambda announcement: (address_order(announcement.peer), prefix_order(announcement.prefix)))
    return (
        tuple(made),
        tallies((each.peer for each in made), filtered),
        (*rejections, *refused("Announcement to", filtered)),
    )


def not_taken(
    made: Iterable[Announcement], sessions: Iterable[Session], speaker: Speaker | None
) -> tuple[Rejection, ...]:
    """Sessions that are up with a peer that does not take an IPv6 next hop, where there is no other."""
    observed = speaker.sessions if speaker else ()
    without = {
        each.peer for each in observed if each.capabilities and not each.capabilities.extended_next_hop
    }
    meant = {each.peer for each in made if family_of(each.next_hop) is not family_of(each.prefix)} & without
    remedy = (
        "the router does not offer IPv4 routes with IPv6 next hops (RFC 8950), so it is told none; configure "
        "it (FRR: `neighbor … capability extended-nexthop`), or give the link an IPv4 address"
    )
    return tuple(
        Rejection(session.ref, "spec.families", Family.IPV4, Reason.NO_NEXT_HOP, remedy)
        for session in sessions
        if session.peer in meant
    )


def _no_next_hop(session: Session, prefix: Prefix) -> Rejection:
    remedy = (
        f"{prefix} needs an {family_of(prefix)} next hop and link {session.link} has no such address; add one"
    )
    return Rejection(session.ref, "spec.families", family_of(prefix), Reason.NO_NEXT_HOP, remedy)


def _told_to_nobody(node: DeclaredNode, prefix: Prefix, *, filtered: bool) -> Rejection:
    if filtered:
        reason = Reason.FILTERED
        remedy = "the export filters of every session refuse it, so nobody is told; accept it in one of them"
    else:
        reason = Reason.NO_SESSION
        remedy = (
            f"no BGPPeer gives this node a session for {family_of(prefix)}, so nobody is told; add one, or "
            "name the family in a peer's spec.families"
        )
    return Rejection(node.ref, "spec.podCIDRs", str(prefix), reason, remedy)


def _next_hop(session: Session, family: Family, link: Link | None, node: DeclaredNode) -> Address | None:
    own, extended = session.local_address, session.extended_next_hop and family is Family.IPV4
    if family_of(own) is family or (own.is_link_local and extended):
        return own
    usable = (
        at
        for at in (link.addresses if link else ())
        if family_of(at.address) is family and not at.address.is_link_local
    )
    return lasting_address(usable, node.addresses) or (own if extended else None)
