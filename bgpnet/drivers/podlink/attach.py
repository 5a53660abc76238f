"""Make a pod's link, or take it away."""

import contextlib
import errno
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from bgpnet.drivers.podlink import requests
from bgpnet.drivers.podlink.channel import Channel
from bgpnet.drivers.podlink.names import HOST_MAC, Alias, pod_mac
from bgpnet.drivers.podlink.packing import Message
from bgpnet.drivers.podlink.requests import End
from bgpnet.model.cni import PodLink
from bgpnet.model.errors import KernelError
from bgpnet.model.net import Address, Family, family_of

GATEWAYS: Final[dict[Family, Address]] = {
    Family.IPV4: IPv4Address("169.254.1.1"),
    Family.IPV6: IPv6Address("fe80::1"),
}
"""The next hop of a pod's default routes; nobody has these addresses, only neighbour entries know them."""

BEHIND: Final = 2048
"""Metric, with the interface's index added, of routes that stand back; IPv6 has 1024 where none is given."""

_ROUTE_TAKEN: Final = {errno.EEXIST, errno.ENETUNREACH}
"""The second of a default route whose gateway is behind another interface."""

IPV6_MTU: Final = 1280
"""The least MTU, in bytes, with which a link has IPv6 (RFC 8200 section 5)."""


@dataclass(frozen=True, slots=True)
class LinkPlan:
    """A pod's link as it is to be, with its two ends.

    `netns` is a descriptor, `mtu` in bytes. `ipv6`: the kernel has IPv6.
    """

    link: PodLink
    netns: int
    mtu: int
    ipv6: bool
    host: End
    pod: End


def plan_link(link: PodLink, netns: int, mtu: int, *, ipv6: bool, mac: bytes = b"") -> LinkPlan:
    """The plan of a link; `mac` is the pod's, where it is not ours to choose.

    The ends' indexes differ, so that nobody takes the pair for one device.
    """
    whose = link.attachment
    host = End(link.name, link.index, HOST_MAC)
    pod = End(whose.ifname, link.index + 1, mac or pod_mac(whose))
    return LinkPlan(link, netns, mtu, ipv6, host, pod)


def create(host: Channel, plan: LinkPlan) -> None:
    """Create the pair.

    A send of its own: the requests that follow name the link by its index, which would be a stranger's if
    this one failed.

    Raises:
        KernelError: EEXIST or EBUSY when a name or an index is taken, on one side or the other.
    """
    host.execute(requests.create_pair(plan.host, plan.pod, plan.netns, plan.mtu))


def connect(host: Channel, pod: Channel, plan: LinkPlan) -> None:
    """Give a pair that was just created its alias, addresses, neighbours and routes; a failure deletes it.

    Raises:
        KernelError: a step was refused; nothing is left of the pair.
    """
    try:
        host.execute(*_host_side(plan))
        _, refused = pod.attempt(*_pod_side(plan))
        if refused:
            _stand_back(pod, plan, refused)
        host.execute(requests.settle_carrier(plan.host))
    except BaseException:
        with contextlib.suppress(KernelError):
            delete(host, plan.link.name)
        raise


def mend(host: Channel, link: PodLink) -> None:
    """Put back the routes to a pod that are missing.

    Raises:
        KernelError: the kernel refused, which it does as long as the link is down.
    """
    end = End(link.name, link.index, HOST_MAC)
    _, refused = host.attempt(*(requests.add_pod_route(end, address) for address in link.addresses))
    for error in refused:
        if error.errno != errno.EEXIST:
            raise error


def delete(host: Channel, name: str) -> None:
    """Delete a link and all that hangs on it; one that is gone already is no error.

    Raises:
        KernelError: the kernel refused.
    """
    try:
        host.execute(requests.delete_link(name))
    except KernelError as error:
        if error.errno != errno.ENODEV:
            raise


def _host_side(plan: LinkPlan) -> list[Message]:
    end = plan.host
    alias = str(Alias(plan.link.attachment, plan.link.addresses))
    messages = [requests.set_alias(end, alias, quiet=_quiet(plan))]
    for address in plan.link.addresses:
        messages.append(requests.add_neighbour(end, address, plan.pod.mac))
        messages.append(requests.add_pod_route(end, address))
    return messages


def _pod_side(plan: LinkPlan) -> list[Message]:
    end = plan.pod
    # Quiet before up: with the carrier comes the link-local address.
    messages = [requests.make_quiet(end)] if _quiet(plan) else []
    messages.append(requests.bring_up(end))
    for address in plan.link.addresses:
        gateway = GATEWAYS[family_of(address)]
        messages.append(requests.add_address(end, address))
        if family_of(address) is Family.IPV6:
            messages.append(requests.add_local_route(end, address))
        messages.append(requests.add_neighbour(end, gateway, HOST_MAC))
        messages.append(requests.add_host_route(end, gateway))
        messages.append(requests.add_default_route(end, gateway))
    return messages


def _stand_back(pod: Channel, plan: LinkPlan, refused: list[KernelError]) -> None:
    """Put the default route behind that of an interface that the pod has, or has had until a moment ago.

    That one's default route counts while it is there (CNI specification, "Attachment": a container may be
    attached again by another interface name).

    Raises:
        KernelError: it is not routes that were refused, or these are, too.
    """
    for error in refused:
        if error.errno not in _ROUTE_TAKEN:
            raise error
    for address in plan.link.addresses:
        gateway = GATEWAYS[family_of(address)]
        pod.execute(requests.add_further_default_route(plan.pod, gateway, BEHIND + plan.pod.index))


def _quiet(plan: LinkPlan) -> bool:
    """Whether IPv6 would make addresses on the link: it does not exist below its least MTU."""
    return plan.ipv6 and plan.mtu >= IPV6_MTU
