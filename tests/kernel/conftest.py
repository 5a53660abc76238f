"""What most tests of the CNI plug-in begin with."""

from collections.abc import Iterator

import pytest

from tests.cninode import CniNode, built_shim, cni_node
from tests.netns import Namespace, namespace


@pytest.fixture(scope="session", autouse=True)
def _shim() -> None:
    """The shim is built from the present source."""
    built_shim()


@pytest.fixture
def node() -> Iterator[CniNode]:
    """A node with a block of each family."""
    with cni_node("10.244.1.0/26", "fd00:244:1::/64") as made:
        yield made


@pytest.fixture
def pod() -> Iterator[Namespace]:
    """A pod's network namespace."""
    with namespace("pod") as made:
        yield made
