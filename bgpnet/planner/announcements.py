"""What each session is told, and why a prefix of ours is told to nobody."""

from bgpnet.model.attributes import Attributes
from bgpnet.model.net import Address, Family, Prefix, address_order, family_of, prefix_order
from bgpnet.model.plan import Announcement, Session
from bgpnet.model.rejection import Reason, Rejection
from bgpnet.model.snapshot import DeclaredNode, Link


def announcements(
    node: DeclaredNode,
    prefixes: tuple[Prefix, ...],
    sessions: tuple[Session, ...],
    links: tuple[Link, ...],
    attributes: Attributes,
) -> tuple[tuple[Announcement, ...], tuple[Rejection, ...]]:
    """Every own prefix to every session that carries its family, by peer and prefix.

    The next hop is the session's own address or, for the other family, this node's first address of that
    family on the session's link (RFC 4760 §3: the next hop is of the family announced).
    All carry `attributes`.
    """
    made: list[Announcement] = []
    rejections: list[Rejection] = []
    by_name = {link.name: link for link in links}
    for prefix in prefixes:
        family = family_of(prefix)
        carriers = [session for session in sessions if family in session.families]
        hops = [(session, _next_hop(session, family, by_name.get(session.link))) for session in carriers]
        made.extend(
            Announcement(session.peer, prefix, hop, attributes) for session, hop in hops if hop is not None
        )
        rejections.extend(
            Rejection(
                session.ref,
                "spec.families",
                family,
                Reason.NO_NEXT_HOP,
                f"{prefix} needs an {family} next hop and link {session.link} has no such address; add one",
            )
            for session, hop in hops
            if hop is None
        )
        if not carriers:
            rejections.append(
                Rejection(
                    node.ref,
                    "spec.podCIDRs",
                    str(prefix),
                    Reason.NO_SESSION,
                    f"no BGPPeer gives this node a session for {family}, so nobody is told; add one, or name "
                    "the family in a peer's spec.families",
                )
            )
    made.sort(key=lambda announcement: (address_order(announcement.peer), prefix_order(announcement.prefix)))
    return tuple(made), tuple(rejections)


def _next_hop(session: Session, family: Family, link: Link | None) -> Address | None:
    if family_of(session.local_address) is family:
        return session.local_address
    if link is None:
        return None
    usable = (
        at.address
        for at in link.addresses
        if family_of(at.address) is family and not at.address.is_link_local
    )
    return min(usable, key=address_order, default=None)
