"""The calls of shims: accepted, answered one after another, and kept until the answer was taken."""

import logging
import selectors
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bgpnet.cni import wire
from bgpnet.cni.commands import Commands, Outcome
from bgpnet.cni.housekeeping import Housekeeping
from bgpnet.drivers.unixsocket import Doorkeeper
from bgpnet.model.cni import PodLink
from bgpnet.model.cni_json import show

_CALLS: Final = 256  # open at once; further ones wait in the listener's queue
_TURN: Final = 16  # calls taken before others get their turn
_ASKING_TIME: Final = 30.0  # seconds that a call has for its request; a shim has given up before
_WAITING: Final = 128  # ADDs that wait for another block; the other calls may be DELs, which free addresses
_WAITING_TIME: Final = 10.0  # seconds that they wait: their shim gives up after 20
_LOOK: Final = 0.05  # seconds between looks for the block, while somebody waits

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An ADD for which there was no address, and until when it waits for one."""

    request: wire.Request
    until: float


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
        self._door = Doorkeeper(listener)
        self._commands = commands
        self._housekeeping = housekeeping
        self._clock = clock
        self._selector = selectors.DefaultSelector()
        self._open: set[socket.socket] = set()
        self._asking: dict[socket.socket, float] = {}  # calls without a request, and until when; oldest first
        self._waiting: dict[socket.socket, _Waiting] = {}  # oldest first
        self._supply: object = None  # of addresses, when those who wait asked last

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
                self._ask_again()
                self._hang_up()
        finally:
            for call in self._open:
                call.close()
            for each in self._waiting.values():
                each.request.close()
            self._selector.close()

    def _patience(self) -> float | None:
        """Seconds until something is to be done unasked."""
        dues = [self._housekeeping.due_in()]
        if self._waiting:
            dues.append(_LOOK)
        if self._asking:
            dues.append(max(0.0, next(iter(self._asking.values())) - self._clock()))
        return min((due for due in dues if due is not None), default=None)

    def _hang_up(self) -> None:
        now = self._clock()
        for call, until in tuple(self._asking.items()):
            if until > now:
                return
            del self._asking[call]
            self._selector.unregister(call)
            self._close(call)

    def _accept(self) -> None:
        """Take the calls that wait, not all of them: others wait for their turn, too."""
        for _ in range(_TURN):
            call = self._door.let_in()
            if call is None:
                return
            call.settimeout(0)
            self._open.add(call)
            if len(self._open) == _CALLS:
                self._selector.unregister(self._listener)
            # A shim asks at once: most requests are there already.
            if not self._ask(call):
                self._expect(call)
            if len(self._open) == _CALLS:
                return

    def _go_on(self, call: socket.socket, made: PodLink | None) -> None:
        """A request has come; or the shim has closed the call, after an ADD (then `made` is its link)."""
        self._selector.unregister(call)
        if call in self._waiting:
            self._waiting.pop(call).request.close()
            self._close(call)
            return
        if made is None:
            del self._asking[call]
            if not self._ask(call):
                self._expect(call)
            return
        if not wire.was_taken(call):
            self._commands.undo(made)
        self._close(call)

    def _expect(self, call: socket.socket) -> None:
        """Wait for the request of a call."""
        self._asking[call] = self._clock() + _ASKING_TIME
        self._selector.register(call, selectors.EVENT_READ)

    def _ask(self, call: socket.socket) -> bool:
        """Answer the request of a call; False when it has not come yet."""
        try:
            request = wire.receive(call)
        except BlockingIOError:
            return False
        except OSError:
            request = None
        if request is None:
            self._close(call)
        elif not self._serve(call, request, patient=len(self._waiting) < _WAITING):
            self._waiting[call] = _Waiting(request, self._clock() + _WAITING_TIME)
            self._supply = None  # it may have changed since
            container = show(request.environment.get("CNI_CONTAINERID"))
            log.info("no address is free: ADD waits for another block container=%s", container)
            self._selector.register(call, selectors.EVENT_READ)
        return True

    def _ask_again(self) -> None:
        """Answer those who wait and whom there is an address for now, or who have waited long enough."""
        if not self._waiting:
            return
        before, now = self._supply, self._clock()
        self._supply = self._commands.supply()
        for call, waiting in tuple(self._waiting.items()):
            patient = waiting.until > now
            if patient and self._supply == before:
                continue
            self._selector.unregister(call)
            if self._serve(call, waiting.request, patient=patient):
                del self._waiting[call]
            else:
                self._selector.register(call, selectors.EVENT_READ)

    def _serve(self, call: socket.socket, request: wire.Request, *, patient: bool) -> bool:
        """Answer a request; False when it is to wait."""
        outcome = self._commands.answer(request, patient=patient)
        if outcome is None:
            return False
        made = self._deliver(call, request, outcome)
        if made is None:
            self._close(call)
        else:
            self._selector.register(call, selectors.EVENT_READ, made)
        return True

    def _deliver(self, call: socket.socket, request: wire.Request, outcome: Outcome) -> PodLink | None:
        """Send an answer, and return the link that was made for it."""
        with request:
            try:
                wire.answer(call, request, outcome.output, outcome.status)
            except OSError as error:
                log.warning("answer not delivered error=%r", error.strerror)
                if outcome.made is not None:
                    self._commands.undo(outcome.made)
                return None
            self._commands.record(outcome)
        return outcome.made

    def _close(self, call: socket.socket) -> None:
        if len(self._open) == _CALLS:
            self._selector.register(self._listener, selectors.EVENT_READ)
        self._open.remove(call)
        call.close()
