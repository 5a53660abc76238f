"""Peers whose tables are still being read, and what of the kernel's routes may be theirs: that stays (law 2).

Until a table was read whole, an agent that has just started knows what it put into the kernel, and not for
whom. The next hop tells: a router's own address is that router's word, and a router on a connected subnet has
no next hop on another link. So one router's loss is acted on at once, whatever another has yet to tell.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from bgpnet.model.bgp import Speaker
from bgpnet.model.kernel import Kernel, KernelRoute, NextHop, RouteKind
from bgpnet.model.net import Address, prefix_order
from bgpnet.model.plan import Route, Session
from bgpnet.planner.diff import is_ours, key
from bgpnet.planner.nexthopobjects import hop_order


@dataclass(frozen=True, slots=True)
class Unread:
    """What is not known of the learned routes."""

    everything: bool
    """Nothing is known: every route may still be meant."""
    anywhere: bool
    """Whether one of the peers may have told next hops on any link."""
    links: frozenset[str]
    """Links of the other such peers."""
    read: frozenset[str]
    """Peers that have told everything, or have nothing to tell: addresses, a link-local one with its link."""

    @classmethod
    def of(
        cls,
        sessions: Iterable[Session],
        speaker: Speaker | None,
        failed: Collection[Address] = (),
        *,
        sure: bool = True,
    ) -> "Unread":
        """From what the speaker says.

        Args:
            sessions: those that there ought to be.
            speaker: what it told; None: nothing yet.
            failed: peers to which the path has failed: whatever they will tell, it is not used.
            sure: whether the sessions are known, and not those of an old state.
        """
        if speaker is None or not sure:
            return cls(everything=True, anywhere=True, links=frozenset(), read=frozenset(map(str, failed)))
        wanted = {session.peer: session for session in sessions}
        peers = set(speaker.unread).difference(failed)
        unread = [wanted.get(peer) for peer in peers]
        return cls(
            everything=False,
            anywhere=any(session is None or session.far for session in unread),
            links=frozenset(session.link for session in unread if session is not None),
            read=frozenset(map(str, wanted.keys() - peers)),
        )

    @property
    def something(self) -> bool:
        """Whether there is anything that may have to stay."""
        return self.anywhere or bool(self.links)

    def may_have_told(self, hop: NextHop) -> bool:
        """Whether a next hop may be one that a peer will tell again in a moment."""
        if str(hop.gateway) in self.read or f"{hop.gateway}%{hop.link}" in self.read:
            return False
        return self.anywhere or hop.link in self.links


def with_kept(routes: tuple[Route, ...], kernel: Kernel, unread: Unread) -> tuple[Route, ...]:
    """The routes as they are known, in order, and with them what of the kernel's has to stay meanwhile.

    A route keeps next hops when it would only lose some, or all. One behind a link without carrier is no use.
    """
    if not unread.something:
        return routes
    live = {link.name for link in kernel.links if link.up and link.carrier}
    left = {key(found): found for found in kernel.routes if is_ours(found)}
    together = []
    for route in routes:
        found = left.pop(key(route), None)
        hops = route.next_hops
        if found is not None and found.kind is route.kind and set(hops) < set(found.next_hops):
            hops = tuple(dict.fromkeys((*hops, *_kept(found, live, unread))))
        together.append(replace(route, next_hops=hops))
    for found in left.values():
        hops = _kept(found, live, unread)
        if hops or (unread.everything and found.kind is not RouteKind.UNICAST):
            together.append(Route(found.prefix, found.kind, hops, found.preferred_source, found.metric))
    return tuple(sorted(together, key=lambda route: (prefix_order(route.prefix), route.metric)))


def _kept(found: KernelRoute, live: Collection[str], unread: Unread) -> tuple[NextHop, ...]:
    may_be = (hop for hop in found.next_hops if hop.link in live and unread.may_have_told(hop))
    return tuple(sorted(set(may_be), key=hop_order))  # of a group with two members alike, one
