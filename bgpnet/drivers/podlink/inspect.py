"""Look at one end of a pod's link as it is."""

import errno
import socket
from dataclasses import dataclass
from ipaddress import ip_address

from bgpnet.drivers.podlink import requests
from bgpnet.drivers.podlink.channel import Channel
from bgpnet.drivers.podlink.packing import attributes, read_number
from bgpnet.model.errors import KernelError
from bgpnet.model.net import Address


@dataclass(frozen=True, slots=True)
class ObservedEnd:
    """An end: `mac` with colons, its addresses, and the gateways of its default routes."""

    up: bool
    mac: str
    addresses: frozenset[Address]
    gateways: frozenset[Address]


def inspect(channel: Channel, name: str) -> ObservedEnd | None:
    """The end of this name in the channel's namespace, None when there is none.

    Raises:
        KernelError: the kernel refused to tell.
    """
    try:
        [reply] = channel.execute(requests.get_link(name=name))
    except KernelError as error:
        if error.errno == errno.ENODEV:
            return None
        raise
    _family, _type, index, flags, _change = requests.LINK.unpack_from(reply.body)
    fields = dict(attributes(reply.body, requests.LINK.size))
    addresses: set[Address] = set()
    gateways: set[Address] = set()
    for family in (socket.AF_INET, socket.AF_INET6):
        addresses |= _addresses(channel, family, index)
        gateways |= _gateways(channel, family, index)
    return ObservedEnd(
        up=bool(flags & requests.UP),
        mac=fields.get(requests.IFLA_ADDRESS, b"").hex(":"),
        addresses=frozenset(addresses),
        gateways=frozenset(gateways),
    )


def _addresses(channel: Channel, family: int, index: int) -> set[Address]:
    return {
        ip_address(dict(attributes(reply.body, requests.ADDRESS.size))[requests.IFA_ADDRESS])
        for reply in channel.dump(requests.dump_addresses(family, index))
    }


def _gateways(channel: Channel, family: int, index: int) -> set[Address]:
    found: set[Address] = set()
    for reply in channel.dump(requests.dump_pod_routes(family)):
        fields = dict(attributes(reply.body, requests.ROUTE.size))
        gateway = fields.get(requests.RTA_GATEWAY)
        if gateway and requests.RTA_DST not in fields and read_number(fields[requests.RTA_OIF]) == index:
            found.add(ip_address(gateway))
    return found
