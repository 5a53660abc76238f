"""Thousands of nodes with what their agents report: written to etcd, as the API server would have."""

import json
import uuid
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from tests.cluster.controlplane import ControlPlane

BATCH: Final = 100
"""Operations of one transaction: etcd takes 128 (--max-txn-ops)."""

NODES: Final = "/registry/minions/crowd"
REPORTS: Final = "/registry/bgpnet.io/bgpnodestatuses/crowd"

IMAGES: Final = [{"names": [f"registry.example/{n}@sha256:{'0' * 64}"], "sizeBytes": 1} for n in range(20)]

SESSION: Final = {
    "peer": "10.0.1.1", "object": "BGPPeer/tor", "peerASN": 65001, "state": "Established",
    "announced": 1, "received": 1,
}  # fmt: skip

REPORT: Final = {
    "ready": True,
    "version": "1",
    "sessionsUp": 2,
    "sessionsWanted": 2,
    "sessions": [SESSION] * 2,
    "refused": 0,
}


@contextmanager
def crowd(plane: ControlPlane, count: int) -> Iterator[None]:
    """So many Nodes and BGPNodeStatuses; gone afterwards."""
    whole = [each for number in range(count) for each in _objects(number)]
    try:
        for first in range(0, len(whole), BATCH):
            put = [{"request_put": _pair(*each)} for each in whole[first : first + BATCH]]
            plane.etcd("txn", {"success": put})
        yield
    finally:
        for prefix in (NODES, REPORTS):
            end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
            plane.etcd("deleterange", {"key": _coded(prefix), "range_end": _coded(end)})


def _objects(number: int) -> tuple[tuple[str, Any], tuple[str, Any]]:
    """Keys and objects."""
    cidr = f"10.{64 + number // 256}.{number % 256}.0/24"
    metadata = {"name": f"crowd{number}", "creationTimestamp": "2026-01-01T00:00:00Z"}
    node = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": metadata | {"uid": str(uuid.uuid4())},
        "spec": {"podCIDR": cidr, "podCIDRs": [cidr]},
        "status": {"images": IMAGES},
    }
    told = {
        "apiVersion": "bgpnet.io/v1alpha1",
        "kind": "BGPNodeStatus",
        "metadata": metadata | {"uid": str(uuid.uuid4())},
        "status": REPORT,
    }
    return (f"{NODES}{number}", node), (f"{REPORTS}{number}", told)


def _pair(key: str, value: object) -> dict[str, str]:
    return {"key": _coded(key), "value": _coded(json.dumps(value))}


def _coded(text: str) -> str:
    return b64encode(text.encode()).decode()
