"""Snapshot and Plan -> what `bgpnet routes` tells: made when it is asked for, not in every step."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_network

from bgpnet.model.bgp import LearnedPath
from bgpnet.model.community import spell_community
from bgpnet.model.kernel import Kernel, KernelRoute
from bgpnet.model.net import Address, Prefix, address_order, most_specific, prefix_or_address, prefix_order
from bgpnet.model.plan import Plan, Route, Session
from bgpnet.model.rejection import Reason, Rejection
from bgpnet.model.routestatus import PathStatus, RouteDetail, RoutesStatus, RouteState, Verdict
from bgpnet.model.snapshot import Snapshot
from bgpnet.planner.bestpath import Step, decide
from bgpnet.planner.bfd import why_held
from bgpnet.planner.diff import is_ours
from bgpnet.planner.filters import filters_of
from bgpnet.planner.imports import Import, import_policy
from bgpnet.planner.refusals import Refusal
from bgpnet.planner.status import hops_text, undecided

PAGE = 500
"""Routes in one answer: the agent does nothing else while it makes one."""


@dataclass(frozen=True, slots=True)
class All:
    """Every prefix; or those behind this one."""

    after: Prefix | None = None


@dataclass(frozen=True, slots=True)
class Exactly:
    """This prefix."""

    prefix: Prefix


@dataclass(frozen=True, slots=True)
class Holding:
    """The most specific prefix that holds this one; an address is one of full length."""

    prefix: Prefix


Wanted = All | Exactly | Holding


def wanted_of(text: str) -> Wanted:
    """What a client asks for: nothing, `PREFIX`, `ADDRESS` or `after=PREFIX`.

    Raises:
        ValueError: it is something else.
    """
    if not text:
        return All()
    if text.startswith("after="):
        return All(ip_network(text.removeprefix("after=")))
    found = prefix_or_address(text)
    return Exactly(found) if isinstance(found, Prefix) else Holding(ip_network(found))


def routes_status(
    snapshot: Snapshot,
    plan: Plan,
    failures: Iterable[Rejection],
    version: str,
    wanted: Wanted,
) -> RoutesStatus:
    """Prefixes of the plan, of the kernel and of the peers, in order: at most `PAGE` of them.

    `failures` are what carrying the plan out ran into.
    """
    paths: defaultdict[Prefix, list[LearnedPath]] = defaultdict(list)
    for path in snapshot.speaker.paths if snapshot.speaker else ():
        paths[path.prefix].append(path)
    kernel = snapshot.kernel.routes if snapshot.kernel else ()
    there = {route.prefix: route for route in kernel if is_ours(route)}
    planned = {route.prefix: route for route in plan.routes or ()}
    known = paths.keys() | there.keys() | planned.keys() | set(plan.own_prefixes)
    found = sorted(_matching(known, wanted), key=prefix_order)
    shown = found[:PAGE]
    refused = {
        each.object.name: each for each in (*plan.rejections, *failures) if each.object.kind == "Route"
    }
    judge = _Judge(snapshot, plan)
    kept = _why_kept(snapshot)
    return RoutesStatus(
        plan.node_name,
        version,
        tuple(
            _route(
                prefix,
                planned.get(prefix),
                there.get(prefix),
                refused.get(str(prefix)),
                (prefix in plan.own_prefixes, judge.paths(paths.get(prefix, []))),
                kept,
            )
            for prefix in shown
        ),
        len(found) > PAGE,
        undecided(snapshot, plan),
    )


def _matching(known: Iterable[Prefix], wanted: Wanted) -> Iterable[Prefix]:
    match wanted:
        case All():
            last = prefix_order(wanted.after) if wanted.after else ()
            return [prefix for prefix in known if prefix_order(prefix) > last]
        case Exactly(prefix):
            return {prefix}.intersection(known)
        case Holding(prefix):
            found = most_specific(known, prefix)
            return () if found is None else (found,)


def _route(
    prefix: Prefix,
    planned: Route | None,
    there: KernelRoute | None,
    refused: Rejection | None,
    own_and_paths: tuple[bool, tuple[PathStatus, ...]],
    kept: str,
) -> RouteDetail:
    own, paths = own_and_paths
    hops = hops_text(planned.next_hops if planned else there.next_hops if there else ())
    found = there is not None and (planned is None or hops_text(there.next_hops) == hops)
    foreign = refused is not None and refused.reason is Reason.FOREIGN_ROUTE
    if planned is not None:
        state = (RouteState.HIDDEN if foreign else RouteState.INSTALLED) if found else RouteState.PENDING
    elif there is not None:
        state = RouteState.LEFTOVER
    else:
        state = RouteState.FOREIGN if foreign else RouteState.NONE
    because = ""
    if refused is not None:
        because = "; ".join(part for part in (refused.found, refused.remedy) if part)
    elif state is RouteState.NONE and any(path.verdict is Verdict.UNUSABLE for path in paths):
        because = "no path is usable"
    elif planned is not None and not own and not any(path.verdict is Verdict.BEST for path in paths):
        because = kept
    return RouteDetail(str(prefix), own, state, because, hops, paths)


def _why_kept(snapshot: Snapshot) -> str:
    """Why a route stays for which there is no path."""
    if snapshot.speaker is None:
        return "kept as it was found: the speaker has told nothing yet"
    if snapshot.speaker.unread:
        peers = ", ".join(map(str, sorted(snapshot.speaker.unread, key=address_order)))
        return f"kept as it was found until the table of {peers} is read"
    return "kept as it was found until the source of objects answers"


class _Judge:
    """Tells what became of paths, and why."""

    def __init__(self, snapshot: Snapshot, plan: Plan) -> None:
        links = snapshot.kernel.links if snapshot.kernel else ()
        self._undecided = undecided(snapshot, plan)
        self._bfd = snapshot.bfd
        self._policy: Import | None = None
        if snapshot.declared is not None and plan.sessions is not None:
            filters, _ = filters_of(plan.sessions, snapshot.declared)
            self._policy = import_policy(
                snapshot.declared,
                plan.sessions,
                filters,
                (*plan.own_prefixes, *plan.offered),
                snapshot.kernel or Kernel((), ()),
            )
        self._live = frozenset(link.name for link in links if link.up and link.carrier)
        self._router_ids: Mapping[Address, IPv4Address | None] = {
            session.peer: session.capabilities.router_id if session.capabilities else None
            for session in (snapshot.speaker.sessions if snapshot.speaker else ())
        }

    def paths(self, paths: Iterable[LearnedPath]) -> tuple[PathStatus, ...]:
        """The paths to one prefix, the best first."""
        usable: dict[LearnedPath, Session] = {}
        others: list[PathStatus] = []
        for path in sorted(paths, key=lambda path: address_order(path.peer)):
            session = self._policy.session(path) if self._policy else None
            if self._policy is None or session is None:
                why = self._undecided or "its peer is not configured any more"
                others.append(_path(path, None, Verdict.UNDECIDED, "", why))
            elif isinstance(outcome := self._policy.judged(path, session), Refusal):
                others.append(_path(path, session, Verdict.REFUSED, outcome.reason, outcome.remedy))
            elif session.link not in self._live:
                why = f"link {session.link} is down or without carrier"
                others.append(_path(path, session, Verdict.UNUSABLE, "", why))
            elif why := why_held(session, self._bfd):
                others.append(_path(path, session, Verdict.UNUSABLE, "", why))
            else:
                usable[outcome] = session
        decision = decide(usable, self._router_ids)
        if decision is None:
            return tuple(others)
        best = decision.best
        return (
            _path(best, usable[best], Verdict.BEST, "", ""),
            *(
                _path(path, usable[path], Verdict.MULTIPATH, step, self._words(step, path, best))
                for path, step in decision.multipath
            ),
            *(
                _path(path, usable[path], Verdict.WORSE, step, self._words(step, path, best))
                for path, step in decision.worse
            ),
            *others,
        )

    def _words(self, step: Step, path: LearnedPath, best: LearnedPath) -> str:
        match step:
            case Step.STALE:
                return f"kept while {path.peer} restarts; others are in service"
            case Step.LOCAL_PREFERENCE:
                return f"LOCAL_PREF {path.local_preference}, the best has {best.local_preference}"
            case Step.AS_PATH_LENGTH:
                return f"{len(path.as_path)} numbers in its AS_PATH, the best has {len(best.as_path)}"
            case Step.ORIGIN:
                return f"ORIGIN {path.origin}, the best has {best.origin}"
            case Step.MED:
                neighbour = f"AS {path.as_path[0]}" if path.as_path else "our own AS"
                return f"MED {path.med or 0}, another path from {neighbour} has a lower one"
            case Step.EXTERNAL:
                return "learned over iBGP, the best over eBGP"
            case Step.ROUTER_ID:
                ids = self._router_ids
                return f"as good; router id {ids.get(path.peer)} is above {ids.get(best.peer)}, the best's"
            case Step.PEER_ADDRESS:
                return f"as good; address {path.peer} is above {best.peer}, the best's"


def _path(
    path: LearnedPath, session: Session | None, verdict: Verdict, reason: str, because: str
) -> PathStatus:
    return PathStatus(
        peer=str(path.peer),
        object=f"{session.ref.kind}/{session.ref.name}" if session else "",
        next_hop=str(path.next_hop),
        link=session.link if session else "",
        as_path=path.as_path,
        origin=path.origin,
        med=path.med,
        local_preference=path.local_preference,
        internal=path.internal,
        communities=tuple(map(spell_community, sorted(path.communities))),
        verdict=verdict,
        reason=str(reason),
        because=because,
    )
