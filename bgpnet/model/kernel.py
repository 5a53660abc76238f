"""What the kernel shows: links, routes, next hops, and routers that were heard."""

from dataclasses import dataclass
from enum import StrEnum

from bgpnet.model.net import Address, Prefix


@dataclass(frozen=True, slots=True)
class LinkAddress:
    """An address on a link."""

    address: Address
    prefix: Prefix
    passing: bool = False
    """Not one that the kernel itself would speak from: another of the same IPv4 subnet came first, as with an
    address that nodes hand each other, or it is a temporary or deprecated IPv6 one."""


@dataclass(frozen=True, slots=True)
class Link:
    """A network interface of the host's namespace."""

    index: int
    name: str
    up: bool
    """Administratively up (IFF_UP)."""
    carrier: bool
    """IFF_LOWER_UP: the other end is there."""
    mtu: int
    addresses: tuple[LinkAddress, ...] = ()


class RouteKind(StrEnum):
    """`rtm_type` as `ip route` spells it; every other type of the kernel is OTHER."""

    UNICAST = "unicast"
    BLACKHOLE = "blackhole"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class NextHop:
    """Where a packet goes next: a gateway on a link, or the link itself (`gateway` None)."""

    gateway: Address | None
    link: str


@dataclass(frozen=True, slots=True)
class KernelRoute:
    """A route of table main as the kernel dumps it; a multipath route is one with several next hops."""

    prefix: Prefix
    protocol: int
    metric: int
    kind: RouteKind
    next_hops: tuple[NextHop, ...]
    preferred_source: Address | None = None
    by: int | None = None
    """Id of the nexthop object or group that the route refers to; None: its next hops are its own."""


@dataclass(frozen=True, slots=True)
class NextHopObject:
    """A nexthop object of the kernel's (linux/nexthop.h): one next hop, or a group of such objects."""

    id: int
    protocol: int
    next_hop: NextHop | None = None
    """None for a group, and for what is no way to a gateway or link."""
    members: tuple[int, ...] = ()
    """Of a group: ids."""


@dataclass(frozen=True, slots=True)
class HeardRouter:
    """A router whose link-local address the kernel has heard: of its neighbours one that says it routes.

    Source: a router advertisement (RFC 4861 §6.3.4), or the R flag of a neighbour advertisement (§4.4).
    """

    link: str
    address: Address


@dataclass(frozen=True, slots=True)
class Kernel:
    """What the host's kernel shows: links, every route of table main, and all nexthop objects."""

    links: tuple[Link, ...]
    routes: tuple[KernelRoute, ...]
    routers: tuple[HeardRouter, ...] = ()
    next_hops: tuple[NextHopObject, ...] = ()
