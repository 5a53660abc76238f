"""The API server as kubectl would reach it: contexts, exec plug-ins, OIDC and proxies of a kubeconfig.

The one door to the package `kubernetes`, which knows all these; see docs/decisions.md for what it costs.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from kubernetes import client, config
from urllib3.exceptions import HTTPError
from yaml import YAMLError

from bgpnet import __version__
from bgpnet.drivers.kube.client import JSON, Json, answer
from bgpnet.model.errors import ApiError, UsageError

TIMES: Final = (5.0, 30.0)
"""Seconds until a server that does not answer is given up: for the connection, and for each read."""

DEFAULT: Final = "~/.kube/config"

IN_A_POD: Final = "KUBERNETES_SERVICE_HOST"
"""Variable that every container of a pod has."""


class Server:
    """One API server."""

    def __init__(self, kubeconfig: Path | None, context: str | None, environment: Mapping[str, str]) -> None:
        """Take the kubeconfig, else that of $KUBECONFIG or ~/.kube/config, else what a pod has.

        A token that is renewed (OIDC) is written back into the kubeconfig, as kubectl does: the old one ends.

        Raises:
            UsageError: no kubeconfig, none that can be used, or it lacks the context.
        """
        places = str(kubeconfig) if kubeconfig else environment.get("KUBECONFIG") or DEFAULT
        settings = client.Configuration()
        settings.retries = False
        try:
            if kubeconfig or context or _there(places):
                config.load_kube_config(places, context, client_configuration=settings)
            elif IN_A_POD in environment:
                config.load_incluster_config(client_configuration=settings)
            else:
                raise UsageError(
                    f"there is no kubeconfig {places}, and this is no pod; give kubernetes:KUBECONFIG"
                )
            self._api = client.ApiClient(settings)
        except config.ConfigException as error:
            remedy = "give kubernetes:KUBECONFIG, and --context with a context of it"
            why = str(error).partition("/{")[0]  # what is cut off quotes the user's entry, tokens and all
            raise UsageError(f"the kubeconfig {places} cannot be used: {why}; {remedy}") from None
        except (OSError, ValueError, TypeError, LookupError, AttributeError, YAMLError) as error:
            why = f"{type(error).__name__}: {error}"
            raise UsageError(f"the kubeconfig {places} cannot be used: {why}; correct it") from error
        if not settings.host.startswith(("https://", "http://")):
            raise UsageError(
                f"the kubeconfig {places} cannot be used: server is {settings.host!r}; write https://host:port"
            )
        self._api.user_agent = f"bgpnet/{__version__}"

    def get(self, path: str, query: Mapping[str, str]) -> Json:
        """One request, and its decoded answer.

        Raises:
            ApiError: the server refuses, or cannot be reached.
        """
        request = self._api.param_serialize(
            "GET",
            path,
            query_params=list(query.items()),
            header_params={"Accept": JSON},
            auth_settings=["BearerToken"],
        )
        try:
            response = self._api.call_api(*request, _request_timeout=TIMES)
            return answer(response.status, response.read())
        except (client.ApiException, HTTPError, OSError) as error:
            why = " ".join(str(getattr(error, "reason", None) or error).split())
            raise ApiError(0, "Unreachable", f"{self._api.configuration.host}: {why}") from error


def _there(places: str) -> bool:
    return any(Path(place).expanduser().exists() for place in places.split(os.pathsep) if place)
