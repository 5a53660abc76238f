"""What the server does unasked.

Links that are gone are heard of, routes to pods that others took away are put back, and links that are cut
off are deleted.
"""

import logging
from collections.abc import Callable

from bgpnet.cni.attachments import Attachments
from bgpnet.drivers.podlink.vanished import Vanished
from bgpnet.model.errors import KernelError

log = logging.getLogger(__name__)


class Housekeeping:
    """To be registered with a selector: `heed` when it is readable, `work` when it is due."""

    def __init__(self, attachments: Attachments, vanished: Vanished, clock: Callable[[], float]) -> None:
        self._attachments = attachments
        self._vanished = vanished
        self._clock = clock

    def fileno(self) -> int:
        """For a selector."""
        return self._vanished.fileno()

    def heed(self) -> None:
        """Forget the links that are gone; take note of the routes."""
        try:
            gone = self._vanished.read()
            if gone is None:
                log.warning("more links or routes gone than could be heard of; all are looked at")
                self._attachments.compare()
                return
        except (KernelError, OSError) as error:
            log.warning("links and routes that are gone not heard of error=%r", str(error))
            return
        for name, index in gone.links:
            self._attachments.vanished(name, index)
        self._attachments.unrouted(gone.routes)

    def due_in(self) -> float | None:
        """Seconds until `work` has something to do, None when nothing waits."""
        return self._attachments.due_in()

    def work(self) -> None:
        """Put back and have deleted what is due."""
        self._attachments.mend_due()
        self._attachments.graves.delete_due(self._clock())
