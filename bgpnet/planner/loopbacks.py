"""The node's own loopback addresses: announced over every uplink, they outlive any single one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Final

from bgpnet.model.declared import DeclaredConfiguration
from bgpnet.model.kernel import Link
from bgpnet.model.net import Address, Family, Prefix, address_order, family_of
from bgpnet.model.rejection import Reason, Rejection

LOOPBACK: Final = "lo"
"""The kernel's name of the loopback link (drivers/net/loopback.c)."""


@dataclass(frozen=True, slots=True)
class Loopbacks:
    """Addresses of lo that were asked for, and what was asked for in vain."""

    addresses: tuple[Address, ...] = ()
    rejections: tuple[Rejection, ...] = ()

    @property
    def prefixes(self) -> tuple[Prefix, ...]:
        """Each as a prefix of full length."""
        return tuple(ip_network(address) for address in self.addresses)

    @property
    def sources(self) -> Mapping[Family, Address]:
        """The preferred source of each family: the first address of it."""
        return {family_of(address): address for address in reversed(self.addresses)}


def loopbacks(configuration: DeclaredConfiguration | None, links: Iterable[Link]) -> Loopbacks:
    """The addresses that lo has in the ranges of the configuration, in order."""
    if configuration is None or not configuration.loopbacks:
        return Loopbacks()
    there = {at.address for link in links if link.name == LOOPBACK for at in link.addresses}
    found: set[Address] = set()
    rejections = []
    for wanted in configuration.loopbacks:
        inside = {address for address in there if address in wanted}
        found |= inside
        if not inside:
            remedy = (
                f"link {LOOPBACK} of this node has no address in this range, so none is announced; add one "
                f"(`ip address add … dev {LOOPBACK}`), or take the range out"
            )
            rejections.append(
                Rejection(configuration.ref, "spec.loopbackCIDRs", str(wanted), Reason.NO_LOOPBACK, remedy)
            )
    return Loopbacks(tuple(sorted(found, key=address_order)), tuple(rejections))
