"""What CHECK has to say about a pod's link. Pure."""

from collections.abc import Iterator

from bgpnet.drivers.podlink.attach import GATEWAYS
from bgpnet.drivers.podlink.inspect import ObservedEnd
from bgpnet.model.cni import PodLink, PreviousResult
from bgpnet.model.net import Address, family_of


def differences(
    link: PodLink,
    host: ObservedEnd | None,
    routed: frozenset[Address],
    pod: ObservedEnd | None,
    previous: PreviousResult,
) -> Iterator[str]:
    """What is not as it was made, or not as the runtime was told. `routed`: where the host's routes lead.

    Plug-ins behind us that change the MTU of the pod's end say nothing of it. One that changes its MAC
    address cuts the pod off: the host does not ask for it.
    """
    if host is None:
        yield f"the host has no interface {link.name}"
    else:
        yield from _host_side(link, host, routed)
    if pod is None:
        yield f"the pod has no interface {link.attachment.ifname}"
        return
    yield from _pod_side(link, pod)
    if host is not None:
        for address in link.addresses:
            yield from _known("the host", host, address, pod.mac)
            yield from _known("the pod", pod, GATEWAYS[family_of(address)], host.mac)
    yield from _told(link, pod, previous)


def _host_side(link: PodLink, host: ObservedEnd, routed: frozenset[Address]) -> Iterator[str]:
    if not host.up:
        yield f"{link.name} is down"
        return
    for address in link.addresses:
        if address not in routed:
            yield f"the host has no route to {address} on {link.name}"


def _pod_side(link: PodLink, pod: ObservedEnd) -> Iterator[str]:
    ifname = link.attachment.ifname
    if not pod.up:
        yield f"the pod's {ifname} is down"
    for address in link.addresses:
        if address not in pod.addresses:
            yield f"the pod's {ifname} has no address {address}"
        gateway = GATEWAYS[family_of(address)]
        if gateway not in pod.gateways:
            yield f"the pod has no default route by way of {gateway} on {ifname}"


def _known(who: str, end: ObservedEnd, address: Address, mac: str) -> Iterator[str]:
    """Whether an end knows the MAC address behind an address: nobody would answer if it asked."""
    known = end.neighbours.get(address)
    if known is None:
        yield f"{who} has no neighbour entry for {address}"
    elif known != mac:
        yield f"{who} takes {known} for the MAC address of {address}, which has {mac}"


def _told(link: PodLink, pod: ObservedEnd, previous: PreviousResult) -> Iterator[str]:
    ifname = link.attachment.ifname
    places = [
        place
        for place, interface in enumerate(previous.interfaces)
        if interface.name == ifname and interface.sandbox
    ]
    if not places:
        yield f"prevResult has no interface {ifname} in a sandbox"
        return
    [*_, place] = places
    mac = previous.interfaces[place].mac
    if mac and mac != pod.mac:
        yield f"the pod's {ifname} has the MAC address {pod.mac}, prevResult says {mac}"
    told = {address.address for address in previous.addresses if address.interface == place}
    for address in sorted(told.symmetric_difference(link.addresses), key=str):
        what = "which is not of this attachment" if address in told else "is missing in prevResult"
        yield f"address {address} of {ifname} {what}"
