"""The calls of shims: accepted, answered one after another, and kept until the answer was taken."""

import logging
import selectors
import socket
from collections.abc import Callable
from typing import Final

from bgpnet.cni import wire
from bgpnet.cni.commands import Commands
from bgpnet.cni.housekeeping import Housekeeping
from bgpnet.model.cni import PodLink

_CALLS: Final = 256  # open at once; further ones wait in the listener's queue
_ASKING_TIME: Final = 30.0  # seconds that a call has for its request; a shim has given up before

log = logging.getLogger(__name__)


class Calls:
    """Every open call.

    One at a time is no loss: the kernel makes links under one lock (RTNL). Nothing here waits for anything
    but the next event: a request is read when it is there, and the kernel's answers are there when a send
    returns.
    """

    def __init__(
        self,
        listener: socket.socket,
        commands: Commands,
        housekeeping: Housekeeping,
        clock: Callable[[], float],
    ) -> None:
        listener.settimeout(0)
        self._listener = listener
        self._commands = commands
        self._housekeeping = housekeeping
        self._clock = clock
        self._selector = selectors.DefaultSelector()
        self._open: set[socket.socket] = set()
        self._asking: dict[socket.socket, float] = {}  # calls without a request, and until when; oldest first

    def run(self, stop: socket.socket) -> None:
        """Serve until `stop` is readable. A call that is open gets no answer: its runtime tries again."""
        for source in (stop, self._listener, self._housekeeping):
            self._selector.register(source, selectors.EVENT_READ)
        try:
            while True:
                for key, _events in self._selector.select(self._patience()):
                    if key.fileobj is stop:
                        return
                    if key.fileobj is self._listener:
                        self._accept()
                    elif key.fileobj is self._housekeeping:
                        self._housekeeping.heed()
                    elif isinstance(key.fileobj, socket.socket):
                        self._go_on(key.fileobj, key.data)
                self._housekeeping.work()
                self._hang_up()
        finally:
            for call in tuple(self._open):
                self._close(call)
            self._selector.close()

    def _patience(self) -> float | None:
        """Seconds until something is to be done unasked."""
        dues = [self._housekeeping.due_in()]
        if self._asking:
            dues.append(max(0.0, next(iter(self._asking.values())) - self._clock()))
        return min((due for due in dues if due is not None), default=None)

    def _hang_up(self) -> None:
        now = self._clock()
        for call, until in tuple(self._asking.items()):
            if until > now:
                return
            self._close(call)

    def _accept(self) -> None:
        try:
            call, _peer = self._listener.accept()
        except OSError:
            return  # it has gone away again
        call.settimeout(0)
        self._open.add(call)
        self._asking[call] = self._clock() + _ASKING_TIME
        self._selector.register(call, selectors.EVENT_READ)
        if len(self._open) == _CALLS:
            self._selector.unregister(self._listener)

    def _go_on(self, call: socket.socket, made: PodLink | None) -> None:
        """A request has come; or, after an ADD (then `made` is its link), the shim has closed the call."""
        if made is not None:
            if not wire.was_taken(call):
                self._commands.undo(made)
            self._close(call)
            return
        made = self._answer(call)
        if made is None:
            self._close(call)
        else:
            del self._asking[call]
            self._selector.modify(call, selectors.EVENT_READ, made)

    def _answer(self, call: socket.socket) -> PodLink | None:
        """Answer the request that waits, and return the link that was made for it."""
        try:
            request = wire.receive(call)
        except OSError:
            return None
        if request is None:
            return None
        with request:
            outcome = self._commands.answer(request)
            try:
                wire.answer(call, request, outcome.output, outcome.status)
            except OSError as error:
                log.warning("answer not delivered error=%r", error.strerror)
                if outcome.made is not None:
                    self._commands.undo(outcome.made)
                return None
        return outcome.made

    def _close(self, call: socket.socket) -> None:
        if len(self._open) == _CALLS:
            self._selector.register(self._listener, selectors.EVENT_READ)
        self._open.remove(call)
        self._asking.pop(call, None)
        self._selector.unregister(call)
        call.close()
