"""One control plane for all tests of the tier, with our CRDs in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import binaries
from tests.cluster.controlplane import ControlPlane, control_plane

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
