"""The pods' attachments of a node: made, found, taken away. They are in the kernel; here is what we know."""

import errno
import logging
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from bgpnet.cni.graves import Graves
from bgpnet.cni.ipam import Ipam
from bgpnet.cni.mending import Mending
from bgpnet.cni.namespaces import not_served
from bgpnet.cni.recovery import Recovered, recover
from bgpnet.drivers.podjournal import PodJournal
from bgpnet.drivers.podlink import attach, detach, observe
from bgpnet.drivers.podlink.attach import LinkPlan
from bgpnet.drivers.podlink.channel import Channel
from bgpnet.drivers.podlink.names import link_name
from bgpnet.model.blocks import Blocks
from bgpnet.model.cni import Attachment, CniCode, NetworkConfig, PodLink, PodName
from bgpnet.model.errors import CniError, KernelError
from bgpnet.model.net import Address, Family, family_of
from bgpnet.model.podledger import PodRecord

_FIRST_INDEX: Final = 1 << 16  # far above the kernel's own, which it gives from 1
_LAST_INDEX: Final = 1 << 30
_INDEXES: Final = 2  # of a pair
_TAKEN: Final = {errno.EEXIST, errno.EBUSY}
_ATTEMPTS: Final = 16

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Order:
    """What an ADD asks for. `netns` is a descriptor of the pod's network namespace.

    `namespace` is the pod's in Kubernetes, '' where there is none.
    """

    whose: Attachment
    netns: int
    config: NetworkConfig
    namespace: str = ""


