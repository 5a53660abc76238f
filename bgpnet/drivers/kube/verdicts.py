"""What all nodes together say of an object that a user wrote. Pure: from their reports to its status."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bgpnet.drivers.kube.client import Json
from bgpnet.drivers.kube.report import said, short
from bgpnet.model.crd.objectstatus import ACCEPTED
from bgpnet.model.status import RejectionStatus

PLURALS = {
    "BGPConfiguration": "bgpconfigurations",
    "BGPFilter": "bgpfilters",
    "BGPPeer": "bgppeers",
    "IPPool": "ippools",
}
"""Kinds that users write, and that have a verdict."""

MOST_REFUSALS, MOST_NODES = 4, 3
"""That a message names of an object, and of one refusal."""

Key = tuple[str, str]
"""Kind and name."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One object, as the nodes see it."""

    refusals: tuple[tuple[RejectionStatus, tuple[str, ...]], ...] = ()
    """Each with the nodes that tell of it; the one of the most nodes first."""
    nodes: int = 0
    """That have told anything."""
    sessions_up: int = 0
    sessions_wanted: int = 0

    @property
    def reason(self) -> str:
        """One word."""
        return self.refusals[0][0].reason if self.refusals else ACCEPTED

    @property
    def message(self) -> str:
        """What is refused, by how many nodes, and what to do."""
        if not self.refusals:
            return "no node refuses anything of it"
        told = [f"{said(each)} ({self._who(nodes)})" for each, nodes in self.refusals[:MOST_REFUSALS]]
        more = len(self.refusals) - MOST_REFUSALS
        return short("; ".join([*told, f"and {more} more"] if more > 0 else told))

    def _who(self, nodes: tuple[str, ...]) -> str:
        named = ", ".join(nodes[:MOST_NODES]) + (", …" if len(nodes) > MOST_NODES else "")
        return f"{len(nodes)} of {self.nodes} nodes: {named}"


@dataclass(slots=True)
class _Told:
    """What is gathered of one object."""

    refusals: dict[RejectionStatus, list[str]] = field(default_factory=lambda: defaultdict(list))
    up: int = 0
    wanted: int = 0


def kept(item: Json) -> Json:
    """What of a BGPNodeStatus is kept: refusals of objects, and sessions counted by the BGPPeer that asks."""
    status = item.get("status") or {}
    wanted, up = Counter[str](), Counter[str]()
    for session in status.get("sessions") or ():
        wanted[session["object"]] += 1
        up[session["object"]] += session["state"] == "Established"
    refused = [each for each in status.get("rejections") or () if _key(each["object"]) is not None]
    metadata = {"name": item["metadata"]["name"], "resourceVersion": item["metadata"]["resourceVersion"]}
    sessions = {name: [up[name], wanted[name]] for name in wanted}
    return {"metadata": metadata, "rejections": refused, "sessions": sessions}


def verdicts(reports: Iterable[Json]) -> dict[Key, Verdict]:
    """By object, of those that some node tells of. `reports` as `kept` left them."""
    told: dict[Key, _Told] = defaultdict(_Told)
    nodes = 0
    for report in reports:
        nodes += 1
        for each in report["rejections"]:
            key = _key(each["object"])
            if key is not None:
                told[key].refusals[_refusal(each)].append(report["metadata"]["name"])
        for name, (up, wanted) in report["sessions"].items():
            key = _key(name)
            if key is not None:
                told[key].up += up
                told[key].wanted += wanted
    found = {key: _verdict(each, nodes) for key, each in told.items()}
    return defaultdict(lambda: Verdict(nodes=nodes), found)


def status(key: Key, verdict: Verdict, metadata: Mapping[str, object], since: str) -> Json:
    """The object's `status`. `since`: RFC 3339, when the condition last turned."""
    condition = {
        "type": ACCEPTED,
        "status": "False" if verdict.refusals else "True",
        "reason": verdict.reason,
        "message": verdict.message,
        "observedGeneration": metadata.get("generation", 0),
        "lastTransitionTime": since,
    }
    told: Json = {"conditions": [condition]}
    if key[0] == "BGPPeer":
        told |= {"sessionsUp": verdict.sessions_up, "sessionsWanted": verdict.sessions_wanted}
    return told


def of_user(text: str) -> bool:
    """Whether a report names an object of a kind that users write."""
    return _key(text) is not None


def _verdict(told: _Told, nodes: int) -> Verdict:
    refusals = sorted(
        ((each, tuple(sorted(set(of)))) for each, of in told.refusals.items()),
        key=lambda item: (-len(item[1]), item[0].reason, item[0].field, item[0].found, item[0].remedy),
    )
    return Verdict(tuple(refusals), nodes, told.up, told.wanted)


def _refusal(each: Mapping[str, str]) -> RejectionStatus:
    return RejectionStatus(
        each["object"].partition(" ")[0],
        each.get("field", ""),
        each.get("found", ""),
        each["reason"],
        each["remedy"],
    )


def _key(text: str) -> Key | None:
    """Kind and name of what a report names, where it is of a kind that users write."""
    kind, _, name = text.partition(" ")[0].partition("/")
    return (kind, name) if kind in PLURALS and name else None
