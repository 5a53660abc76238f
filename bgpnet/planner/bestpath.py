"""The decision process of RFC 4271 §9.1, with equal-cost multipath over routers of different AS."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address

from bgpnet.model.bgp import LearnedPath, Origin
from bgpnet.model.net import Address, address_order

_ORIGIN_RANK = {Origin.IGP: 0, Origin.EGP: 1, Origin.INCOMPLETE: 2}


class Step(StrEnum):
    """What parts two paths, in the order in which it is asked.

    Step e of §9.1.2.2, the cost to the next hop, is never asked: every next hop is on a connected link. What
    is still together after EXTERNAL is used together, as one ECMP group; the last two only name the best.
    """

    STALE = "Stale"  # a router that restarts, before anything else: nobody knows what it forwards
    LOCAL_PREFERENCE = "LocalPreference"  # §9.1.1
    AS_PATH_LENGTH = "AsPathLength"  # §9.1.2.2 a
    ORIGIN = "Origin"  # b
    MED = "Med"  # c: among paths of one neighbouring AS
    EXTERNAL = "External"  # d: eBGP before iBGP
    ROUTER_ID = "RouterId"  # f
    PEER_ADDRESS = "PeerAddress"  # g


@dataclass(frozen=True, slots=True)
class Decision:
    """How the paths to one prefix were parted."""

    best: LearnedPath
    multipath: tuple[tuple[LearnedPath, Step], ...]
    """Used together with the best, each with the step that does not make it the best."""
    worse: tuple[tuple[LearnedPath, Step], ...]
    """Not used, each with the step that decided against it."""


def best_paths(paths: list[LearnedPath]) -> tuple[LearnedPath, ...]:
    """The paths to one prefix that are equally best, by next hop; several are used as one ECMP group."""
    if len(paths) < 2:  # noqa: PLR2004 - one path is the best
        return tuple(paths)
    first = min(map(_rank, paths))
    candidates = [path for path in paths if _rank(path) == first]
    return tuple(sorted(_external(_lowest_med(candidates)), key=_hop_order))


def decide(paths: Iterable[LearnedPath], router_ids: Mapping[Address, IPv4Address | None]) -> Decision | None:
    """The same as `best_paths`, with the step that parted each path from the best; None without any path.

    Args:
        paths: the usable paths to one prefix.
        router_ids: BGP identifiers by peer; where one is not known the peer's address decides.
    """
    left = sorted(paths, key=_hop_order)
    worse: list[tuple[LearnedPath, Step]] = []
    for step, survivors in (
        (Step.STALE, _fresh),
        (Step.LOCAL_PREFERENCE, _highest_preference),
        (Step.AS_PATH_LENGTH, _shortest),
        (Step.ORIGIN, _lowest_origin),
        (Step.MED, _lowest_med),
        (Step.EXTERNAL, _external),
    ):
        kept = survivors(left) if left else []
        worse += [(path, step) for path in left if path not in kept]
        left = kept
    if not left:
        return None
    known = all(router_ids.get(path.peer) is not None for path in left)
    by_id = {path: int(router_ids.get(path.peer) or 0) if known else 0 for path in left}
    best = min(left, key=lambda path: (by_id[path], address_order(path.peer)))
    return Decision(
        best,
        tuple(
            (path, Step.ROUTER_ID if by_id[path] != by_id[best] else Step.PEER_ADDRESS)
            for path in left
            if path is not best
        ),
        tuple(worse),
    )


def _rank(path: LearnedPath) -> tuple[bool, int, int, int]:
    return (path.stale, -path.local_preference, len(path.as_path), _ORIGIN_RANK[path.origin])


def _hop_order(path: LearnedPath) -> tuple[tuple[int, int, str], tuple[int, int, str]]:
    return (address_order(path.next_hop), address_order(path.peer))


def _fresh(paths: list[LearnedPath]) -> list[LearnedPath]:
    return [path for path in paths if not path.stale] or paths


def _highest_preference(paths: list[LearnedPath]) -> list[LearnedPath]:
    highest = max(path.local_preference for path in paths)
    return [path for path in paths if path.local_preference == highest]


def _shortest(paths: list[LearnedPath]) -> list[LearnedPath]:
    shortest = min(len(path.as_path) for path in paths)
    return [path for path in paths if len(path.as_path) == shortest]


def _lowest_origin(paths: list[LearnedPath]) -> list[LearnedPath]:
    lowest = min(_ORIGIN_RANK[path.origin] for path in paths)
    return [path for path in paths if _ORIGIN_RANK[path.origin] == lowest]


def _lowest_med(paths: list[LearnedPath]) -> list[LearnedPath]:
    """Only paths of the same neighbouring AS are compared; none counts as 0."""
    lowest: dict[int, int] = {}
    for path in paths:
        neighbour = _neighbour_as(path)
        lowest[neighbour] = min(lowest.get(neighbour, _med(path)), _med(path))
    return [path for path in paths if _med(path) == lowest[_neighbour_as(path)]]


def _external(paths: list[LearnedPath]) -> list[LearnedPath]:
    return [path for path in paths if not path.internal] or paths


def _neighbour_as(path: LearnedPath) -> int:
    return path.as_path[0] if path.as_path else 0


def _med(path: LearnedPath) -> int:
    return path.med or 0
