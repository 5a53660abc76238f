"""The steps from what is to what ought to be. `planner.diff` orders them; drivers carry them out."""

from dataclasses import dataclass

from bgpnet.model.blocks import Blocks
from bgpnet.model.kernel import Kernel, NextHop
from bgpnet.model.nat import Translation
from bgpnet.model.net import ROUTE_METRIC, Prefix
from bgpnet.model.plan import Route, Sysctl


@dataclass(frozen=True, slots=True)
class Observed:
    """What the drivers found: the kernel's links and routes, sysctls by path, the blocks last handed over.

    `nat`: what our table of nftables does; None: that is not known.
    """

    kernel: Kernel
    sysctls: tuple[Sysctl, ...]
    blocks: Blocks | None
    nat: tuple[Translation, ...] | None = ()


@dataclass(frozen=True, slots=True)
class SetSysctl:
    """Write one kernel setting, recording the value found."""

    sysctl: Sysctl


@dataclass(frozen=True, slots=True)
class AddNextHop:
    """Make a nexthop object. Its id is free: another's object of this id is never touched."""

    id: int
    next_hop: NextHop


@dataclass(frozen=True, slots=True)
class PutGroup:
    """Make a group of nexthop objects, or give ours of this id other members.

    Every route that refers to the group follows at once: one message, however many routes.
    """

    id: int
    members: tuple[int, ...]
    replaces: bool


@dataclass(frozen=True, slots=True)
class PutRoute:
    """Add a route, or replace ours of the same prefix and metric in one message.

    `replaces` tells whether the dump showed one of ours: only then may the kernel's replace be used,
    because it replaces an IPv4 route of equal prefix and metric whatever its protocol.
    """

    route: Route
    replaces: bool
    by: int | None = None
    """Id of the group of the route's next hops; None for a route without any."""


@dataclass(frozen=True, slots=True)
class DeleteRoute:
    """Delete our route to this prefix with this metric."""

    prefix: Prefix
    metric: int = ROUTE_METRIC


@dataclass(frozen=True, slots=True)
class DeleteNextHop:
    """Delete our nexthop object or group. No route refers to it: the kernel would delete that, too."""

    id: int


@dataclass(frozen=True, slots=True)
class WriteBlocks:
    """Hand the CNI server its blocks."""

    blocks: Blocks


@dataclass(frozen=True, slots=True)
class WriteNat:
    """Have our table of nftables do this, in one transaction; delete it where there is nothing to do."""

    translations: tuple[Translation, ...]


KernelChange = AddNextHop | PutGroup | PutRoute | DeleteRoute | DeleteNextHop

Change = SetSysctl | WriteBlocks | WriteNat | KernelChange
