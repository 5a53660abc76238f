"""Waits for the pods of a DaemonSet: until each is ready, or until none is left."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from bgpnet.drivers.kube.client import Client, Json
from bgpnet.model.errors import ApiError, NotThereError

EVERY: Final = 0.5
"""Seconds between two looks."""


@dataclass(frozen=True, slots=True)
class Pods:
    """What was seen of a DaemonSet's pods. Those on nodes that are away are nobody's hope: they are apart."""

    wanted: int | None
    """As many as the DaemonSet wants; None while its controller has not looked, or there is none."""
    unready: tuple[str, ...]
    """What is wrong with each that is not ready, in words."""
    ready: int
    away: tuple[str, ...]
    """Nodes whose kubelet tells nothing any more, with a pod of it."""

    @property
    def all_ready(self) -> bool:
        """Whether there is nothing left to wait for."""
        return self.wanted is not None and not self.unready and self.ready + len(self.away) >= self.wanted

    @property
    def gone(self) -> bool:
        """Whether neither the DaemonSet nor a pod of it that runs is there."""
        return self.wanted is None and not self.unready and not self.ready


async def ready(client: Client, namespace: str, name: str, seconds: float) -> tuple[str, ...]:
    """Wait until all pods are ready; gives the nodes that are away, on which nothing is known.

    Raises:
        ApiError: the server refuses.
        NotThereError: they are not, after so many seconds; says which and why.
    """
    return await _until(
        lambda pods: pods.all_ready,
        lambda pods: f"{pods.ready} of {pods.wanted or 'yet unknown'} pods are ready",
        client,
        namespace,
        name,
        seconds,
    )


async def gone(client: Client, namespace: str, name: str, seconds: float) -> tuple[str, ...]:
    """Wait until neither the DaemonSet nor a pod of it is left; gives the nodes that are away.

    Raises:
        ApiError: the server refuses.
        NotThereError: they are there still, after so many seconds; says which.
    """
    return await _until(
        lambda pods: pods.gone,
        lambda pods: f"{pods.ready + len(pods.unready)} pods are still there",
        client,
        namespace,
        name,
        seconds,
    )


async def _until(
    done: Callable[[Pods], bool],
    short: Callable[[Pods], str],
    client: Client,
    namespace: str,
    name: str,
    seconds: float,
) -> tuple[str, ...]:
    """Look until it is done; `short` says what it is instead when time is up."""
    end = time.monotonic() + seconds
    while not done(found := await look(client, namespace, name)):
        if time.monotonic() > end:
            raise NotThereError(
                f"DaemonSet {name}: {short(found)} after {seconds:g} s"
                + "".join(f"\n  {each}" for each in found.unready)
            )
        await asyncio.sleep(EVERY)
    return found.away


async def look(client: Client, namespace: str, name: str) -> Pods:
    """How the pods are now.

    Raises:
        ApiError: the server refuses.
    """
    wanted, selector = await _daemon_set(client, namespace, name)
    pods = await client.call("GET", f"/api/v1/namespaces/{namespace}/pods", {"labelSelector": selector})
    nodes = await client.call("GET", "/api/v1/nodes", {"resourceVersion": "0"})
    away = {node["metadata"]["name"] for node in nodes["items"] if is_away(node)}
    on = [(pod.get("spec", {}).get("nodeName", ""), pod) for pod in pods["items"]]
    heard = [(node, pod) for node, pod in on if node not in away]
    return Pods(
        wanted,
        tuple(f"{node or 'no node'}: {_trouble(pod)}" for node, pod in heard if not _is_ready(pod)),
        sum(_is_ready(pod) for _, pod in heard),
        tuple(sorted({node for node, _ in on if node in away})),
    )


def is_away(node: Json) -> bool:
    """Whether its kubelet tells nothing any more: nothing is known of what runs there."""
    return _condition(node, "Ready") == "Unknown"


async def _daemon_set(client: Client, namespace: str, name: str) -> tuple[int | None, str]:
    """How many pods it wants, and how they are told; the chart's labels where there is none."""
    chart = f"app.kubernetes.io/name=bgpnet,app.kubernetes.io/component={name.removeprefix('bgpnet-')}"
    try:
        found = await client.call("GET", f"/apis/apps/v1/namespaces/{namespace}/daemonsets/{name}")
    except ApiError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return None, chart
        raise
    status = found.get("status", {})
    seen = status.get("observedGeneration", 0) >= found["metadata"].get("generation", 1)
    return (status.get("desiredNumberScheduled", 0) if seen else None), chart


def _condition(item: Json, kind: str) -> str:
    conditions = item.get("status", {}).get("conditions", [])
    return next((str(each["status"]) for each in conditions if each["type"] == kind), "")


def _is_ready(pod: Json) -> bool:
    return _condition(pod, "Ready") == "True" and "deletionTimestamp" not in pod["metadata"]


def _trouble(pod: Json) -> str:
    """Why it is not ready: what its first unfinished container says."""
    status = pod.get("status", {})
    if "deletionTimestamp" in pod["metadata"]:
        return "it is ending"
    for container in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]:
        state, last = container.get("state", {}), container.get("lastState", {})
        ended = last.get("terminated") or state.get("terminated") or {}
        said = ended.get("message") or state.get("waiting", {}).get("message") or ""
        if not container.get("ready"):
            why = state.get("waiting", {}).get("reason") or "it runs"
            return f"container {container['name']}: {why} {said}".strip()
    return str(status.get("phase", "unknown"))
