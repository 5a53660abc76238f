"""Ctrl-C, SIGTERM and SIGHUP end a run the way an error does, so that everything is taken down."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
AGAIN = 0.5
"""Seconds in which an exception that was raised ought to have led to cleaning up."""


class Interrupted(BaseException):
    """Somebody wants this process to end. `number` is the signal."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number

    @property
    def exit_code(self) -> int:
        """What a shell tells of a process that such a signal ended."""
        return 128 + self.number


@dataclass(frozen=True, slots=True)
class _Again:
    """Raises once more what came as signal `number`, until the cleaning up has begun.

    Python swallows an exception that a signal raises while an object is being deleted (sys.unraisablehook).
    """

    number: int

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        signal.setitimer(signal.ITIMER_REAL, AGAIN)
        raise Interrupted(self.number)


def _raise(number: int, frame: FrameType | None) -> None:
    # Once is enough: a second signal must not end the cleaning up that the first one has begun.
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    again = _Again(number)
    signal.signal(signal.SIGALRM, again)
    again(number, frame)


def _not_again() -> None:
    if isinstance(signal.getsignal(signal.SIGALRM), _Again):
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)


@contextmanager
def raised() -> Iterator[None]:
    """Inside the block, the first of the signals raises Interrupted in the main thread."""
    try:
        with _handled(_raise):
            yield
    finally:
        _not_again()


@contextmanager
def ignored() -> Iterator[None]:
    """Inside the block, the signals do nothing: taking a lab down is quick and must not stop half-way."""
    _not_again()
    with _handled(signal.SIG_IGN):
        yield


@contextmanager
def deferred() -> Iterator[None]:
    """Inside the block, the signals wait; the first one comes at its end. For what must be done whole."""
    came: list[int] = []
    with _handled(lambda number, _frame: came.append(number)):
        yield
    for number in came[:1]:
        signal.raise_signal(number)


@contextmanager
def _handled(handler: "signal._HANDLER") -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's
        return
    before = {number: signal.signal(number, handler) for number in SIGNALS}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
