"""Peers that are kept down for a while, as they announced too much. Pure; times are monotonic seconds."""

from collections.abc import Mapping
from dataclasses import dataclass

from bgpnet.model.bgp import Stopped
from bgpnet.model.declared import MaxPrefix
from bgpnet.model.net import Address, address_order


@dataclass(frozen=True, slots=True)
class _Stop:
    what: Stopped
    until: float


class Stops:
    """Who is kept down, and until when. An agent that restarts knows of none: each is tried once more."""

    def __init__(self) -> None:
        self._stops: dict[Address, _Stop] = {}

    def __contains__(self, peer: Address) -> bool:
        return peer in self._stops

    def stop(self, what: Stopped, now: float) -> None:
        """Keep a peer down from now on, for its idle time."""
        self._stops[what.peer] = _Stop(what, now + what.under.idle_time)

    def allow(self, limits: Mapping[Address, MaxPrefix]) -> None:
        """These sessions are wanted; under another limit than it exceeded a peer may come back."""
        for peer, stop in list(self._stops.items()):
            if peer in limits and limits[peer] != stop.what.under:
                del self._stops[peer]

    def tick(self, now: float) -> None:
        """Time has passed."""
        self._stops = {peer: stop for peer, stop in self._stops.items() if now < stop.until}

    @property
    def due(self) -> float:
        """When `tick` has something to do."""
        return min((stop.until for stop in self._stops.values()), default=float("inf"))

    @property
    def all(self) -> tuple[Stopped, ...]:
        """Those kept down, in order."""
        return tuple(self._stops[peer].what for peer in sorted(self._stops, key=address_order))
