"""Read back from the kernel which pods' links there are."""

import errno
import socket
from dataclasses import dataclass
from ipaddress import ip_address

from bgpnet.drivers.podlink import requests
from bgpnet.drivers.podlink.channel import Channel
from bgpnet.drivers.podlink.names import is_link_name
from bgpnet.drivers.podlink.packing import attributes, read_number, read_text
from bgpnet.model.errors import KernelError
from bgpnet.model.net import POD_PROTOCOL, Address


@dataclass(frozen=True, slots=True)
class ObservedLink:
    """A veth link with a name of ours: its alias ('' when it has none) and the addresses routed to it.

    `group` is its group of links: those that wait for their deletion have one (detach.py).
    """

    name: str
    index: int
    alias: str
    routed: tuple[Address, ...]
    group: int = 0


def observe(host: Channel) -> list[ObservedLink]:
    """Every link of ours in the host's namespace.

    Raises:
        KernelError: the kernel refused to tell.
    """
    # Routes first: a link that appears in between has an alias, and that says what it has.
    routed: dict[int, list[Address]] = {}
    for family in (socket.AF_INET, socket.AF_INET6):
        for index, address in _routes(host, family):
            routed.setdefault(index, []).append(address)
    found = []
    for reply in host.dump(requests.dump_pairs()):
        fields = dict(attributes(reply.body, requests.LINK.size))
        name = read_text(fields.get(requests.IFLA_IFNAME, b""))
        if is_link_name(name):
            index = requests.LINK.unpack_from(reply.body)[2]
            alias = read_text(fields.get(requests.IFLA_ALIAS, b""))
            group = read_number(fields.get(requests.IFLA_GROUP, bytes(4)))
            found.append(ObservedLink(name, index, alias, tuple(routed.get(index, ())), group))
    return found


def exists(host: Channel, *, index: int = 0, name: str = "") -> bool:
    """Whether the host's namespace has a link of this index, or of this name.

    Raises:
        KernelError: the kernel refused to tell.
    """
    try:
        host.execute(requests.get_link(index, name))
    except KernelError as error:
        if error.errno == errno.ENODEV:
            return False
        raise
    return True


def _routes(host: Channel, family: int) -> list[tuple[int, Address]]:
    found = []
    for reply in host.dump(requests.dump_pod_routes(family)):
        header = requests.ROUTE.unpack_from(reply.body)
        fields = dict(attributes(reply.body, requests.ROUTE.size))
        if header[5] == POD_PROTOCOL and requests.RTA_DST in fields and requests.RTA_OIF in fields:
            index = read_number(fields[requests.RTA_OIF])
            found.append((index, ip_address(fields[requests.RTA_DST])))
    return found
