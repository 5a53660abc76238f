"""An API server that a test plays."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bgpnet.drivers.kube.client import Client

Json = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """One request, as `Client.call` got it."""

    method: str
    path: str
    query: Mapping[str, str] | None
    body: object
    kind: str
    accept: str


class PlayedServer(Client):
    """A client whose requests `answer` answers; nothing is sent."""

    def answer(self, asked: Asked) -> Json:
        """What the server says.

        Raises:
            ApiError: it refuses.
        """
        raise NotImplementedError

    async def call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        body: object = None,
        kind: str = "",
        accept: str = "",
    ) -> Json:
        return self.answer(Asked(method, path, query, body, kind, accept))
