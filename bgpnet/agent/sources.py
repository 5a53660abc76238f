"""Makes the source that the settings name."""

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import bgpnet
from bgpnet.agent.doors import SourceDoor
from bgpnet.agent.settings import FilesFrom, Settings
from bgpnet.drivers.files import FilesSource


class Source(SourceDoor, Protocol):
    """A source that follows what it reads."""

    async def run(self) -> None:
        """Follow until cancelled."""


def made(settings: Settings, changed: Callable[[], None]) -> Source:
    """The source; to be made where an event loop runs.

    Raises:
        UsageError: the API server cannot be reached for want of an address or a token.
    """
    if isinstance(settings.source, FilesFrom):
        return FilesSource(settings.source.folder, Path(settings.run_dir.last_good), changed)
    from bgpnet.drivers import kube  # noqa: PLC0415 - its 15 MiB are for those who need it

    config = settings.source.kubeconfig
    access = kube.kubeconfig(config) if config else kube.in_cluster(os.environ)
    client = kube.Client(access, f"bgpnet/{bgpnet.__version__} {settings.node_name}")
    saved = settings.state_dir / "kubernetes.json"
    return kube.KubeSource(client, settings.node_name, saved, access.namespace, random.random, changed)
