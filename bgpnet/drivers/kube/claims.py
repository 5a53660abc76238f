"""Claims blocks: creating an IPBlock is the lock, as its name is the block. There is no controller."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from http import HTTPStatus
from typing import Final

from bgpnet.drivers.kube.client import MERGE, METADATA, Client, Json
from bgpnet.drivers.kube.collections import OURS
from bgpnet.drivers.kube.patience import Patience
from bgpnet.model.blockname import block_name, named_block
from bgpnet.model.blockpick import free_block
from bgpnet.model.claims import Claim, Claimed, Wanted
from bgpnet.model.crd.meta import API_VERSION, GROUP
from bgpnet.model.errors import ApiError
from bgpnet.model.net import Prefix
from bgpnet.model.rejection import ObjectRef, Reason, Rejection

BLOCKS: Final = f"{OURS}/ipblocks"

QUARANTINE: Final = f"{GROUP}/quarantine"
"""The finalizer that keeps a freed block from being claimed before the routers forgot it (quarantine.py)."""

EMPTY: Final = 600.0
"""Seconds for which a block must have been empty and not needed."""

CLOSING: Final = 30.0
"""Seconds from the last chance of a new address to the end of the block."""

TRIES: Final = 8
"""Blocks that others were quicker to claim, until there is a pause."""

log = logging.getLogger(__name__)


class Claims:
    """Carries out what the planner wants. `clock` gives monotonic seconds."""

    def __init__(
        self, client: Client, patience: Patience, clock: Callable[[], float], changed: Callable[[], None]
    ) -> None:
        self.conflicts = 0
        """How often another node was quicker."""
        self._client = client
        self._patience = patience
        self._clock = clock
        self._changed = changed
        self._wanted: Wanted | None = None
        self._claimed = Claimed()
        self._due = asyncio.Event()
        self._empty_since: dict[Prefix, float] = {}
        self._pause = 0.0
        """Seconds for which the server asks to be left alone."""

    def want(self, wanted: Wanted | None) -> None:
        """What ought to be; None: not known, touch nothing."""
        if wanted != self._wanted:
            self._wanted = wanted
            self._due.set()

    def claimed(self) -> Claimed:
        """What became of it."""
        return self._claimed

    async def run(self) -> None:
        """Carry out what is wanted, until cancelled."""
        while True:
            self._due.clear()
            wanted = self._wanted
            failed = await self._carry_out(wanted) if wanted is not None else False
            if failed:
                await self._patience.wait(self._pause)
            else:
                self._patience.rest()
                await self._wait()

    async def _wait(self) -> None:
        """Until something new is wanted, or an empty block's time is over."""
        now = self._clock()
        due = [
            since + (EMPTY if prefix not in self._claimed.closing else EMPTY + CLOSING) - now
            for prefix, since in self._empty_since.items()
        ]
        try:
            async with asyncio.timeout(max(min(due), 0.0) + 0.1 if due else None):
                await self._due.wait()
        except TimeoutError:
            return

    async def _carry_out(self, wanted: Wanted) -> bool:
        """Whether something has to be tried again."""
        contested: list[tuple[Prefix, str]] = []
        full: list[str] = []
        refused: list[Rejection] = []
        failed, self._pause = False, 0.0
        for prefix in wanted.adopted:
            failed |= await self._tried(self._adopt(prefix, wanted), prefix, refused)
        for claim in wanted.claims:
            failed |= await self._tried(self._claim(claim, wanted, contested, full), claim.block, refused)
        closing = self._closing(wanted)
        for prefix in closing & self._over(wanted):
            failed |= await self._tried(self._release(prefix), prefix, refused)
        claimed = Claimed(
            tuple(sorted(contested, key=str)),
            tuple(sorted(closing, key=str)),
            self._returning(wanted, {block for block, _ in contested}),
            tuple(full),
            tuple(refused),
        )
        if claimed != self._claimed:
            self._claimed = claimed
            self._changed()
        return failed or bool(contested) or bool(full)

    async def _tried(self, work: Awaitable[bool], prefix: Prefix | None, refused: list[Rejection]) -> bool:
        try:
            return not await work
        except ApiError as error:
            self._pause = max(self._pause, error.retry_after)
            if error.status:
                name = block_name(prefix) if prefix else ""
                remedy = f"{error}; it is tried again"
                refused.append(
                    Rejection(ObjectRef("IPBlock", name), "", error.reason, Reason.API_REFUSED, remedy)
                )
            return True

    async def _adopt(self, prefix: Prefix, wanted: Wanted) -> bool:
        """Let the present Node object own a block of an earlier one."""
        body = {"metadata": {"ownerReferences": [_owner(wanted)]}}
        await self._client.call("PATCH", f"{BLOCKS}/{block_name(prefix)}", body=body, kind=MERGE)
        log.info("block adopted block=%s", prefix)
        return True

    async def _claim(
        self, claim: Claim, wanted: Wanted, contested: list[tuple[Prefix, str]], full: list[str]
    ) -> bool:
        if claim.block is not None:
            return await self._claim_exactly(claim.block, claim, wanted, contested)
        for _ in range(TRIES):
            block = free_block(
                claim.cidr, claim.length, await self._taken(), f"{wanted.node}\0{claim.pool}\0{claim.cidr}"
            )
            if block is None:
                full.append(claim.pool)
                return True
            if await self._create(block, claim, wanted) or await self._asked_before(block, wanted):
                return True
            self.conflicts += 1
        return False

    async def _asked_before(self, block: Prefix, wanted: Wanted) -> bool:
        """Whether a block that could not be claimed is ours: a life of this agent was killed as it asked."""
        try:
            found = await self._client.call("GET", f"{BLOCKS}/{block_name(block)}")
        except ApiError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return False
            raise
        return bool(found["spec"]["node"] == wanted.node) and "deletionTimestamp" not in found["metadata"]

    async def _claim_exactly(
        self, block: Prefix, claim: Claim, wanted: Wanted, contested: list[tuple[Prefix, str]]
    ) -> bool:
        """A block in which we have pods: also from the quarantine, when it was ours before."""
        for _ in range(2):
            if await self._create(block, claim, wanted):
                return True
            try:
                found = await self._client.call("GET", f"{BLOCKS}/{block_name(block)}")
            except ApiError as error:
                if error.status == HTTPStatus.NOT_FOUND:
                    continue
                raise
            if found["spec"]["node"] != wanted.node:
                contested.append((block, str(found["spec"]["node"])))
                return True
            if "deletionTimestamp" not in found["metadata"]:
                return True
            # From here on until it is there again the watch says that nobody has it.
            self._claimed = replace(self._claimed, returning=(*self._claimed.returning, block))
            await self._client.call(
                "PATCH", f"{BLOCKS}/{block_name(block)}", body=without_quarantine(found), kind=MERGE
            )
        return False

    async def _create(self, block: Prefix, claim: Claim, wanted: Wanted) -> bool:
        """Whether it is ours now; False when somebody has it."""
        body = {
            "apiVersion": API_VERSION,
            "kind": "IPBlock",
            "metadata": {
                "name": block_name(block),
                "finalizers": [QUARANTINE],
                "ownerReferences": [_owner(wanted)],
            },
            "spec": {"cidr": str(block), "node": wanted.node, "pool": claim.pool},
        }
        try:
            await self._client.call("POST", BLOCKS, body=body)
        except ApiError as error:
            if error.status == HTTPStatus.CONFLICT:
                return False
            raise
        log.info("block claimed block=%s pool=%s", block, claim.pool)
        return True

    async def _taken(self) -> list[Prefix]:
        """Every block that somebody has, or that is in quarantine: names alone, a page at a time."""
        found: list[Prefix] = []
        async with aclosing(self._client.pages(BLOCKS, accept=METADATA)) as pages:
            async for page in pages:
                blocks = (named_block(item["metadata"]["name"]) for item in page.get("items") or ())
                found += [block for block in blocks if block is not None]
        return found

    async def _release(self, prefix: Prefix) -> bool:
        try:
            await self._client.call("DELETE", f"{BLOCKS}/{block_name(prefix)}")
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
        log.info("block given back block=%s", prefix)
        return True

    def _returning(self, wanted: Wanted, contested: set[Prefix]) -> tuple[Prefix, ...]:
        """Those that the planner still asks for: it does so until it sees that we have them."""
        asked = {claim.block for claim in wanted.claims} - contested
        return tuple(sorted({each for each in self._claimed.returning if each in asked}, key=str))

    def _closing(self, wanted: Wanted) -> set[Prefix]:
        """Blocks that have been wanted to be released for long enough."""
        now = self._clock()
        self._empty_since = {prefix: self._empty_since.get(prefix, now) for prefix in wanted.released}
        return {prefix for prefix, since in self._empty_since.items() if now - since >= EMPTY}

    def _over(self, wanted: Wanted) -> set[Prefix]:
        now = self._clock()
        return {prefix for prefix in wanted.released if now - self._empty_since[prefix] >= EMPTY + CLOSING}


def without_quarantine(block: Json) -> Json:
    """A patch that takes our finalizer away, if nobody has changed the block meanwhile."""
    metadata = block["metadata"]
    kept = [each for each in metadata.get("finalizers") or () if each != QUARANTINE]
    return {"metadata": {"finalizers": kept, "resourceVersion": metadata["resourceVersion"]}}


def _owner(wanted: Wanted) -> Json:
    return {"apiVersion": "v1", "kind": "Node", "name": wanted.node, "uid": wanted.node_uid}
