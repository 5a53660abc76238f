"""What BGPPeers say of the router at their other end, for the generator of router configurations."""

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address

from bgpnet.model.net import Address, Prefix


class System(StrEnum):
    """What a router runs, as `spec.router.type` spells it."""

    FRR = "frr"
    BIRD = "bird"
    OPENBGPD = "openbgpd"
    GOBGP = "gobgp"
    EOS = "eos"
    NVUE = "nvue"
    NXOS = "nxos"
    JUNOS = "junos"


class Neighbors(StrEnum):
    """How nodes become neighbours of the router: one dynamic range, or a neighbour each."""

    RANGE = "range"
    EACH = "each"


class DefaultWhen(StrEnum):
    """When a router sends the default route to nodes that ask for it.

    LEARNED: while it is in the router's own BGP table. TRACKED: while one of the tracked prefixes is there.
    ALWAYS: also by a router that has lost its uplinks, which then drops what it attracts.
    """

    LEARNED = "learned"
    TRACKED = "tracked"
    ALWAYS = "always"


class RestartRole(StrEnum):
    """Graceful restart (RFC 4724). HELPER keeps the nodes' routes; FULL also asks nodes to keep its own."""

    HELPER = "helper"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Gateway:
    """An address of the router that nodes have as default gateway, and the subnet that they speak from."""

    address: Address
    node_subnet: Prefix


@dataclass(frozen=True, slots=True)
class DeclaredRouter:
    """`spec.router` of a BGPPeer. None: not said."""

    name: str
    system: System
    version: str = ""
    router_id: IPv4Address | None = None
    node_subnet: Prefix | None = None
    """Where nodes speak from: the dynamic range, and how their addresses are told from others of theirs."""
    interfaces: tuple[str, ...] = ()
    """In place of the subnet: the router's links to nodes, one node on each, without addresses."""
    gateways: tuple[Gateway, ...] = ()
    """In place of the subnet where nodes find the router by their default gateways; one of a family."""
    neighbors: Neighbors | None = None
    default_when: DefaultWhen = DefaultWhen.LEARNED
    tracked: tuple[Prefix, ...] = ()
    aggregates: tuple[Prefix, ...] = ()
    """Prefixes that the router originates, each with a discard route behind it."""
    restart_role: RestartRole = RestartRole.HELPER
