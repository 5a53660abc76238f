"""Lets go of freed blocks once the routers have forgotten them. A duty of the Lease's holder."""

import logging
from collections.abc import Callable
from http import HTTPStatus

from bgpnet.drivers.kube.claims import BLOCKS, QUARANTINE, without_quarantine
from bgpnet.drivers.kube.client import MERGE, METADATA, Client, Json
from bgpnet.drivers.kube.judge import refusal, unread
from bgpnet.drivers.kube.patience import Patience
from bgpnet.drivers.kube.watch import Collection, Watch
from bgpnet.model.errors import ApiError
from bgpnet.model.rejection import Rejection

log = logging.getLogger(__name__)


class Quarantine:
    """One term of a holder. Time counts from when this agent saw a block freed: no clock is trusted."""

    def __init__(
        self,
        client: Client,
        patience: Patience,
        seconds: Callable[[], float | None],
        clock: Callable[[], float],
    ) -> None:
        """`seconds` gives the routers' restart time plus hold time; None while that is not known."""
        self._client = client
        self._seconds = seconds
        self._clock = clock
        self._freed: dict[str, float] = {}
        self._trouble: ApiError | None = None
        self.watch = Watch(
            client, Collection("IPBlock", "", BLOCKS, _freed, accept=METADATA), patience, lambda: None
        )

    async def run(self) -> None:
        """Follow the blocks until cancelled."""
        await self.watch.run()

    async def look(self) -> None:
        """Take the finalizer from blocks whose time is over."""
        now, seconds = self._clock(), self._seconds()
        self._trouble = None
        deleted = {
            name: block
            for name, block in self.watch.objects.items()
            if "deletionTimestamp" in block["metadata"]
        }
        self._freed = {name: self._freed.get(name, now) for name in deleted}
        for name, since in self._freed.items():
            if (
                seconds is None
                or now - since < seconds
                or QUARANTINE not in deleted[name]["metadata"].get("finalizers", ())
            ):
                continue
            try:
                await self._client.call(
                    "PATCH", f"{BLOCKS}/{name}", body=without_quarantine(deleted[name]), kind=MERGE
                )
            except ApiError as error:
                self._trouble = error
                log.info("block not let go block=%s error=%r", name, str(error))
            else:
                log.info("block let go block=%s", name)

    def refused(self) -> tuple[Rejection, ...]:
        """What the API server refuses of it just now."""
        trouble = self._trouble if self._trouble and self._trouble.status == HTTPStatus.FORBIDDEN else None
        told = (refusal("quarantine of IPBlocks", trouble),) if trouble else ()
        return told + unread(each for each in (self.watch,) if each.refused)


def _freed(item: Json) -> Json:
    kept = ("name", "deletionTimestamp", "finalizers", "resourceVersion")
    return {"metadata": {key: item["metadata"][key] for key in kept if key in item["metadata"]}}
