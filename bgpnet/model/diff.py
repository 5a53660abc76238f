"""The steps from what is to what ought to be. `planner.diff` makes and orders them; drivers carry them out."""

from dataclasses import dataclass

from bgpnet.model.net import Prefix
from bgpnet.model.plan import Blocks, Route, Sysctl


@dataclass(frozen=True, slots=True)
class SetSysctl:
    """Write one kernel setting, recording the value found."""

    sysctl: Sysctl


@dataclass(frozen=True, slots=True)
class PutRoute:
    """Add a route, or replace ours of the same prefix in one message.

    `replaces` tells whether the dump showed one of ours: only then may the kernel's replace be used,
    because it replaces an IPv4 route of equal prefix and metric whatever its protocol.
    """

    route: Route
    replaces: bool


@dataclass(frozen=True, slots=True)
class DeleteRoute:
    """Delete our route to this prefix."""

    prefix: Prefix


@dataclass(frozen=True, slots=True)
class WriteBlocks:
    """Hand the CNI server its blocks."""

    blocks: Blocks


Change = SetSysctl | WriteBlocks | PutRoute | DeleteRoute
