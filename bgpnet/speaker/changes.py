"""Changes of ExaBGP's configuration: one after the other, each validated, put in force, confirmed."""

import logging
import selectors
import signal
from collections import deque
from collections.abc import Callable
from typing import Final

from bgpnet.drivers import process
from bgpnet.render.generation import generation_of
from bgpnet.speaker.confirmation import Confirmation, Step
from bgpnet.speaker.control import Answer, Connection
from bgpnet.speaker.inquiry import Inquiry
from bgpnet.speaker.store import Store
from bgpnet.speaker.validation import LIMIT, Validation

_log = logging.getLogger(__name__)

_WAITING: Final = 8
"""Requests that may wait; there is one agent, and it waits for each answer."""


class Changes:
    """The requested texts on their way into force. `in_force` is called when the store has another one."""

    def __init__(
        self,
        store: Store,
        exabgp: process.Keeper,
        inquiry: Inquiry,
        selector: selectors.BaseSelector,
        in_force: Callable[[], None],
    ) -> None:
        self.error = ""
        self._in_force = in_force
        self._store = store
        self._exabgp = exabgp
        self._inquiry = inquiry
        self._selector = selector
        self._requests: deque[tuple[Connection, str]] = deque()
        self._validation: Validation | None = None
        self._confirmation: Confirmation | None = None
        self._before: str | None = None

    @property
    def asking(self) -> bool:
        """Whether ExaBGP is being asked what it runs with, several times a second."""
        return self._confirmation is not None

    def request(self, connection: Connection, text: str) -> None:
        """Put a text in force; the connection gets the answer when that is done, or refused."""
        if not generation_of(text):
            connection.answer({"ok": False, "error": "the text has no generation: bgpnet did not make it"})
        elif len(self._requests) >= _WAITING:
            connection.answer(
                {"ok": False, "error": f"{_WAITING} changes are waiting already: ask again later"}
            )
        else:
            self._requests.append((connection, text))

    def advance(self, now: float) -> float:
        """Do what is due; the moment of the next thing."""
        while self._validation is None and self._confirmation is None and self._requests:
            self._begin(self._requests[0][1], now)
        if self._validation is not None:
            if now - self._validation.started >= LIMIT:
                process.tell(self._validation.pid, signal.SIGKILL)
            return self._validation.started + 2 * LIMIT
        if self._confirmation is not None:
            return self._confirm(self._confirmation, now)
        return now + 60.0

    def ended(self, pid: int, code: int, now: float) -> None:
        """A child of the supervisor has ended: perhaps the validation."""
        if self._validation is None or pid != self._validation.pid:
            return
        validation, self._validation = self._validation, None
        validation.read()
        self._selector.unregister(validation.descriptor)
        validation.close()
        if code != 0:
            self._store.discard()
            words = validation.words() or process.cause(code)
            _log.error("configuration refused words=%r", words)
            self._refuse(f"ExaBGP refused the configuration: {words}")
            return
        self._before = self._store.text()
        self._store.accept(validation.text)
        self._in_force()
        self._confirmation = Confirmation(validation.text, now)
        if self._exabgp.pid is None:
            self._exabgp.due = now

    def _begin(self, text: str, now: float) -> None:
        if text == self._store.text():
            self._before = text
            self._confirmation = Confirmation(text, now)
            return
        try:
            validation = Validation(self._store, text, now)
        except OSError as error:
            _log.error("configuration cannot be checked error=%r", error.strerror)
            self._refuse(f"the speaker cannot check the configuration: {error.strerror}")
            return
        self._validation = validation
        self._selector.register(
            validation.descriptor, selectors.EVENT_READ, lambda _events: validation.read()
        )

    def _confirm(self, confirmation: Confirmation, now: float) -> float:
        match confirmation.step(now):
            case Step.ASK if not self._inquiry.waiting:
                confirmation.asked(now)
                self._inquiry.ask("show neighbor configuration", confirmation.answered)
            case Step.RELOAD:
                process.tell(self._exabgp.pid, signal.SIGUSR1)
            case Step.RESTART:
                _log.error("restarting exabgp, it does not take the configuration pid=%s", self._exabgp.pid)
                process.tell(self._exabgp.pid, signal.SIGTERM)
            case Step.ACCEPTED:
                self._confirmation, self.error = None, ""
                if self._before != self._store.text():
                    _log.info("configuration in force generation=%s", self._store.generation())
                self._answer({"ok": True, "generation": self._store.generation()})
            case Step.FAILED:
                self._confirmation = None
                self._give_up()
            case Step.ASK | Step.WAIT:
                pass
        return confirmation.due(now)

    def _give_up(self) -> None:
        """Back to what ran before, by a start of ExaBGP."""
        try:
            self._store.restore(self._before)
        except OSError as error:
            outcome = f"the former one cannot be written: {error.strerror}"
        else:
            outcome = "the former one is back"
            self._in_force()
        process.tell(self._exabgp.pid, signal.SIGKILL)
        _log.error("exabgp did not run with the configuration, %s", outcome)
        self._refuse(f"ExaBGP did not run with the configuration: {outcome}")

    def _refuse(self, error: str) -> None:
        self.error = error
        self._answer({"ok": False, "error": error})

    def _answer(self, answer: Answer) -> None:
        connection, _ = self._requests.popleft()
        connection.answer(answer)
