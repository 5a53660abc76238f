"""The speaker's supervisor: keeps ExaBGP running with the last accepted configuration.

Process 1 of the speaker's container. It knows nothing of BGP. It starts ExaBGP, starts it again when it dies,
ends it when it freezes, and changes its configuration when the agent asks for it over a socket. ExaBGP dies
with it, whatever kills it: its peers only ever see a speaker that restarts gracefully (RFC 4724).
"""

import fcntl
import logging
import random
import select
import selectors
import signal
import socket
import time
from pathlib import PurePosixPath
from typing import Any, Final

from bgpnet.drivers import process
from bgpnet.drivers.unixsocket import listening
from bgpnet.model.rundir import RunDir
from bgpnet.render.generation import advertised_in
from bgpnet.render.relayline import with_relay
from bgpnet.speaker import exabgp
from bgpnet.speaker.advertiser import Advertiser
from bgpnet.speaker.changes import Changes
from bgpnet.speaker.control import Connection, Control
from bgpnet.speaker.inquiry import Inquiry
from bgpnet.speaker.life import end_orphan, relay_pid
from bgpnet.speaker.store import Store
from bgpnet.speaker.watchdog import Verdict, Watchdog

_log = logging.getLogger(__name__)

_FAREWELL: Final = 3.0
"""Seconds that ExaBGP has to end after SIGTERM when the supervisor ends."""

_LATE: Final = 1.0
"""Seconds by which the loop may be late before it stops holding a missing answer against ExaBGP."""


def run(run_dir: RunDir) -> int:
    """Supervise until SIGTERM or SIGINT. Exit code 0, or 1 when another supervisor has this run directory."""
    store = Store(run_dir)
    with store.lock() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _log.error("another bgpnet speaker has this run directory path=%s", store.directory)
            return 1
        with (
            process.signals() as wakeup,
            listening(run_dir.speaker_socket) as listener,
            selectors.DefaultSelector() as selector,
        ):
            end_orphan(run_dir.relay_socket)
            _own_relay(store, run_dir.relay_socket)
            supervisor = Supervisor(store, run_dir.relay_socket, selector)
            Control(listener, selector, supervisor.requested)
            supervisor.serve(wakeup)
    return 0


def _own_relay(store: Store, socket_path: PurePosixPath) -> None:
    """What another version of bgpnet left in force starts the relay of that one, which may be gone."""
    text = store.text()
    if text is None:
        return
    try:
        own = with_relay(text, exabgp.relay_argv(socket_path))
        if own != text:
            store.restore(own)
    except (OSError, ValueError) as error:
        _log.warning("starting with the relay of an earlier version error=%r", str(error))


class Supervisor:
    """One ExaBGP, its watchdog, and the changes of its configuration."""

    def __init__(self, store: Store, relay: PurePosixPath, selector: selectors.BaseSelector) -> None:
        self._store = store
        self._relay = relay
        self._selector = selector
        self._exabgp = process.Keeper(exabgp.server(PurePosixPath(store.accepted)))
        self._watchdog = Watchdog()
        self._inquiry = Inquiry(relay, selector, lambda: self._watchdog.answered(time.monotonic()))
        self._advertiser = Advertiser(selector, time.monotonic, random.random)
        self._changes = Changes(store, self._exabgp, self._inquiry, selector, self._advertise)
        self._since = 0.0
        self._last_end = ""
        self._stopping = False

    def serve(self, wakeup: socket.socket) -> None:
        """Work until a signal asks for the end."""
        self._selector.register(wakeup, selectors.EVENT_READ)
        self._advertise()
        due = time.monotonic()
        while True:
            for key, events in self._selector.select(max(0.0, due - time.monotonic())):
                if key.data is not None:
                    key.data(events)
                elif process.received(wakeup) & {signal.SIGTERM, signal.SIGINT}:
                    self._end(wakeup)
                    return
            now = time.monotonic()
            if now - due > _LATE:
                self._watchdog.late(now)
            self._bury(now)
            due = min(self._changes.advance(now), self._keep(now), self._advertiser.advance(now))

    def requested(self, connection: Connection, request: dict[str, Any]) -> None:
        """A request has come. `status` is answered at once, also while a change is on its way."""
        match request:
            case {"request": "status"}:
                connection.answer(
                    {
                        "ok": True,
                        "exabgp": self._exabgp.pid,
                        "relay": relay_pid(self._relay, self._exabgp.pid),
                        "restarts": self._exabgp.restarts,
                        "since": self._since,
                        "generation": self._store.generation(),
                        "error": self._changes.error or self._last_end,
                        "relay_argv": list(exabgp.relay_argv(self._relay)),
                        "advertising": self._advertiser.error,
                    }
                )
            case {"request": "configure", "text": str(text)}:
                self._changes.request(connection, text)
            case _:
                connection.answer(
                    {"ok": False, "error": "unknown request: use status, or configure with text"}
                )

    def _advertise(self) -> None:
        """On the links that the configuration in force names."""
        self._advertiser.want(advertised_in(self._store.text() or ""))

    def _bury(self, now: float) -> None:
        """Take note of the children that have ended."""
        for pid, code in process.reap():
            self._changes.ended(pid, code, now)
            if pid == self._exabgp.pid:
                self._exabgp.end(now)
                self._inquiry.forget()
                self._last_end = f"ExaBGP ended with {process.cause(code)}"
                level = logging.INFO if self._stopping else logging.WARNING
                _log.log(level, "exabgp ended pid=%d cause=%r", pid, process.cause(code))

    def _keep(self, now: float) -> float:
        """Keep ExaBGP running, once there is a configuration; the moment of the next thing to do."""
        if self._exabgp.pid is not None:
            return self._watch(now)
        if self._exabgp.due is None or not self._store.accepted.exists():
            return now + 60.0
        if now < self._exabgp.due:
            return self._exabgp.due
        pid = process.spawn(self._exabgp.child)
        self._exabgp.start(pid, now)
        self._watchdog.born(now)
        self._since = time.time()
        _log.info("exabgp started pid=%d restarts=%d", pid, self._exabgp.restarts)
        return self._watchdog.due()

    def _watch(self, now: float) -> float:
        match self._watchdog.judge(now):
            case Verdict.ASK:
                self._watchdog.asked(now)
                if not (self._changes.asking or self._inquiry.waiting):
                    self._inquiry.ask("version")
            case Verdict.TERMINATE:
                _log.error("ending exabgp because it does not answer pid=%d", self._exabgp.pid)
                process.tell(self._exabgp.pid, signal.SIGTERM)
            case Verdict.KILL:
                process.tell(self._exabgp.pid, signal.SIGKILL)
            case Verdict.WAIT:
                pass
        return self._watchdog.due()

    def _end(self, wakeup: socket.socket) -> None:
        """End ExaBGP as a crash would: TCP ends without a NOTIFICATION, nothing is withdrawn."""
        _log.info("ending exabgp, its peers keep our routes for the restart time pid=%s", self._exabgp.pid)
        self._stopping = True
        process.tell(self._exabgp.pid, signal.SIGTERM)
        limit = time.monotonic() + _FAREWELL
        while self._exabgp.pid is not None:
            now = time.monotonic()
            if now >= limit:
                process.tell(self._exabgp.pid, signal.SIGKILL)
            select.select([wakeup], [], [], max(0.1, limit - now))
            process.received(wakeup)
            self._bury(time.monotonic())
