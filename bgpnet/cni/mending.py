"""When routes that another program took away are put back: at once, and ever more seldom in a fight. Pure."""

from dataclasses import dataclass

from bgpnet.model.fight import FORGOTTEN, delay


@dataclass(slots=True)
class _Loss:
    times: int
    last: float
    due: float | None


class Mending:
    """Links that lack a route, by index. Times are seconds of a clock that never goes back."""

    def __init__(self) -> None:
        self._losses: dict[int, _Loss] = {}

    def lost(self, link: int, now: float) -> None:
        """A link lacks a route, or still does."""
        loss = self._losses.get(link)
        if loss is None or now - loss.last > FORGOTTEN + _wait(loss.times):
            loss = self._losses[link] = _Loss(0, now, None)
        if loss.due is None:
            loss.times += 1
            loss.due = now + _wait(loss.times)
        loss.last = now

    def due(self, now: float) -> list[tuple[int, int]]:
        """The links whose routes are to be put back now, and how many times in a row that is."""
        found = []
        for link, loss in list(self._losses.items()):
            if loss.due is not None and loss.due <= now:
                loss.due = None
                found.append((link, loss.times))
            elif loss.due is None and now - loss.last > FORGOTTEN + _wait(loss.times):
                del self._losses[link]
        return found

    def due_in(self, now: float) -> float | None:
        """Seconds until `due` has something to tell; None when nothing is lost."""
        dues = [loss.due for loss in self._losses.values() if loss.due is not None]
        return max(0.0, min(dues) - now) if dues else None

    def forget(self, link: int) -> None:
        """The link is no pod's any more."""
        self._losses.pop(link, None)


def _wait(times: int) -> float:
    return delay(times - 1)
