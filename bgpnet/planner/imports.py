"""Which learned paths are taken: only what was asked for, and nothing that could harm this node."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from ipaddress import IPv6Address

from bgpnet.model.bgp import LearnedPath
from bgpnet.model.community import GRACEFUL_SHUTDOWN
from bgpnet.model.declared import AcceptRule, Changes, Declared
from bgpnet.model.kernel import Kernel, NextHop
from bgpnet.model.martians import MARTIANS
from bgpnet.model.net import Address, Prefix
from bgpnet.model.plan import Session
from bgpnet.model.prefixranges import PrefixRanges
from bgpnet.model.rejection import Reason
from bgpnet.planner.diff import is_ours
from bgpnet.planner.filters import Filters
from bgpnet.planner.nexthops import Resolver
from bgpnet.planner.refusals import Refusal


def _inside(prefixes: Iterable[Prefix]) -> PrefixRanges[bool]:
    """These prefixes and everything in them: a few lookups, however many there are."""
    return PrefixRanges((AcceptRule(each, each.prefixlen, each.max_prefixlen), True) for each in prefixes)


def _more_specific(subnets: Iterable[Prefix]) -> PrefixRanges[bool]:
    """What is in these subnets, and not the whole of one."""
    return PrefixRanges((AcceptRule(each, each.prefixlen + 1, each.max_prefixlen), True) for each in subnets)


_NEVER = _inside(MARTIANS)

REMEDIES = {
    Reason.MARTIAN: "such a destination is never routed (RFC 6890); mend the router's export policy",
    Reason.NOT_REQUESTED: "no rule of the peer's spec.accept asks for it; add one if the node needs it",
    Reason.NO_FILTER: "an import filter of the peer is missing, so only what was taken before is taken",
    Reason.AS_LOOP: "our own AS is in its path (RFC 4271 §9.1.2); if that is meant, use as-override on the "
    "router, or spec.allowOwnASN of the peer",
    Reason.OWN_PREFIX: "it lies in a prefix of this node; mend the router's export policy",
    Reason.LINK_ADDRESS: "it is a part of the subnet of one of the node's links that holds the address of "
    "the node or of one of its routers, which would be lost with it; mend the router's export policy",
    Reason.OWN_NEXT_HOP: "its next hop is this node itself; mend the router's export policy",
    Reason.REFLECTION_LOOP: "it came from this node itself, by way of a route reflector (RFC 4456 §8)",
    Reason.UNREACHABLE_NEXT_HOP: "its next hop is in no subnet of the session's link; "
    "set next-hop-self on the router",
}


NO_FILTERS = Filters()

NO_CHANGES = Changes()

DEFAULT_UNNAMED = Refusal(
    Reason.NOT_REQUESTED,
    "a default route is taken only where it is named: in the peer's spec.accept, or in match.prefixes of the "
    "filter's rule that accepts it",
)

FAR_AWAY = Refusal(
    Reason.UNREACHABLE_NEXT_HOP,
    "no route of another program's leads to its next hop; add one, or set next-hop-self on the router",
)

MAPPED = Refusal(
    Reason.UNREACHABLE_NEXT_HOP,
    "its next hop is an IPv4 address in the form of IPv6, as routers send it that have no IPv6 address on "
    "the session's link: give the router one there (RFC 4291 §2.5.5.2)",
)

REFUSALS = {reason: Refusal(reason, remedy) for reason, remedy in REMEDIES.items()}


class Import:
    """The import policy of one node: judges paths.

    A path is taken that the peer's `accept` asks for and its import filters accept, where both are there; one
    alone is enough. A peer whose filters are not known keeps what the kernel has of it, and gets nothing new.
    """

    def __init__(
        self,
        sessions: Iterable[Session],
        accept: Mapping[Address, tuple[AcceptRule, ...]],
        filters: Mapping[Address, Filters],
        own: tuple[Prefix, ...],
        kernel: Kernel,
        loops: Mapping[Address, int],
    ) -> None:
        self._sessions = {session.peer: session for session in sessions}
        self._asked = {
            peer: PrefixRanges((rule, True) for rule in rules) for peer, rules in accept.items() if rules
        }
        self._filters = filters
        self._own = _inside(own)
        self._loops = loops
        self._addresses = frozenset(at.address for link in kernel.links for at in link.addresses)
        self._subnets = _more_specific(at.prefix for link in kernel.links for at in link.addresses)
        self._near = self._addresses | set(self._sessions)
        self._resolver = Resolver(kernel)
        self._installed = (
            frozenset()
            if all(each.imports_known for each in filters.values())
            else frozenset(
                (route.prefix, hop) for route in kernel.routes if is_ours(route) for hop in route.next_hops
            )
        )

    def session(self, path: LearnedPath) -> Session | None:
        """The session that brought the path; None when the peer is no longer configured."""
        return self._sessions.get(path.peer)

    def next_hops(self, path: LearnedPath, session: Session) -> tuple[NextHop, ...]:
        """Where packets for the path go; empty when its next hop cannot be reached."""
        return self._resolver.of_session(session, path.next_hop)

    def judged(self, path: LearnedPath, session: Session) -> LearnedPath | Refusal:
        """The path as policy leaves it, or why it is not taken."""
        if path.prefix.prefixlen and any(_NEVER.holding(path.prefix)):
            return REFUSALS[Reason.MARTIAN]
        inside = any(self._own.holding(path.prefix))  # also where policy leaves it out: it is told of
        outcome = self._policy(path, session)
        if not inside and isinstance(outcome, Refusal):
            return outcome
        if path.as_path.count(session.local_asn) > self._loops.get(path.peer, 0):
            return REFUSALS[Reason.AS_LOOP]
        if session.router_id == path.originator or session.router_id in path.clusters:
            return REFUSALS[Reason.REFLECTION_LOOP]
        if inside or isinstance(outcome, Refusal):
            return REFUSALS[Reason.OWN_PREFIX]
        if any(self._subnets.holding(path.prefix)) and any(each in path.prefix for each in self._near):
            return REFUSALS[Reason.LINK_ADDRESS]
        if path.next_hop in self._addresses:
            return REFUSALS[Reason.OWN_NEXT_HOP]
        if not self.next_hops(path, session):
            if isinstance(path.next_hop, IPv6Address) and path.next_hop.ipv4_mapped:
                return MAPPED
            return FAR_AWAY if session.far else REFUSALS[Reason.UNREACHABLE_NEXT_HOP]
        return _changed(path, outcome)

    def _policy(self, path: LearnedPath, session: Session) -> Changes | Refusal:
        filters, asked = self._filters.get(path.peer, NO_FILTERS), self._asked.get(path.peer)
        if asked is not None and not any(asked.holding(path.prefix)):
            return REFUSALS[Reason.NOT_REQUESTED]
        if not filters.imports_known:
            there = any((path.prefix, hop) in self._installed for hop in self.next_hops(path, session))
            return NO_CHANGES if there else REFUSALS[Reason.NO_FILTER]
        if filters.imports is None:
            return REFUSALS[Reason.NOT_REQUESTED] if asked is None else NO_CHANGES
        rule = filters.imports.decide(path.prefix, path.communities)
        if isinstance(rule, Refusal):
            return rule
        if asked is None and not path.prefix.prefixlen and not rule.prefixes:
            return DEFAULT_UNNAMED
        return rule.changes


def import_policy(
    declared: Declared,
    sessions: Iterable[Session],
    filters: Mapping[Address, Filters],
    own: tuple[Prefix, ...],
    kernel: Kernel,
) -> Import:
    """The policy of these sessions, from the objects that asked for them."""
    by_ref = {peer.ref: peer for peer in declared.peers}
    sessions = tuple(sessions)
    accept = {session.peer: by_ref[session.ref].accept for session in sessions}
    loops = {session.peer: by_ref[session.ref].allow_own_asn for session in sessions}
    return Import(sessions, accept, filters, own, kernel, loops)


def _changed(path: LearnedPath, changes: Changes) -> LearnedPath:
    """The path with its degree of preference (RFC 4271 §9.1.1); most are returned as they are.

    An external router that asks to be left alone is used last (RFC 8326 §4).
    """
    leaving = not path.internal and GRACEFUL_SHUTDOWN in path.communities
    told = 0 if leaving else path.local_preference
    preference = told if changes.local_preference is None else changes.local_preference
    med = path.med if changes.med is None else changes.med
    if (preference, med) == (path.local_preference, path.med):
        return path
    return replace(path, local_preference=preference, med=med)
