"""What has to hold all the while that something else happens."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def meanwhile(holds: Callable[[], bool], every: float, what: str) -> Iterator[None]:
    """It holds whenever somebody looks, `every` so many seconds."""
    missing, done = [], threading.Event()

    def watch() -> None:
        while not done.wait(every):
            if not holds():
                missing.append(what)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
    assert not missing, f"{len(missing)} looks, {every} s apart, did not find that {what}"
