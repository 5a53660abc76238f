"""The router's half of the sessions with its nodes: typed, and the same for every system.

A template turns it into the text of one system and decides nothing; `render/routers` says what a system
cannot express. Everything is in canonical order, so that equal facts give equal text.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Final

from bgpnet.model.bfd import BfdTimers
from bgpnet.model.community import Community
from bgpnet.model.declared import AcceptRule
from bgpnet.model.net import Address, Family, Prefix, family_of
from bgpnet.model.rejection import ObjectRef
from bgpnet.model.router import DefaultWhen, RestartRole, System
from bgpnet.model.secret import Secret

MAX_PATHS: Final = 32
"""Equal-cost paths: to one service address through many nodes."""

WARN_PERCENT: Final = 80
"""Of the limit of prefixes, at which a router warns."""

LARGE: Final = 3
"""Numbers of a large community."""

RESTART_MINUTES: Final = 5
"""After which a session that broke the limit may come back."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Prefixes that the router takes from nodes, and the object because of which."""

    rule: AcceptRule
    cause: ObjectRef


@dataclass(frozen=True, slots=True)
class DefaultRoute:
    """The default route is sent to nodes."""

    prefix: Prefix
    when: DefaultWhen
    tracked: tuple[Prefix, ...] = ()
    """With TRACKED: of this family, at least one."""


@dataclass(frozen=True, slots=True)
class FamilyPolicy:
    """What goes both ways over a session in one family; nothing else does."""

    family: Family
    accepts: tuple[Accepted, ...]
    """From nodes, with the node's AS alone in the path. Empty: nothing."""
    sends: tuple[AcceptRule, ...]
    """To nodes, beside the default route, where the router has it in its table."""
    default: DefaultRoute | None
    max_prefixes: int
    """Received in one session at most."""


@dataclass(frozen=True, slots=True)
class NodeNeighbor:
    """A node as a neighbour of its own."""

    cause: ObjectRef
    address: Address


@dataclass(frozen=True, slots=True)
class NodeGroup:
    """Nodes that one BGPPeer joins to the router: the same in everything but their addresses."""

    cause: ObjectRef
    label: str
    """Begins every name that the router has because of it: `[A-Z0-9_]`, at most 20 characters."""
    local_address: Address | None
    """None: sessions are between link-local addresses, over `interfaces`."""
    node_asn: int
    range: Prefix | None
    """The dynamic range; None: `neighbors` are named."""
    limit: int
    """Sessions from the range, at most. Grows by doubling, so that one node more seldom changes it."""
    neighbors: tuple[NodeNeighbor, ...]
    interfaces: tuple[str, ...]
    """The router's links to nodes, each a neighbour; in place of range and neighbours."""
    expected: tuple[NodeNeighbor, ...]
    """All nodes that speak from a known address, for the verification; with a range as well."""
    unplaced: int
    """Selected nodes of which no address in the node subnet is known."""
    hold_time: int
    """Seconds; 0: sessions never time out."""
    ttl_security: bool
    """GTSM, RFC 5082."""
    authenticated: bool
    """TCP MD5, RFC 2385."""
    password: Secret | None
    """Set when secrets are to be revealed."""
    bfd: BfdTimers | None
    prepends: int
    """Times at most that their AS may stand in a path besides the first: export filters prepend it."""
    as_override: bool
    """Nodes are sent routes of other nodes with their own AS, which stands in the path."""
    families: tuple[FamilyPolicy, ...]

    @property
    def keepalive(self) -> int:
        """Seconds (RFC 4271 §10: a third of the hold time)."""
        return self.hold_time // 3

    @property
    def max_prefixes(self) -> int:
        """Of all families together, for systems that count so."""
        return sum(family.max_prefixes for family in self.families)

    @property
    def family_names(self) -> tuple[Family, ...]:
        """What its sessions carry."""
        return tuple(family.family for family in self.families)

    @property
    def extended_next_hop(self) -> bool:
        """Whether IPv4 routes go over IPv6 sessions and may have IPv6 next hops (RFC 8950)."""
        return Family.IPV4 in self.family_names and (
            self.local_address is None or family_of(self.local_address) is Family.IPV6
        )

    @property
    def default_always(self) -> bool:
        """Whether a default route is originated come what may."""
        return any(
            family.default is not None and family.default.when is DefaultWhen.ALWAYS
            for family in self.families
        )

    @property
    def placeholder(self) -> str:
        """Stands for the password in the text."""
        return f"${{BGP_SECRET_{self.label}}}"


@dataclass(frozen=True, slots=True)
class RouterConfig:
    """One router."""

    name: str
    system: System
    version: str
    asn: int
    router_id: IPv4Address | None
    """None: it keeps the one that it has, as another would end all its sessions."""
    groups: tuple[NodeGroup, ...]
    aggregates: tuple[Prefix, ...]
    restart_role: RestartRole
    stale_time: int
    """Seconds for which routes of a restarting node are kept."""
    communities: tuple[Community, ...]
    """That nodes may send; all others but `graceful-shutdown` are taken off."""
    max_paths: int = MAX_PATHS
    warn_percent: int = WARN_PERCENT
    restart_minutes: int = RESTART_MINUTES

    @property
    def families(self) -> tuple[Family, ...]:
        """Of any session."""
        return tuple(sorted({family.family for group in self.groups for family in group.families}))

    @property
    def listen_limit(self) -> int:
        """Sessions from all ranges; 0 without any range."""
        return sum(group.limit for group in self.groups if group.range)

    @property
    def mixed_asns(self) -> bool:
        """Whether nodes have two AS numbers: multipath to one prefix then has to look past the path."""
        return len({group.node_asn for group in self.groups}) > 1

    @property
    def large_communities(self) -> tuple[Community, ...]:
        """Of `communities`, those of RFC 8092."""
        return tuple(each for each in self.communities if len(each) == LARGE)

    @property
    def as_override(self) -> bool:
        """Of any group."""
        return any(group.as_override for group in self.groups)

    @property
    def bfd(self) -> bool:
        """Whether any group asks for it."""
        return any(group.bfd for group in self.groups)
