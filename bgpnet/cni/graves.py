"""Links that are cut off and wait to be deleted, a group at a time."""

import errno
import logging
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Event
from typing import Final

from bgpnet.drivers.podlink import detach
from bgpnet.drivers.podlink.channel import Channel
from bgpnet.model.cni import PodLink
from bgpnet.model.errors import KernelError

PATIENCE: Final = 0.2
"""Seconds that a link waits for others to be deleted together with."""

_GROUPS: Final = 16  # in the thread's hands; a group takes 10 to 40 ms, and a link is to be gone within 1 s
_SLOWEST: Final = 1.0  # seconds that one group may take while others wait
_RETRY: Final = 1.0  # seconds after a refusal

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Group:
    number: int
    due: float
    links: int = 0


class Graves:
    """Cuts links off at once, and deletes them in groups when their time has come.

    In a thread: the request returns when every processor has left the links, long after the kernel's lock for
    links is free again, and an ADD would wait that long for this process alone (docs/decisions.md).

    Times are in seconds of a clock that never goes back.
    """

    def __init__(self, host: Channel, threads_own: Channel) -> None:
        """Both channels are to the host's network namespace."""
        self._host = host
        self._threads_own = threads_own
        self._thread = ThreadPoolExecutor(1, "graves")
        self._ended = Event()
        self._count = 0
        self._open: _Group | None = None
        self._deleting: deque[Future[None]] = deque()

    def bury(self, link: PodLink, now: float) -> None:
        """Cut a link off; one that has vanished is fine.

        Waits when links come faster than the kernel lets go of them.

        Raises:
            KernelError: the kernel refused.
        """
        group = self._open or self._new_group(now)
        if detach.detach(self._host, link, group.number):
            group.links += 1
            if group.links == detach.GROUP_SIZE:
                self._hand_over(group)

    def due_in(self, now: float) -> float | None:
        """Seconds until `delete_due` has something to do, None when nothing waits."""
        return max(0.0, self._open.due - now) if self._open else None

    def delete_due(self, now: float) -> None:
        """Have the links deleted that have waited long enough."""
        if self._open and self._open.due <= now:
            self._hand_over(self._open)

    def delete_all(self) -> bool:
        """Delete everything that waits and return when it is gone.

        False when nothing has been in the way since the last time, also not for a moment.
        """
        if self._open:
            self._hand_over(self._open)
        groups = len(self._deleting)
        wait(self._deleting, _SLOWEST * groups)
        self._forget_deleted()
        return groups > 0

    def finish(self) -> None:
        """Delete everything that waits, and end. What is refused now is the next start's."""
        if self._open:
            self._hand_over(self._open)
        self._ended.set()
        self._thread.shutdown()

    def _new_group(self, now: float) -> _Group:
        self._forget_deleted()
        if len(self._deleting) >= _GROUPS and not wait([self._deleting[0]], _SLOWEST).done:
            raise KernelError(
                f"{_GROUPS} groups of links wait to be deleted: the kernel is slow", errno.EBUSY
            )
        self._count += 1
        self._open = _Group(detach.group_number(self._count), now + PATIENCE)
        return self._open

    def _forget_deleted(self) -> None:
        while self._deleting and self._deleting[0].done():
            self._deleting.popleft().result()  # a fault in the thread is one here

    def _hand_over(self, group: _Group) -> None:
        self._open = None
        self._deleting.append(self._thread.submit(self._delete, group.number))

    def _delete(self, group: int) -> None:
        """The thread's work: no other one would fare better meanwhile, so they wait for a retry, too."""
        while True:
            try:
                detach.delete_group(self._threads_own, group)
            except KernelError as error:
                log.warning("links not deleted yet group=%#x error=%r", group, str(error))
            else:
                return
            if self._ended.wait(_RETRY):
                return
