"""Look at one end of a pod's link as it is."""

import errno
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from bgpnet.drivers.podlink import requests
from bgpnet.drivers.podlink.channel import Channel
from bgpnet.drivers.podlink.packing import attributes, read_number
from bgpnet.model.errors import KernelError
from bgpnet.model.net import Address


@dataclass(frozen=True, slots=True)
class ObservedEnd:
    """An end: its addresses, the gateways of its default routes, and its neighbours' MAC addresses.

    MAC addresses have colons.
    """

    up: bool
    mac: str
    addresses: frozenset[Address]
    gateways: frozenset[Address]
    neighbours: Mapping[Address, str]


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
    neighbours: dict[Address, str] = {}
    for family in (socket.AF_INET, socket.AF_INET6):
        addresses |= _addresses(channel, family, index)
        gateways |= _gateways(channel, family, index)
        neighbours |= _neighbours(channel, family, index)
    return ObservedEnd(
        up=bool(flags & requests.UP),
        mac=fields.get(requests.IFLA_ADDRESS, b"").hex(":"),
        addresses=frozenset(addresses),
        gateways=frozenset(gateways),
        neighbours=neighbours,
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


def _neighbours(channel: Channel, family: int, index: int) -> dict[Address, str]:
    found: dict[Address, str] = {}
    for reply in channel.dump(requests.dump_neighbours(family, index)):
        fields = dict(attributes(reply.body, requests.NEIGHBOUR.size))
        # An older kernel tells of all links. An entry without a MAC address is a question that is open.
        at = requests.NEIGHBOUR.unpack_from(reply.body)[1]
        if at == index and requests.NDA_DST in fields and requests.NDA_LLADDR in fields:
            found[ip_address(fields[requests.NDA_DST])] = fields[requests.NDA_LLADDR].hex(":")
    return found
