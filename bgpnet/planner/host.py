"""Settings of the host's kernel that routing needs, and what the pods' links take from the uplinks."""

from collections.abc import Collection, Iterable

from bgpnet.model.kernel import Link
from bgpnet.model.net import Family, Prefix, family_of
from bgpnet.model.plan import Session, Sysctl

DEFAULT_MTU = 1500
"""Bytes; used while no uplink is known."""


def sysctls(own: tuple[Prefix, ...], sessions: Iterable[Session]) -> tuple[Sysctl, ...]:
    """Forwarding for the families in use; for links that carry a peer what two routers at once need.

    rp_filter 2 (loose): a reply may leave by the other router than the request came from; the kernel takes
    the larger of `all` and the link's (ip-sysctl.rst). ignore_routes_with_linkdown: a next hop behind a dead
    link is passed over at once, before the agent has heard of it.
    """
    sessions = tuple(sessions)
    families = {family_of(prefix) for prefix in own} | {
        family for each in sessions for family in each.families
    }
    found = {each.path: each.value for each in global_sysctls(families)}
    for link in {session.link for session in sessions} - {""}:
        if Family.IPV4 in families:
            found[f"net/ipv4/conf/{link}/rp_filter"] = "2"
            found[f"net/ipv4/conf/{link}/ignore_routes_with_linkdown"] = "1"
        if Family.IPV6 in families:
            found[f"net/ipv6/conf/{link}/ignore_routes_with_linkdown"] = "1"
    return tuple(Sysctl(path, value) for path, value in sorted(found.items()))


def global_sysctls(families: Collection[Family]) -> tuple[Sysctl, ...]:
    """Forwarding, and ECMP that keeps the packets of a connection on one path (layer 4)."""
    found: dict[str, str] = {}
    if Family.IPV4 in families:
        found["net/ipv4/ip_forward"] = "1"
        found["net/ipv4/fib_multipath_hash_policy"] = "1"
    if Family.IPV6 in families:
        found["net/ipv6/conf/all/forwarding"] = "1"
        found["net/ipv6/fib_multipath_hash_policy"] = "1"
    return tuple(Sysctl(path, value) for path, value in sorted(found.items()))


def pod_mtu(configured: int | None, sessions: Iterable[Session], links: Iterable[Link]) -> int:
    """MTU of the pods' links, bytes: as configured, else the smallest of the uplinks'."""
    if configured is not None:
        return configured
    uplinks = {session.link for session in sessions}
    return min((link.mtu for link in links if link.name in uplinks), default=DEFAULT_MTU)
