"""What the tests of the tier share: a control plane with our CRDs, and a cluster with our chart."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import binaries
from tests.cluster.controlplane import ControlPlane, control_plane, until
from tests.cluster.rig.cluster import NODES
from tests.cluster.rig.installed import Installed
from tests.cluster.rig.installed import installed as installed_cluster

CRDS = Path(__file__).parents[2] / "config" / "crd"


@pytest.fixture(scope="session")
def programs() -> binaries.Binaries:
    return binaries.find()


@pytest.fixture(scope="session")
def plane(programs: binaries.Binaries, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with control_plane(programs, tmp_path_factory.mktemp("plane")) as made:
        made.kubectl("apply", "--server-side", "-f", str(CRDS))
        made.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(CRDS))
        yield made


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """One cluster with our chart on it, for all that does not take it away again."""
    with installed_cluster(tmp_path_factory.mktemp("installed")) as made:
        yield made


@pytest.fixture
def calm(installed: Installed) -> Installed:
    """The cluster at rest, whatever a test before did."""
    for name, machine in installed.on.machines.items():
        if not machine.is_on:
            installed.on.boot(name)
    until(installed.settled, "nodes, DaemonSets and sessions are well", installed.log)
    return installed


@pytest.fixture
def two(calm: Installed) -> tuple[dict[str, Any], dict[str, Any]]:
    """A pod of each node."""
    pods = calm.web(4)
    one, other = (next(pod for pod in pods if pod["spec"]["nodeName"] == name) for name in NODES)
    return one, other
