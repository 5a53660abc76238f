"""Makes the source that the settings name."""

import os
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bgpnet
from bgpnet.agent.doors import ClaimsDoor, SourceDoor
from bgpnet.agent.settings import SAVED, FilesFrom, Settings
from bgpnet.model.status import NodeStatus


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the objects come from, and where claims go."""

    source: SourceDoor
    run: Callable[[], Coroutine[Any, Any, None]]
    """Follows the source until cancelled."""
    claims: ClaimsDoor | None = None
    tell: Callable[[], None] = lambda: None
    """The node's status may have changed."""


def made(settings: Settings, status: Callable[[], NodeStatus | None], changed: Callable[[], None]) -> Origin:
    """The source; to be made where an event loop runs. `status` gives how the node is.

    Raises:
        UsageError: the API server cannot be reached for want of an address or a token.
    """
    if isinstance(settings.source, FilesFrom):
        from bgpnet.drivers.files.source import FilesSource  # noqa: PLC0415 - with YAML 1 MiB that a cluster's nodes spare

        files = FilesSource(settings.source.folder, Path(settings.run_dir.last_good), changed)
        return Origin(files, files.run)
    from bgpnet.drivers import kube  # noqa: PLC0415 - its 15 MiB are for those who need it

    config = settings.source.kubeconfig
    access = kube.kubeconfig(config) if config else kube.in_cluster(os.environ)
    places = kube.Places(settings.state_dir / SAVED, Path(settings.run_dir.passwords), settings.bootstrap)
    node = kube.KubeNode(
        access, settings.node_name, bgpnet.__version__, places, status=status, changed=changed
    )
    return Origin(node.source, node.run, node.claims, node.reporter.tell)
