"""Learned paths and own prefixes -> the agent's routes in table main."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bgpnet.model.bgp import LearnedPath
from bgpnet.model.declared import DeclaredConfiguration
from bgpnet.model.kernel import Kernel, KernelRoute, NextHop, RouteKind
from bgpnet.model.net import (
    AGENT_PROTOCOL,
    DEFAULT_ABOVE_METRIC,
    DEFAULT_BELOW_METRIC,
    POD_PROTOCOL,
    ROUTE_METRIC,
    Address,
    Family,
    Prefix,
    family_of,
    prefix_order,
)
from bgpnet.model.plan import Route, Session, Tally
from bgpnet.model.rejection import ObjectRef, Reason, Rejection
from bgpnet.planner.bestpath import best_paths
from bgpnet.planner.imports import Import
from bgpnet.planner.nexthopobjects import foreign_objects
from bgpnet.planner.refusals import Refusal, Refused, refused, tallies

PROTOCOLS = {
    2: "kernel",
    3: "boot",
    4: "static",
    9: "ra",
    11: "zebra",
    12: "bird",
    16: "dhcp",
    18: "keepalived",
    186: "bgp",
    188: "ospf",
}
"""Who makes routes besides us, by the number (linux/rtnetlink.h, RTPROT_…); `boot` is `ip route` by hand."""


@dataclass(frozen=True, slots=True)
class Fib:
    """Routes by prefix, and what was refused."""

    routes: tuple[Route, ...]
    imports: tuple[Tally, ...]
    rejections: tuple[Rejection, ...]
    inside: tuple[LearnedPath, ...] = ()
    """Paths to what is the node's own, announced by somebody else."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How learned routes are put."""

    default_metric: int = DEFAULT_BELOW_METRIC
    """Of a learned default route: of two the kernel takes the one with the lower metric, whosever it is."""
    sources: Mapping[Family, Address] = field(default_factory=dict)
    """Preferred source of each family; where there is none the kernel takes the link's address."""

    @classmethod
    def of(cls, configuration: DeclaredConfiguration | None, sources: Mapping[Family, Address]) -> "Manner":
        """As the configuration says."""
        above = configuration is not None and configuration.default_route_above
        return cls(DEFAULT_ABOVE_METRIC if above else DEFAULT_BELOW_METRIC, sources)

    def route(self, prefix: Prefix, hops: tuple[NextHop, ...]) -> Route:
        """The route for what was learned."""
        metric = ROUTE_METRIC if prefix.prefixlen else self.default_metric
        return Route(prefix, RouteKind.UNICAST, hops, self.sources.get(family_of(prefix)), metric)


def fib(
    own: tuple[Prefix, ...],
    paths: Iterable[LearnedPath],
    policy: Import,
    kernel: Kernel,
    manner: Manner,
    failed: tuple[Address, ...] = (),
) -> Fib:
    """A discard route for each own prefix, and an ECMP route for each prefix that was learned and taken.

    The discard route keeps a packet to an unused pod address from going back to the router that sent it;
    the pods' own routes are more specific. Next hops behind a link without carrier are left out, and
    paths of `failed` peers. Announcements of ours that a router sends back are counted, and nothing to mend.
    """
    taken: defaultdict[Prefix, list[LearnedPath]] = defaultdict(list)
    not_taken: list[Refused] = []
    told: list[Refused] = []
    inside: list[LearnedPath] = []
    ways: dict[tuple[Address, Address], tuple[NextHop, ...]] = {}
    for path in paths:
        session = policy.session(path)
        if session is None:
            continue
        outcome = policy.judged(path, session)
        if isinstance(outcome, Refusal):
            not_taken.append((path.peer, path.prefix, outcome))
            of_ours = outcome.reason is Reason.OWN_PREFIX
            returned = of_ours and _back_again(path, session)
            if of_ours and not returned:
                inside.append(path)
            if not returned or path.prefix not in own:
                told.append(not_taken[-1])
        else:
            taken[path.prefix].append(outcome)
            ways[path.peer, path.next_hop] = policy.next_hops(path, session)
    live = frozenset(link.name for link in kernel.links if link.up and link.carrier)
    wanted = [Route(prefix, RouteKind.BLACKHOLE) for prefix in own]
    for prefix, candidates in taken.items():
        usable = [
            path
            for path in candidates
            if _alive(ways[path.peer, path.next_hop], live) and path.peer not in failed
        ]
        hops = {
            hop: None
            for path in best_paths(usable)
            for hop in ways[path.peer, path.next_hop]
            if hop.link in live
        }
        if hops:
            wanted.append(manner.route(prefix, tuple(hops)))
    routes, foreign = _hands_off(wanted, kernel)
    return Fib(
        tuple(sorted(routes, key=lambda route: prefix_order(route.prefix))),
        tallies((path.peer for candidates in taken.values() for path in candidates), not_taken),
        refused("Path from", told) + foreign + foreign_objects(kernel.next_hops),
        tuple(inside),
    )


def _alive(hops: tuple[NextHop, ...], live: frozenset[str]) -> bool:
    return any(hop.link in live for hop in hops)


def _back_again(path: LearnedPath, session: Session) -> bool:
    """Whether it may be our own announcement: our AS is in the path, or the router's in its place.

    A router that overrides the AS of its nodes (as-override) sends a node's route back to it with its own AS
    both first and last.
    """
    way = path.as_path
    return session.local_asn in way or (len(way) > 1 and way[0] == way[-1])


def _hands_off(wanted: list[Route], kernel: Kernel) -> tuple[list[Route], tuple[Rejection, ...]]:
    """Leave out what would collide with a route that is not ours; say which foreign routes hide ours."""
    foreign: defaultdict[Prefix, list[KernelRoute]] = defaultdict(list)
    for found in kernel.routes:
        if found.protocol not in (AGENT_PROTOCOL, POD_PROTOCOL):
            foreign[found.prefix].append(found)
    connected = {at.prefix for link in kernel.links for at in link.addresses}
    routes: list[Route] = []
    rejections: list[Rejection] = []
    for route in wanted:
        others = foreign.get(route.prefix, [])
        equal = any(other.metric == route.metric for other in others) or route.prefix in connected
        if not equal:
            routes.append(route)
        hidden = any(other.metric <= route.metric for other in others)
        if equal or (hidden and route.metric != DEFAULT_BELOW_METRIC):
            rejections.append(_foreign(route, others, equal=equal))
    return routes, tuple(rejections)


def _foreign(route: Route, others: list[KernelRoute], *, equal: bool) -> Rejection:
    other = min(others, key=lambda found: (found.metric, found.protocol), default=None)
    found = "kernel, a connected subnet"
    if other is not None:
        found = f"{PROTOCOLS.get(other.protocol, other.protocol)}, metric {other.metric}"
    consequence = "ours is not installed" if equal else "it hides ours"
    return Rejection(
        ObjectRef("Route", str(route.prefix)),
        "protocol",
        found,
        Reason.FOREIGN_ROUTE,
        f"another program made a route to the same prefix; {consequence}; find who made it "
        f"(`ip -{route.prefix.version} route show {route.prefix}`) and remove it, or stop "
        "learning or owning the prefix here",
    )
