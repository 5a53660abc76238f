"""Links that are cut off and wait to be deleted, a group at a time."""

import logging
from typing import Final

from bgpnet.drivers.podlink import detach
from bgpnet.drivers.podlink.channel import Channel
from bgpnet.model.cni import PodLink
from bgpnet.model.errors import KernelError

PATIENCE: Final = 0.2
"""Seconds that a link waits for others to be deleted together with."""

_RETRY: Final = 1.0  # seconds after a refusal

log = logging.getLogger(__name__)


class Graves:
    """Cuts links off at once, and deletes them in groups when their time has come.

    Times are in seconds of a clock that never goes back.
    """

    def __init__(self, host: Channel) -> None:
        self._host = host
        self._count = 0
        self._waiting: list[tuple[int, int, float]] = []  # groups: number, links, when to delete it

    def bury(self, link: PodLink, now: float) -> None:
        """Cut a link off; one that has vanished is fine.

        Raises:
            KernelError: the kernel refused.
        """
        if not self._waiting or self._waiting[-1][1] == detach.GROUP_SIZE:
            self._count += 1
            self._waiting.append((detach.group_number(self._count), 0, now + PATIENCE))
        group, links, due = self._waiting[-1]
        if detach.detach(self._host, link, group):
            # A full group waits no longer.
            self._waiting[-1] = (group, links + 1, now if links + 1 == detach.GROUP_SIZE else due)
        elif not links:
            self._waiting.pop()

    def due_in(self, now: float) -> float | None:
        """Seconds until `delete_due` has something to do, None when nothing waits."""
        return max(0.0, self._waiting[0][2] - now) if self._waiting else None

    def delete_due(self, now: float) -> None:
        """Delete the one group that has waited longest, if its time has come: others want the kernel too."""
        if self._waiting and self._waiting[0][2] <= now:
            group, links, _due = self._waiting.pop(0)
            try:
                detach.delete_group(self._host, group)
            except KernelError as error:
                log.warning("links not deleted yet group=%#x error=%r", group, str(error))
                self._waiting.append((group, links, now + _RETRY))

    def delete_all(self) -> bool:
        """Delete everything that waits, now; False when nothing did.

        Raises:
            KernelError: the kernel refused.
        """
        if not self._waiting:
            return False
        while self._waiting:
            detach.delete_group(self._host, self._waiting[0][0])
            self._waiting.pop(0)
        return True