class Attachments:
    """Every attachment of the node, by network, container and interface."""

    def __init__(
        self, host: Channel, graves: Graves, journal: PodJournal, clock: Callable[[], float], *, ipv6: bool
    ) -> None:
        """Read back from the kernel what there is, and delete what cut-off ADDs and DELs left.

        Args:
            host: Channel to the host's network namespace.
            graves: Where links go that are cut off.
            journal: What the kernel does not keep.
            clock: Seconds, of a clock that goes on over restarts of this process and never goes back.
            ipv6: Whether the kernel has IPv6.

        Raises:
            KernelError: the kernel refused to tell.
        """
        self._host = host
        self._journal = journal
        self._clock = clock
        self._ipv6 = ipv6
        self.graves: Final = graves
        self.freed = 0
        """How many attachments have gone by now."""
        observed = observe.observe(host)
        found = recover(observed)
        _sweep(host, found)
        self._links = {link.attachment: link for link in found.links}
        self._by_index = {link.index: link for link in found.links}
        self._mending = Mending()
        self._look_for_lost(observed)
        self._blocks: Blocks | None = None
        self._ipam = Ipam(found.held, self._freed(found))
        # Beyond those that are swept, too: news that one is gone may come when its name is in use again.
        self._next_index = max([_FIRST_INDEX, *(link.index + _INDEXES for link in observed)])

    def add(self, order: Order, pod: Channel, blocks: Blocks) -> LinkPlan:
        """Attach a pod. `pod` is a channel to its network namespace, `blocks` are the node's.

        Raises:
            CniError: code 100, it is attached already; 101, no address is free; 11, none is free yet; 104, an
                address that was asked for is not to be had; 7, the MTU is too small; 106, no IPPool is for
                the pod's namespace.
            KernelError: the kernel refused; nothing is left.
        """
        whose, config = order.whose, order.config
        mtu = config.mtu or blocks.mtu
        self._demand_absent(whose)
        _demand_room(blocks, mtu)
        if blocks is not self._blocks:
            self._ipam.set_blocks(blocks.prefixes)
            self._blocks = blocks
        now = self._clock()
        serving = frozenset(blocks.serving(order.namespace)) if blocks.reserved else None
        if serving is not None and not serving:
            raise not_served(blocks, order.namespace)
        addresses = self._ipam.take(now, config.cooling, config.wanted, serving)
        try:
            plan = self._create(order, addresses, mtu)
            attach.connect(self._host, pod, plan)
        except BaseException:
            self._ipam.release(addresses, -math.inf)  # nobody ever heard of them: nothing to cool down
            raise
        self._links[whose] = self._by_index[plan.link.index] = plan.link
        return plan

    def record(self, link: PodLink, pod: PodName) -> None:
        """Write down which pod a link is for. Not before the pod has its network: nobody waits for a name."""
        self._journal.attached(PodRecord(link.attachment, link.addresses, pod, self._clock()))

    def refused(self, code: int) -> None:
        """Write down that an ADD got this error: the agent tells of it."""
        self._journal.refused(code, self._clock())

    def find(self, whose: Attachment) -> PodLink | None:
        """The link of an attachment."""
        return self._links.get(whose)

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
            self.graves.bury(link, self._clock())
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

    def vanished(self, name: str, index: int) -> None:
        """A link of the host is gone: when it was a pod's, its addresses are free."""
        link = self._by_index.get(index)
        if link is not None and link.name == name:
            log.info("link gone without a DEL container=%s link=%s", link.attachment.container, name)
            self._forget(link)

    def unrouted(self, routes: Iterable[tuple[int, Address]]) -> None:
        """Routes to these addresses by these links' indexes are gone; those to pods are put back."""
        for index, address in routes:
            link = self._by_index.get(index)
            if link is not None and address in link.addresses:
                self._mending.lost(index, self._clock())

    def mend_due(self) -> None:
        """Put back what is due of the routes that are gone."""
        now = self._clock()
        for index, times in self._mending.due(now):
            link = self._by_index[index]
            try:
                attach.mend(self._host, link)
            except KernelError as error:
                log.warning("routes of a pod not put back yet link=%s error=%r", link.name, str(error))
                self._mending.lost(index, now)
            else:
                whose = f"container={link.attachment.container} link={link.name}"
                log.warning("another program took a pod's routes: put back %s times=%d", whose, times)

    def due_in(self) -> float | None:
        """Seconds until there is something to mend or to delete, None when nothing waits."""
        now = self._clock()
        dues = [due for due in (self.graves.due_in(now), self._mending.due_in(now)) if due is not None]
        return min(dues, default=None)

    def compare(self) -> None:
        """Look for links that are gone, all of them, and for routes.

        Raises:
            KernelError: the kernel refused to tell.
        """
        observed = observe.observe(self._host)
        present = {(link.name, link.index) for link in observed}
        for link in tuple(self._links.values()):
            if (link.name, link.index) not in present:
                self.vanished(link.name, link.index)
        self._look_for_lost(observed)

    def _look_for_lost(self, observed: Iterable[observe.ObservedLink]) -> None:
        for one in observed:
            link = self._by_index.get(one.index)
            if link is not None and not set(link.addresses) <= set(one.routed):
                self._mending.lost(link.index, self._clock())

    def _freed(self, found: Recovered) -> dict[Address, float]:
        """When which address was freed, also those that were while nobody looked."""
        now = self._clock()
        ledger = self._journal.ledger
        gone = tuple(address for address in ledger.pods if address not in found.held)
        if gone:
            self._journal.freed(gone, now)
        # A time to come is of a clock before a reboot.
        return {
            address: at for address, at in ledger.freed.items() if at <= now and address not in found.held
        }

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

    def _create(self, order: Order, addresses: tuple[Address, ...], mtu: int) -> LinkPlan:
        """Create the veth pair, with the first name and the first indexes that are free."""
        whose = order.whose
        attempt, index = 0, self._next_index
        for _try in range(_ATTEMPTS):
            link = PodLink(whose, link_name(whose, attempt), index, addresses)
            plan = attach.plan_link(link, order.netns, mtu, ipv6=self._ipv6, mac=order.config.mac)
            try:
                attach.create(self._host, plan)
            except KernelError as error:
                # What is in the way may be a link that waits for its deletion, on either side.
                if error.errno not in _TAKEN:
                    raise
                if self.graves.delete_all():
                    continue
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

    def _forget(self, link: PodLink) -> None:
        now = self._clock()
        del self._links[link.attachment]
        if self._by_index.get(link.index) == link:
            del self._by_index[link.index]
            self._mending.forget(link.index)
        self._ipam.release(link.addresses, now)
        self.freed += 1
        self._journal.freed(link.addresses, now)


def _sweep(host: Channel, found: Recovered) -> None:
    for name in found.aborted:
        attach.delete(host, name)
        log.warning("link of a cut-off ADD deleted link=%s", name)
    for group in found.buried:
        detach.delete_group(host, group)
        log.info("links of cut-off DELs deleted group=%#x", group)
    for name in found.unknown:
        log.warning("link with an unknown alias left as it is link=%s", name)


def _demand_room(blocks: Blocks, mtu: int) -> None:
    if mtu < attach.IPV6_MTU and any(family_of(prefix) is Family.IPV6 for prefix in blocks.prefixes):
        raise CniError(
            CniCode.INVALID_CONFIG,
            f"mtu is {mtu}, and the node has IPv6 prefixes: IPv6 needs at least {attach.IPV6_MTU}",
        )
