"""Where packets to a next hop go: the link it is on, or the way that the kernel's other routes take."""

from collections import defaultdict

from bgpnet.model.kernel import Kernel, KernelRoute, NextHop, RouteKind
from bgpnet.model.net import AGENT_PROTOCOL, POD_PROTOCOL, Address
from bgpnet.model.plan import Session


def is_foreign(route: KernelRoute) -> bool:
    """Whether another program, or a person, made the route."""
    return route.protocol not in (AGENT_PROTOCOL, POD_PROTOCOL)


class Resolver:
    """Resolves next hops over one state of the kernel (RFC 4271 §5.1.3, §9.1.2.1).

    Routes of ours never count: a learned route would stand on itself. A default route does, as a host rarely
    has another.
    """

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._subnets = {link.name: tuple(at.prefix for at in link.addresses) for link in kernel.links}
        self._known: dict[tuple[str, bool, Address], tuple[NextHop, ...]] = {}
        self._table: list[tuple[int, int, dict[int, KernelRoute]]] | None = None

    def of_session(self, session: Session, next_hop: Address) -> tuple[NextHop, ...]:
        """Next hops for the kernel that lead to one that a session's peer told; empty when nothing does.

        An external peer's is on the session's link. Those of an internal one, and of one that is some hops
        away, may be anywhere.
        """
        key = (session.link, session.far, next_hop)
        if key not in self._known:
            near = self._subnets.get(session.link, ())
            if any(next_hop in subnet for subnet in near):
                self._known[key] = (NextHop(next_hop, session.link),)
            else:
                self._known[key] = self.route_to(next_hop) if session.far else ()
        return self._known[key]

    def route_to(self, address: Address) -> tuple[NextHop, ...]:
        """Next hops of the longest foreign route to an address; one on a connected subnet is its own."""
        if address.is_link_local:
            return ()
        on_links = [name for name, near in sorted(self._subnets.items()) if any(address in at for at in near)]
        if on_links:
            return (NextHop(address, on_links[0]),)
        route = self.longest(address)
        if route is None:
            return ()
        return tuple(NextHop(hop.gateway or address, hop.link) for hop in route.next_hops)

    def longest(self, address: Address) -> KernelRoute | None:
        """The foreign route that the kernel takes to an address."""
        if self._table is None:
            self._table = _by_length(self._kernel)
        for version, length, routes in self._table:
            if version == address.version:
                found = routes.get(int(address) >> (address.max_prefixlen - length))
                if found is not None:
                    return found
        return None


def _by_length(kernel: Kernel) -> list[tuple[int, int, dict[int, KernelRoute]]]:
    """The foreign routes by version and length, longest first; of equal ones that of the lowest metric."""
    tables: defaultdict[tuple[int, int], dict[int, KernelRoute]] = defaultdict(dict)
    usable = (
        route
        for route in kernel.routes
        if is_foreign(route) and route.kind is RouteKind.UNICAST and route.next_hops
    )
    for route in sorted(usable, key=lambda route: (route.metric, route.protocol)):
        prefix = route.prefix
        bits = int(prefix.network_address) >> (prefix.max_prefixlen - prefix.prefixlen)
        tables[prefix.version, prefix.prefixlen].setdefault(bits, route)
    return [
        (version, length, tables[version, length])
        for version, length in sorted(tables, key=lambda key: -key[1])
    ]
