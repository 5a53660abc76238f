"""A clock that tests set."""


class Clock:
    """Stands for time.monotonic."""

    def __init__(self) -> None:
        self.now = 1000.9

    def __call__(self) -> float:
        return self.now
