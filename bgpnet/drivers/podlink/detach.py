"""Take a pod's link away in two steps: cut off at once, deleted with others in a moment.

Deleting a link takes 0.1 ms under the kernel's one lock for links (RTNL), and then 10 to 40 ms until every
processor has left it (net/core/dev.c, netdev_run_todo), for which a group of links waits once. So a DEL takes
the routes away, which is what the rest of the node sees of the pod, and puts the link into a group of links;
one request deletes the group. The group's number is the tombstone: who finds one after a crash deletes it.
"""

import errno
from typing import Final

from bgpnet.drivers.podlink import requests
from bgpnet.drivers.podlink.channel import Channel
from bgpnet.model.cni import PodLink
from bgpnet.model.errors import KernelError

GROUP_SIZE: Final = 32
"""Links deleted at once: the kernel's lock is held meanwhile."""

_FIRST_GROUP: Final = 0x62677000  # "bgp": far from the numbers that people give
_GROUPS: Final = 256


def group_number(count: int) -> int:
    """The group of links after so many ones before it."""
    return _FIRST_GROUP + count % _GROUPS


def is_buried(group: int) -> bool:
    """Whether a link of this group waits for its deletion."""
    return _FIRST_GROUP <= group < _FIRST_GROUP + _GROUPS


def detach(host: Channel, link: PodLink, group: int) -> bool:
    """Cut a link off and put it into a group to be deleted; False when it has vanished already.

    In this order and in one send: a link that has lost its routes is marked in any case.

    Raises:
        KernelError: the kernel refused.
    """
    _found, refused = host.attempt(
        requests.bury(link.name, group),
        *(requests.delete_pod_route(link.index, address) for address in link.addresses),
    )
    # One thing that is gone does not mean that the others are: each refusal is looked at.
    present = True
    for error in refused:
        if error.errno == errno.ENODEV:
            present = False
        elif error.errno != errno.ESRCH:
            raise error
    return present


def delete_group(host: Channel, group: int) -> None:
    """Delete the links of a group, and return when the kernel has let go of them.

    An empty one is no error: their pods' namespaces may have gone first.

    Raises:
        KernelError: the kernel refused.
    """
    try:
        host.execute(requests.delete_group(group))
    except KernelError as error:
        if error.errno != errno.ENODEV:
            raise
