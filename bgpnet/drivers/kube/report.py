"""A node's status as the API server keeps it. Pure: what is written, and what of it is news."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from hashlib import sha256

from bgpnet.drivers.kube.client import Json
from bgpnet.model.crd.bgpnodestatus import MAX_PREFIXES, MAX_REJECTIONS, MAX_SESSIONS
from bgpnet.model.crd.meta import API_VERSION
from bgpnet.model.status import NodeStatus, RejectionStatus, SessionStatus

ESTABLISHED = "Established"

LONGEST = 1024
"""Characters of one text."""

MOST_EVENTS = 20
"""Of one report."""

Since = Mapping[RejectionStatus, float]
"""Rejections, with seconds since the epoch."""


def since(rejections: Iterable[RejectionStatus], before: Since, now: float) -> dict[RejectionStatus, float]:
    """Since when each thing is refused."""
    return {rejection: before.get(rejection, now) for rejection in rejections}


def report(status: NodeStatus, refused: Since) -> Json:
    """`status` of the node's BGPNodeStatus."""
    first = sorted(refused.items(), key=lambda item: (item[1], item[0].object))[:MAX_REJECTIONS]
    return {
        "ready": status.ready,
        "notReadyBecause": [_short(reason) for reason in status.not_ready_because[:16]],
        "version": status.version,
        "sessionsUp": sum(session.state == ESTABLISHED for session in status.sessions),
        "sessionsWanted": len(status.sessions),
        "sessions": [_session(session) for session in status.sessions[:MAX_SESSIONS]],
        "prefixes": list(status.prefixes[:MAX_PREFIXES]),
        "refused": len(refused),
        "rejections": [_rejection(rejection, at) for rejection, at in first],
    }


def event(node: str, namespace: str, refused: RejectionStatus, now: float) -> Json:
    """An Event that says what was refused (events.k8s.io/v1).

    What concerns an object is said once however many nodes refuse it: the name is made from what is said.
    """
    kind, _, name = refused.object.partition(" ")[0].partition("/")
    of_object = kind in {"BGPConfiguration", "BGPFilter", "BGPPeer", "IPPool"}
    said = "\0".join(
        (
            "" if of_object else node,
            refused.object,
            refused.field,
            refused.found,
            refused.reason,
            refused.remedy,
        )
    )
    about = (
        {"apiVersion": API_VERSION, "kind": kind, "name": name}
        if of_object
        else {"apiVersion": "v1", "kind": "Node", "name": node, "uid": node}
    )
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": f"bgpnet.{sha256(said.encode()).hexdigest()[:16]}", "namespace": namespace},
        "eventTime": moment(now),
        "type": "Warning",
        "reason": refused.reason,
        "action": "Refuse",
        "note": _short(f"{_found(refused)}{refused.remedy}"),
        "regarding": about,
        "reportingController": "bgpnet.io/agent",
        "reportingInstance": node[:128],
    }


def _found(refused: RejectionStatus) -> str:
    found = f"{refused.field} is {refused.found}" if refused.field and refused.found else refused.found
    return f"{found}: " if found else ""


def moment(seconds: float) -> str:
    """Seconds since the epoch as Kubernetes writes them (MicroTime)."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _session(session: SessionStatus) -> Json:
    told = {
        "peer": session.peer,
        "object": session.object,
        "peerASN": session.peer_asn,
        "state": session.state,
        "reason": _short(session.reason),
        "announced": len(session.announced),
        "received": session.received,
    }
    return told | ({"since": _second(session.since)} if session.since else {})


def _rejection(rejection: RejectionStatus, at: float) -> Json:
    return {
        "object": _short(rejection.object),
        "field": _short(rejection.field),
        "found": _short(rejection.found),
        "reason": rejection.reason,
        "remedy": _short(rejection.remedy),
        "since": _second(at),
    }


def _second(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
