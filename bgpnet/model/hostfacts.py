"""What of a host matters to bgpnet before it is installed, as it was found."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Listener:
    """A program that listens on TCP port 179."""

    program: str
    pid: int
    """0: whose it is cannot be seen."""
    address: str


@dataclass(frozen=True, slots=True)
class ForwardChain:
    """A chain that drops forwarded packets that no rule accepts. `lets_pods`: one does for our links."""

    name: str
    lets_pods: bool


@dataclass(frozen=True, slots=True)
class Feature:
    """Something that the kernel has to have."""

    name: str
    there: bool
    needed_for: str
    option: str
    """Of the kernel's configuration."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A kernel setting in a file that is applied at boot, with a value that bgpnet would have to change."""

    path: str
    value: str
    file: str


@dataclass(frozen=True, slots=True)
class HostRoute:
    """A route of table main that could be taken for one of ours, or is in the place of one."""

    prefix: str
    protocol: int
    """linux/rtnetlink.h, RTPROT_…"""
    metric: int


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """A rule that has packets routed by another table than main."""

    priority: int
    table: int


@dataclass(frozen=True, slots=True)
class HostFacts:
    """All of it."""

    programs: frozenset[str]
    """Names of the running programs that matter, as the kernel has them (15 characters)."""
    listeners: tuple[Listener, ...]
    conflists: tuple[tuple[str, str], ...]
    """CNI configurations: file name and the first plug-in's type, in the runtime's order."""
    networkd_keeps: tuple[str, ...]
    """Which of ManageForeignRoutes, ManageForeignRoutingPolicyRules, ManageForeignNextHops are `no`."""
    nm_unmanaged: tuple[str, ...]
    """NetworkManager's `unmanaged-devices`."""
    firewalld_trusts: tuple[str, ...]
    """Interfaces and sources of firewalld's zone `trusted`."""
    forward: tuple[ForwardChain, ...]
    firewall_unseen: str
    """Why the firewall's rules cannot be read; empty when they can."""
    features: tuple[Feature, ...]
    settings: tuple[Setting, ...]
    sysctls_writable: bool
    nat_lacks: str = ""
    """What keeps the host from translating addresses; empty when nothing does."""
    routes: tuple[HostRoute, ...] = ()
    rules: tuple[PolicyRule, ...] = ()
