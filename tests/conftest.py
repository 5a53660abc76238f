"""What holds for every test."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, settings

# Others use the machine too, and the tiers run beside each other: how long one example takes says nothing.
settings.register_profile("shared-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared-machine")


@pytest.fixture
def short_path() -> Iterator[Path]:
    """An empty folder for a run directory: the path of `tmp_path` is too long for sockets below it."""
    with TemporaryDirectory(prefix="bgpnet-") as folder:
        yield Path(folder)
