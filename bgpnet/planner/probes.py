"""What the return-path probe sends: from which address of the node's blocks, and to whom."""

from collections.abc import Iterable
from ipaddress import IPv6Address

from bgpnet.model.bgp import LearnedPath, SessionState, Speaker
from bgpnet.model.net import Address, Family, Prefix, address_order, covers, family_of, prefix_order
from bgpnet.model.plan import Announcement, Session
from bgpnet.model.podrange import node_address
from bgpnet.model.probe import Probe, ProbeTarget, RouteReady


def probes(
    own: tuple[Prefix, ...],
    sessions: tuple[Session, ...],
    told: tuple[Announcement, ...],
    speaker: Speaker | None,
    wanted: RouteReady,
) -> tuple[Probe, ...]:
    """A probe for each family that the node has prefixes of; none where they are not wanted.

    The source is the node's own address in the first block that has one and is announced, also as part of
    an aggregate. Whoever is asked
    is asked only once a session has everything: before, no answer could come.
    """
    if not wanted.probe:
        return ()
    made = []
    for family in sorted({family_of(prefix) for prefix in own}):
        announced = sorted(
            {each.prefix for each in told if family_of(each.prefix) is family}, key=prefix_order
        )
        spare = (node_address(prefix) for prefix in own if any(covers(each, prefix) for each in announced))
        source = next((address for address in spare if address is not None), None)
        complete = tuple(_complete(family, sessions, told, speaker))
        made.append(Probe(family, source, _targets(family, complete, speaker, wanted)))
    return tuple(made)


def _complete(
    family: Family, sessions: Iterable[Session], told: tuple[Announcement, ...], speaker: Speaker | None
) -> Iterable[Session]:
    """The sessions of the family that are up, with every prefix announced."""
    observed = {each.peer: each for each in speaker.sessions} if speaker else {}
    for session in sessions:
        found = observed.get(session.peer)
        if family not in session.families or found is None or found.state is not SessionState.ESTABLISHED:
            continue
        wanted = {each.prefix for each in told if each.peer == session.peer}
        if wanted and wanted <= set(found.announced):
            yield session


def _targets(
    family: Family, complete: tuple[Session, ...], speaker: Speaker | None, wanted: RouteReady
) -> tuple[ProbeTarget, ...]:
    if not complete:
        return ()
    asked = [address for address in wanted.targets if family_of(address) is family]
    if asked:
        return tuple(ProbeTarget(address) for address in sorted(asked, key=address_order))
    hops = _next_hops(family, speaker.paths if speaker else ())
    found: dict[ProbeTarget, None] = {}
    for session in complete:
        address = session.peer if family_of(session.peer) is family else hops.get(session.peer)
        if address is not None:
            bare = IPv6Address(int(address)) if isinstance(address, IPv6Address) else address
            found[ProbeTarget(bare, session.link)] = None
    return tuple(sorted(found, key=lambda target: (address_order(target.address), target.link)))


def _next_hops(family: Family, paths: Iterable[LearnedPath]) -> dict[Address, Address]:
    """An address of the family of each router that has announced one as a next hop: the smallest."""
    hops: dict[Address, Address] = {}
    for path in paths:
        if family_of(path.next_hop) is family:
            hops[path.peer] = min(path.next_hop, hops.get(path.peer, path.next_hop), key=address_order)
    return hops
