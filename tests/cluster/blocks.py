"""IPBlocks that a test leaves: their quarantine would keep them."""

from typing import Any, Final

from tests.cluster.controlplane import ControlPlane

BLOCKS: Final = "/apis/bgpnet.io/v1alpha1/ipblocks"


def drop(plane: ControlPlane, name: str) -> None:
    """A block, without any quarantine."""
    none: dict[str, Any] = {"metadata": {"finalizers": []}}
    plane.request("PATCH", f"{BLOCKS}/{name}", none, kind="application/merge-patch+json")
    plane.request("DELETE", f"{BLOCKS}/{name}")


def drop_all(plane: ControlPlane) -> None:
    """All that there are."""
    for item in plane.request("GET", BLOCKS)[1]["items"]:
        drop(plane, item["metadata"]["name"])
