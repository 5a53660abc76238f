"""The decision process of RFC 4271 §9.1.2.2, with equal-cost multipath over routers of different AS."""

from bgpnet.model.net import address_order
from bgpnet.model.snapshot import LearnedPath, Origin

_ORIGIN_RANK = {Origin.IGP: 0, Origin.EGP: 1, Origin.INCOMPLETE: 2}


def best_paths(paths: list[LearnedPath]) -> tuple[LearnedPath, ...]:
    """The paths to one prefix that are equally best, by next hop; several are used as one ECMP group.

    Steps a (AS_PATH length), b (ORIGIN) and c (MED, only among paths of the same neighbouring AS; none
    counts as 0). Later steps only break ties between what ECMP uses together.
    """
    if not paths:
        return ()
    shortest = min(_rank(path) for path in paths)
    candidates = [path for path in paths if _rank(path) == shortest]
    lowest_med: dict[int, int] = {}
    for path in candidates:
        neighbour = _neighbour_as(path)
        lowest_med[neighbour] = min(lowest_med.get(neighbour, _med(path)), _med(path))
    best = [path for path in candidates if _med(path) == lowest_med[_neighbour_as(path)]]
    return tuple(sorted(best, key=lambda path: (address_order(path.next_hop), address_order(path.peer))))


def _rank(path: LearnedPath) -> tuple[int, int]:
    return (len(path.as_path), _ORIGIN_RANK[path.origin])


def _neighbour_as(path: LearnedPath) -> int:
    return path.as_path[0] if path.as_path else 0


def _med(path: LearnedPath) -> int:
    return path.med or 0
