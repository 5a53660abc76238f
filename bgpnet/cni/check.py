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

    Plug-ins behind us may have changed the MAC address of the pod's end, and then say so in the result; those
    that change its MTU say nothing.
    """
    ifname = link.attachment.ifname
    if host is None:
        yield f"the host has no interface {link.name}"
    elif not host.up:
        yield f"{link.name} is down"
    else:
        for address in link.addresses:
            if address not in routed:
                yield f"the host has no route to {address} on {link.name}"
    if pod is None:
        yield f"the pod has no interface {ifname}"
        return
    if not pod.up:
        yield f"the pod's {ifname} is down"
    for address in link.addresses:
        if address not in pod.addresses:
            yield f"the pod's {ifname} has no address {address}"
        if GATEWAYS[family_of(address)] not in pod.gateways:
            yield f"the pod has no default route by way of {GATEWAYS[family_of(address)]} on {ifname}"
    yield from _told(link, pod, previous)


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
