"""The pods' attachments of a node: made, found, taken away. They are in the kernel; here is what we know."""

import errno
import logging
from typing import Final

from bgpnet.cni.ipam import Ipam
from bgpnet.cni.recovery import recover
from bgpnet.drivers.podlink import attach, observe
from bgpnet.drivers.podlink.attach import LinkPlan
from bgpnet.drivers.podlink.channel import Channel
from bgpnet.drivers.podlink.names import link_name
from bgpnet.model.cni import Attachment, CniCode, PodLink
from bgpnet.model.errors import CniError, KernelError
from bgpnet.model.net import Address, Family, family_of
from bgpnet.model.plan import Blocks

_FIRST_INDEX: Final = 1 << 16  # far above the kernel's own, which it gives from 1
_LAST_INDEX: Final = 1 << 30
_INDEXES: Final = 2  # of a pair
_TAKEN: Final = {errno.EEXIST, errno.EBUSY}
_ATTEMPTS: Final = 16

log = logging.getLogger(__name__)


class Attachments:
    """Every attachment of the node, by network, container and interface."""

    def __init__(self, host: Channel, *, ipv6: bool) -> None:
        """Read back from the kernel what there is, and delete what cut-off ADDs left.

        Args:
            host: Channel to the host's network namespace.
            ipv6: Whether the kernel has IPv6.

        Raises:
            KernelError: the kernel refused to tell.
        """
        self._host = host
        self._ipv6 = ipv6
        found = recover(observe.observe(host))
        for name in found.aborted:
            attach.delete(host, name)
            log.warning("link of a cut-off ADD deleted link=%s", name)
        for name in found.unknown:
            log.warning("link with an unknown alias left as it is link=%s", name)
        self._links = {link.attachment: link for link in found.links}
        self._ipam = Ipam(found.held)
        self._next_index = max((link.index + _INDEXES for link in found.links), default=_FIRST_INDEX)

    def add(self, whose: Attachment, pod: Channel, netns: int, blocks: Blocks, mtu: int) -> LinkPlan:
        """Attach a pod.

        Args:
            whose: The attachment.
            pod: Channel to the pod's network namespace.
            netns: Descriptor of the pod's network namespace.
            blocks: The node's blocks.
            mtu: Of the link, in bytes.

        Raises:
            CniError: code 100, it is attached already; 101, no address is free; 7, the MTU is too small.
            KernelError: the kernel refused; nothing is left.
        """
        self._demand_absent(whose)
        _demand_room(blocks, mtu)
        self._ipam.set_blocks(blocks.prefixes)
        addresses = self._take()
        try:
            plan = self._create(whose, addresses, netns, mtu)
            attach.connect(self._host, pod, plan)
        except BaseException:
            self._ipam.release(addresses)
            raise
        self._links[whose] = plan.link
        return plan

    def remove(self, whose: Attachment) -> None:
        """Detach a pod; one that is not attached is fine: a runtime may ask again and again.

        Raises:
            KernelError: the kernel refused.
        """
        link = self._links.get(whose)
        if link is not None:
            self.undo(link)

    def undo(self, link: PodLink) -> None:
        """Take one link away, unless its attachment has got another one since.

        Raises:
            KernelError: the kernel refused.
        """
        if self._links.get(link.attachment) == link:
            attach.delete(self._host, link.name)
            self._forget(link)

    def retain(self, network: str, valid: frozenset[tuple[str, str]]) -> None:
        """Detach every pod of a network that is not among the `valid` (container, interface) pairs.

        Raises:
            KernelError: the kernel refused.
        """
        for link in tuple(self._links.values()):
            whose = link.attachment
            if whose.network == network and (whose.container, whose.ifname) not in valid:
                self.undo(link)

    def _take(self) -> tuple[Address, ...]:
        try:
            return self._ipam.take()
        except CniError as error:
            # Links vanish with their pods' namespaces, without a DEL. Nobody looks until it matters.
            if error.code != CniCode.NO_FREE_ADDRESS or not self._forget_vanished():
                raise
            return self._ipam.take()

    def _demand_absent(self, whose: Attachment) -> None:
        link = self._links.get(whose)
        if link is None:
            return
        if observe.exists(self._host, name=link.name):
            addresses = ", ".join(str(address) for address in link.addresses)
            raise CniError(
                CniCode.ALREADY_ATTACHED,
                f"{whose} is attached already, with {addresses}: a DEL has to come before the next ADD",
            )
        self._forget(link)

    def _create(self, whose: Attachment, addresses: tuple[Address, ...], netns: int, mtu: int) -> LinkPlan:
        """Create the veth pair, with the first name and the first indexes that are free."""
        attempt, index = 0, self._next_index
        for _try in range(_ATTEMPTS):
            plan = LinkPlan(
                PodLink(whose, link_name(whose, attempt), index, addresses), netns, mtu, self._ipv6
            )
            try:
                attach.create(self._host, plan)
            except KernelError as error:
                if error.errno not in _TAKEN:
                    raise
                if observe.exists(self._host, name=plan.link.name):
                    attempt += 1
                elif error.errno == errno.EBUSY or observe.exists(self._host, index=index):
                    index += _INDEXES
                else:
                    raise CniError(
                        CniCode.ALREADY_ATTACHED,
                        f"the pod's namespace has an interface {whose.ifname} already",
                    ) from error
            else:
                self._next_index = index + _INDEXES if index < _LAST_INDEX else _FIRST_INDEX
                return plan
        raise CniError(
            CniCode.KERNEL_REFUSED, f"{whose}: {_ATTEMPTS} link names and indexes in a row are taken"
        )

    def _forget_vanished(self) -> bool:
        present = {link.name for link in observe.observe(self._host)}
        vanished = [link for link in self._links.values() if link.name not in present]
        for link in vanished:
            self._forget(link)
        return bool(vanished)

    def _forget(self, link: PodLink) -> None:
        del self._links[link.attachment]
        self._ipam.release(link.addresses)


def _demand_room(blocks: Blocks, mtu: int) -> None:
    if mtu < attach.IPV6_MTU and any(family_of(prefix) is Family.IPV6 for prefix in blocks.prefixes):
        raise CniError(
            CniCode.INVALID_CONFIG,
            f"mtu is {mtu}, and the node has IPv6 prefixes: IPv6 needs at least {attach.IPV6_MTU}",
        )
