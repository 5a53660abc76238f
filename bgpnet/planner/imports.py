"""Which learned paths are taken: only what was asked for, and nothing that could harm this node."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from ipaddress import ip_network

from bgpnet.model.net import Address, Prefix, address_order, covers, prefix_order
from bgpnet.model.plan import ImportTally, Session
from bgpnet.model.rejection import ObjectRef, Reason, Rejection
from bgpnet.model.snapshot import AcceptRule, Declared, LearnedPath, Link

MARTIANS = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "224.0.0.0/3",
        "::/127",
        "fe80::/10",
        "ff00::/8",
    )
)
"""Never a destination of a learned route: RFC 6890 §2.2.2 and §2.2.3."""

SHOWN_PER_PEER = 10
"""Refused paths reported one by one for each peer and reason; the rest are counted."""

REMEDIES = {
    Reason.MARTIAN: "such a destination is never routed (RFC 6890); mend the router's export policy",
    Reason.NOT_REQUESTED: "no rule of the peer's spec.accept asks for it; add one if the node needs it",
    Reason.AS_LOOP: "our own AS is in its path (RFC 4271 §9.1.2); if meant, use as-override on the router",
    Reason.OWN_PREFIX: "it lies in a prefix of this node; mend the router's export policy",
    Reason.OWN_NEXT_HOP: "its next hop is this node itself; mend the router's export policy",
    Reason.UNREACHABLE_NEXT_HOP: "its next hop is in no subnet of the session's link; "
    "set next-hop-self on the router",
}


class Import:
    """The import policy of one node: judges a path, and lists what was refused."""

    def __init__(
        self,
        sessions: Iterable[Session],
        accept: dict[Address, tuple[AcceptRule, ...]],
        own: tuple[Prefix, ...],
        links: tuple[Link, ...],
    ) -> None:
        self._sessions = {session.peer: session for session in sessions}
        self._accept = accept
        self._own = own
        self._addresses = frozenset(at.address for link in links for at in link.addresses)
        self._subnets = {link.name: tuple(at.prefix for at in link.addresses) for link in links}

    def session(self, path: LearnedPath) -> Session | None:
        """The session that brought the path; None when the peer is no longer configured."""
        return self._sessions.get(path.peer)

    def refusal(self, path: LearnedPath, session: Session) -> Reason | None:
        """Why the path is not taken; None when it is."""
        if path.prefix.prefixlen and any(covers(martian, path.prefix) for martian in MARTIANS):
            return Reason.MARTIAN
        if not any(_asks(rule, path.prefix) for rule in self._accept.get(path.peer, ())):
            return Reason.NOT_REQUESTED
        if session.local_asn in path.as_path:
            return Reason.AS_LOOP
        if any(covers(own, path.prefix) for own in self._own):
            return Reason.OWN_PREFIX
        if path.next_hop in self._addresses:
            return Reason.OWN_NEXT_HOP
        if not any(path.next_hop in subnet for subnet in self._subnets.get(session.link, ())):
            return Reason.UNREACHABLE_NEXT_HOP
        return None


def import_policy(
    declared: Declared, sessions: Iterable[Session], own: tuple[Prefix, ...], links: tuple[Link, ...]
) -> Import:
    """The policy of these sessions, from the objects that asked for them."""
    by_ref = {peer.ref: peer for peer in declared.peers}
    sessions = tuple(sessions)
    accept = {session.peer: by_ref[session.ref].accept for session in sessions}
    return Import(sessions, accept, own, links)


def tallies(
    taken: Iterable[Address], refused: Iterable[tuple[LearnedPath, Reason]]
) -> tuple[ImportTally, ...]:
    """How each peer's paths were judged: `taken` names a peer once for each path that was."""
    accepted = Counter(taken)
    reasons = Counter((path.peer, reason) for path, reason in refused)
    return tuple(
        ImportTally(
            peer,
            accepted[peer],
            tuple(sorted((reason, count) for (of, reason), count in reasons.items() if of == peer)),
        )
        for peer in sorted(accepted.keys() | {peer for peer, _ in reasons}, key=address_order)
    )


def refused(found: Iterable[tuple[LearnedPath, Reason]]) -> tuple[Rejection, ...]:
    """Rejections for refused paths: the first ones by name for each peer and reason, then their number."""
    groups: defaultdict[tuple[Address, Reason], list[Prefix]] = defaultdict(list)
    for path, reason in found:
        groups[path.peer, reason].append(path.prefix)
    rejections: list[Rejection] = []
    for (peer, reason), prefixes in sorted(
        groups.items(), key=lambda item: (address_order(item[0][0]), item[0][1])
    ):
        ref = ObjectRef("Path", f"from {peer}")
        prefixes.sort(key=prefix_order)
        rejections.extend(
            Rejection(ref, "prefix", str(prefix), reason, REMEDIES[reason])
            for prefix in prefixes[:SHOWN_PER_PEER]
        )
        more = len(prefixes) - SHOWN_PER_PEER
        if more > 0:
            rejections.append(Rejection(ref, "prefix", f"{more} more", reason, REMEDIES[reason]))
    return tuple(rejections)


def _asks(rule: AcceptRule, prefix: Prefix) -> bool:
    return rule.min_length <= prefix.prefixlen <= rule.max_length and covers(rule.prefix, prefix)
