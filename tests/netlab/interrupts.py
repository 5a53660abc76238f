"""Ctrl-C, SIGTERM and SIGHUP end a run the way an error does, so that everything is taken down."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """Somebody wants this process to end. `number` is the signal."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number

    @property
    def exit_code(self) -> int:
        """What a shell tells of a process that such a signal ended."""
        return 128 + self.number


def _raise(number: int, _frame: FrameType | None) -> None:
    # Once is enough: a second signal must not end the cleaning up that the first one has begun.
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise Interrupted(number)


@contextmanager
def raised() -> Iterator[None]:
    """Inside the block, the first of the signals raises Interrupted in the main thread."""
    with _handled(_raise):
        yield


@contextmanager
def ignored() -> Iterator[None]:
    """Inside the block, the signals do nothing: taking a lab down is quick and must not stop half-way."""
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
