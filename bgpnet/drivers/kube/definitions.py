"""Brings the CustomResourceDefinitions of a cluster up to date, by server-side apply."""

from collections.abc import Iterable
from typing import Final

from bgpnet.drivers.kube.client import APPLY, Client, Json

_PATH: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


async def apply(client: Client, definitions: Iterable[Json]) -> None:
    """Whoever made them before (Helm, kubectl), the fields are ours from now on.

    Raises:
        ApiError: the server refuses one; those before it are done.
    """
    for each in definitions:
        name = each["metadata"]["name"]
        query = {"fieldManager": "bgpnet", "force": "true"}
        await client.call("PATCH", f"{_PATH}/{name}", query, body=each, kind=APPLY)
