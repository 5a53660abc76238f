"""The loop of the files source: sees what changed, lets `judge` decide, tells that something is new."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Final

from bgpnet.drivers.files import folder as disk
from bgpnet.drivers.files.contents import (
    FileState,
    GoodObject,
    Password,
    PasswordFile,
    PasswordPlace,
    SecretKey,
    Unreadable,
)
from bgpnet.drivers.files.hint import Hint
from bgpnet.drivers.files.judge import judge, merge, password_places, secret_values
from bgpnet.drivers.files.lastgood import LastGood
from bgpnet.drivers.files.look import UNREAD, Look, Signature, Signatures, changed, lacks, settled
from bgpnet.drivers.files.passwords import password
from bgpnet.model.declared import Declared
from bgpnet.model.rejection import ObjectRef, Reason, Rejection

SETTLE: Final = 0.02
"""Seconds that a file must stay the same before it is read: half-written and half-renamed files pass by."""

GONE: Final = 0.25
"""Seconds that a file must stay away before it is taken for removed: some programs remove and write again."""

SHARE: Final = 0.002
"""Of a core that looking may cost: the more files, the rarer the look."""

HURRY: Final = 0.1
"""Of a core that looking may cost while the kernel hints at one edit after another."""

SLOWEST: Final = 0.8
"""Seconds between two looks, however many files there are: an edit acts within a second."""

_NOT_THERE: Final = Unreadable("it is not there")

log = logging.getLogger(__name__)


class FilesSource:
    """Objects from the manifests (*.yaml, *.yml) of one folder.

    Polls, because a poll sees every way in which files change (rename, swap of a link to a folder, a mount
    that goes and comes back) and costs little. An edit acts after at most `poll` + SETTLE seconds, with
    hundreds of files SLOWEST + SETTLE; where the kernel hints at it, after SETTLE. A removal takes GONE.

    Args:
        folder: where the manifests are.
        last_good: file that keeps the last good state over a restart.
        changed: called in the event loop when `declared` has something new to tell.
        poll: seconds from one look to the next.
    """

    def __init__(self, folder: Path, last_good: Path, changed: Callable[[], None], poll: float = 0.2) -> None:
        self._folder = folder
        self._changed = changed
        self._poll = poll
        self._last_good = LastGood(last_good, folder)
        self._taken = Look(Unreadable("it was not looked at yet"))
        self._files: dict[str, FileState] = {}
        self._passwords: dict[PasswordPlace, Password] = {}
        self._declared: Declared | None = None
        self._unread: tuple[Rejection, ...] = ()

    def declared(self) -> Declared | None:
        """What is declared; None before the first full read (of the folder, or of the last good state)."""
        return self._declared

    def unread(self) -> tuple[Rejection, ...]:
        """Why nothing is declared; empty when something is, or before the first look."""
        return self._unread

    async def run(self) -> None:
        """Watch until cancelled."""
        self._files = self._last_good.load()
        with closing(Hint(self._folder)) as hint:
            await self._watch(hint)

    async def _watch(self, hint: Hint) -> None:
        while True:
            hint.follow()
            started = time.thread_time()
            found = self._look()
            cost = time.thread_time() - started
            if found != self._taken:
                await asyncio.sleep(GONE if lacks(self._taken, found) else SETTLE)
                now = settled(self._taken, found, self._look(), hint.writing())
                if now != self._taken:
                    await self._take(now)
            await asyncio.sleep(cost / HURRY)
            await hint.wait(max(self._poll, min(cost / SHARE, SLOWEST)))

    def _look(self) -> Look:
        folder = disk.signature(str(self._folder))
        names = (place.name for place in self._passwords if isinstance(place, PasswordFile))
        return Look(disk.manifests(self._folder), disk.signatures(self._folder, names), folder)

    async def _take(self, now: Look) -> None:
        """Read what changed, decide, tell."""
        good = _objects(self._files)
        unread = {}
        if not isinstance(now.manifests, Unreadable):
            unread = await self._read_manifests(now.manifests)
            now = replace(now, manifests={**now.manifests, **unread})
        self._taken = replace(now, passwords=self._read_passwords(now.passwords))
        self._publish()
        if _objects(self._files) != good:
            self._last_good.save(self._files)

    async def _read_manifests(self, now: Signatures) -> dict[str, Signature]:
        """Judge the changed files, forget those that are gone; marks for those that could not be read."""
        unread = {}
        # A clock that was put back must not make what is new the oldest.
        latest = max((good.since for state in self._files.values() for good in state.objects), default=0.0)
        moment = max(time.time(), latest)
        for name in changed(self._taken.manifests, now):
            content = disk.content(self._folder / name)
            if isinstance(content, Unreadable):
                unread[name] = UNREAD
            self._files[name] = judge(name, content, self._files.get(name, FileState()).objects, moment)
            await asyncio.sleep(0)  # a thousand files must not keep the rest of the agent waiting
        for name in self._files.keys() - now.keys():
            del self._files[name]
        return unread

    def _read_passwords(self, seen: Signatures) -> Signatures:
        """Read the passwords that are new or changed, forget those that no peer names."""
        places = password_places(self._files)
        names = {place.name for place in places if isinstance(place, PasswordFile)}
        now = disk.signatures(self._folder, names - seen.keys()) | {
            name: seen[name] for name in names & seen.keys()
        }
        for name in changed(self._taken.passwords, now):
            content = disk.content(self._folder / name)
            if isinstance(content, Unreadable):
                now[name] = UNREAD
            place = PasswordFile(name)
            self._passwords[place] = password(content, self._passwords.get(place))
        secrets = secret_values(self._files)
        for key in (place for place in places if isinstance(place, SecretKey)):
            self._passwords[key] = password(secrets.get(key, _NOT_THERE), self._passwords.get(key))
        for gone in self._passwords.keys() - places:
            del self._passwords[gone]
        return now

    def _publish(self) -> None:
        gone: tuple[Rejection, ...] = ()
        if isinstance(self._taken.manifests, Unreadable):
            gone = (self._folder_gone(self._taken.manifests.why),)
            if self._declared is None and not self._files:
                self._tell_unread(gone)
                return
        self._unread = ()
        declared = merge(self._files, self._passwords, gone)
        if declared == self._declared:
            return
        self._declared = declared
        count = sum(len(state.objects) for state in self._files.values())
        log.info(
            "manifests read files=%d objects=%d rejected=%d",
            len(self._files),
            count,
            len(declared.rejections),
        )
        self._changed()

    def _tell_unread(self, unread: tuple[Rejection, ...]) -> None:
        if unread != self._unread:
            self._unread = unread
            self._changed()

    def _folder_gone(self, why: str) -> Rejection:
        known = "the last good state stays in force" if self._files else "nothing is touched until it is read"
        remedy = f"the folder of manifests cannot be read; {known}; make it readable, or mend --source"
        return Rejection(ObjectRef("", "", str(self._folder)), "", why, Reason.SOURCE_GONE, remedy)


def _objects(files: Mapping[str, FileState]) -> dict[str, tuple[GoodObject, ...]]:
    return {name: state.objects for name, state in files.items()}
