"""What is read of a cluster, what an agent follows of it, and what is kept of each object."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from bgpnet.drivers.kube.client import Json
from bgpnet.drivers.kube.watch import Collection
from bgpnet.model.crd.meta import API_VERSION, GROUP, VERSION

OURS: Final = f"/apis/{GROUP}/{VERSION}"

_METADATA: Final = (
    "name",
    "uid",
    "labels",
    "creationTimestamp",
    "deletionTimestamp",
    "generation",
    "ownerReferences",
    "resourceVersion",
)


def whole() -> tuple[Collection, ...]:
    """All that is declared in a cluster, but for passwords."""
    plurals = {
        "BGPConfiguration": "bgpconfigurations",
        "BGPFilter": "bgpfilters",
        "BGPPeer": "bgppeers",
        "IPPool": "ippools",
        "IPBlock": "ipblocks",
    }
    return (
        Collection("Node", "v1", "/api/v1/nodes", _node),
        *(Collection(kind, API_VERSION, f"{OURS}/{plural}", _object) for kind, plural in plurals.items()),
    )


def followed(node: str) -> tuple[Collection, ...]:
    """The own Node, the own IPBlocks, and what holds for the whole cluster."""
    own = {"Node": f"metadata.name={node}", "IPBlock": f"spec.node={node}"}
    return tuple(
        replace(each, query={"fieldSelector": own[each.kind]}) if each.kind in own else each
        for each in whole()
    )


def _object(item: Json) -> Json:
    """Without what is never read: managed fields, annotations, status."""
    return {"metadata": _metadata(item), "spec": item.get("spec")}


def _node(item: Json) -> Json:
    """A Node object has dozens of kilobytes, most of them names of images."""
    spec, status = item.get("spec") or {}, item.get("status") or {}
    conditions = [
        {key: condition.get(key) for key in ("type", "status", "reason")}
        for condition in status.get("conditions") or ()
        if condition.get("type") == "NetworkUnavailable"
    ]
    annotations = item["metadata"].get("annotations") or {}
    ours = {key: value for key, value in annotations.items() if key.startswith(f"{GROUP}/")}
    return {
        "metadata": _metadata(item) | ({"annotations": ours} if ours else {}),
        "spec": {key: spec[key] for key in ("podCIDR", "podCIDRs", "taints") if key in spec},
        "status": {"addresses": status.get("addresses") or [], "conditions": conditions},
    }


def _metadata(item: Mapping[str, Any]) -> Json:
    told = item["metadata"]
    return {key: told[key] for key in _METADATA if key in told}
