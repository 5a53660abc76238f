"""A node's status as the API server keeps it. Pure: what is written, and what of it is news."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from hashlib import sha256

from bgpnet.drivers.kube.client import Json
from bgpnet.model.crd.bgpnodestatus import MAX_PREFIXES, MAX_REJECTIONS, MAX_SESSIONS
from bgpnet.model.status import NodeStatus, RejectionStatus, SessionStatus

ESTABLISHED = "Established"

LONGEST = 1024
"""Characters of one text."""

MOST_EVENTS = 20
"""Of one report."""

EVENTS_NAMESPACE = "default"
"""Of Events about objects that are in no namespace (events.k8s.io)."""

EVENTS = f"/apis/events.k8s.io/v1/namespaces/{EVENTS_NAMESPACE}/events"

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
        "notReadyBecause": [short(reason) for reason in status.not_ready_because[:16]],
        "version": status.version,
        "sessionsUp": sum(session.state == ESTABLISHED for session in status.sessions),
        "sessionsWanted": len(status.sessions),
        "sessions": [_session(session) for session in status.sessions[:MAX_SESSIONS]],
        "prefixes": list(status.prefixes[:MAX_PREFIXES]),
        "refused": len(refused),
        "rejections": [_rejection(rejection, at) for rejection, at in first],
    }


def event(reporter: str, about: Json, refused: RejectionStatus, now: float) -> Json:
    """An Event that says what was refused (events.k8s.io/v1).

    `reporter` is the node whose agent says it, `about` the object with its UID, by which
    `kubectl describe` finds it. What is said of an object has one name, so it is there once.
    """
    told = (about["uid"], refused.object, refused.field, refused.found, refused.reason, refused.remedy)
    name = sha256("\0".join(told).encode()).hexdigest()[:16]
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": f"bgpnet.{name}", "namespace": EVENTS_NAMESPACE},
        "eventTime": moment(now),
        "type": "Warning",
        "reason": refused.reason,
        "action": "Refuse",
        "note": short(said(refused)),
        "regarding": about,
        "reportingController": "bgpnet.io/agent",
        "reportingInstance": reporter[:128],
    }


def of_node(name: str) -> Json:
    """A Node, as Events are about it: by convention its UID is its name (kubelet's ObjectReference)."""
    return {"apiVersion": "v1", "kind": "Node", "name": name, "uid": name}


def said(refused: RejectionStatus) -> str:
    """What was refused in words, without the object."""
    field, found = refused.field, refused.found
    place = f"{field} is {found}" if field and found else field or found
    return f"{place}: {refused.remedy}" if place else refused.remedy


def moment(seconds: float) -> str:
    """Seconds since the epoch as Kubernetes writes them (MicroTime)."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _session(session: SessionStatus) -> Json:
    told = {
        "peer": session.peer,
        "object": session.object,
        "peerASN": session.peer_asn,
        "state": session.state,
        "reason": short(session.reason),
        "announced": len(session.announced),
        "received": session.received,
    }
    return told | ({"since": second(session.since)} if session.since else {})


def _rejection(rejection: RejectionStatus, at: float) -> Json:
    return {
        "object": short(rejection.object),
        "field": short(rejection.field),
        "found": short(rejection.found),
        "reason": rejection.reason,
        "remedy": short(rejection.remedy),
        "since": second(at),
    }


def second(seconds: float) -> str:
    """Seconds since the epoch as Kubernetes writes them (Time)."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def short(text: str) -> str:
    """At most so much of a text as a field takes."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
