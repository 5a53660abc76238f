"""What the tests of the tier share: a control plane with our CRDs, and a cluster with our chart."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # it ships no types

from tests.cluster import binaries
from tests.cluster.controlplane import ControlPlane, control_plane, until
from tests.cluster.following import cluster_of_two
from tests.cluster.rack import Rack, declared, rack
from tests.cluster.rig.cluster import NODES
from tests.cluster.rig.installed import Installed
from tests.cluster.rig.installed import installed as installed_cluster
from tests.cluster.wire import Wire, wire

CRDS = Path(__file__).parents[2] / "config" / "crd"

OF_THEIR_OWN = {"test_beside", "test_chart", "test_remains", "test_two_nodes"}
"""Modules that make a cluster for themselves, or need none."""

OF_INSTALLED = {"test_installed", "test_kills"}
"""Modules that share the cluster with our chart."""

OF_RACKS = {"test_agent", "test_idle", "test_podcidrs", "test_storm", "test_upheaval"}
"""Modules with whole agents, that wait more than they compute. All others share another control plane."""

LONGEST_FIRST = ("test_beside", "installed", "racks", "test_remains", "plane", "test_two_nodes", "test_chart")
"""In which order they begin. A worker takes its next group while two tests of one are left: behind the first,
which has few and long ones, comes a short one."""

FIGURE = "figure"


def group(nodeid: str) -> str:
    """Which tests this one shares a cluster with."""
    module = Path(nodeid.partition("::")[0]).stem
    if module in OF_THEIR_OWN:
        return module
    return "installed" if module in OF_INSTALLED else "racks" if module in OF_RACKS else "plane"


class Groups(LoadScopeScheduling):  # type: ignore[misc]  # of no type that is known
    """Tests that run beside each other (`pytest -n`) share nothing: who shares a cluster is on one worker.

    By name, not by xdist_group: with pytest 9 xdist 3.8 does not see that mark.
    """

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:  # noqa: ANN401 - xdist's own
    """Whatever --dist says; the groups in the order of their tests, not by how many they have."""
    config.option.loadscopereorder = False
    return Groups(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """After the order was made random: within a group it stays so."""
    here = Path(__file__).parent
    if all(here in item.path.parents for item in items):
        items.sort(key=lambda item: LONGEST_FIRST.index(group(item.nodeid)))


def pytest_terminal_summary(terminalreporter: Any) -> None:  # noqa: ANN401 - pytest's own, not public
    """What tests have measured, also where they passed."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, ())]
    figures = [value for report in reports for name, value in report.user_properties if name == FIGURE]
    if figures:
        terminalreporter.section("measured")
        for figure in figures:
            terminalreporter.line(figure)


@pytest.fixture
def measured(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Tells a figure at the end of the run."""
    return lambda figure: record_property(FIGURE, figure)


@pytest.fixture(scope="session")
def programs() -> binaries.Binaries:
    return binaries.find()


@pytest.fixture(scope="session")
def plane(programs: binaries.Binaries, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with control_plane(programs, tmp_path_factory.mktemp("plane")) as made:
        made.kubectl("apply", "--server-side", "-f", str(CRDS))
        made.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(CRDS))
        yield made


@pytest.fixture
def two_nodes(plane: ControlPlane) -> Iterator[ControlPlane]:
    """A cluster of two nodes and a configuration, as it was found afterwards."""
    with cluster_of_two(plane) as made:
        yield made


@pytest.fixture
def line(two_nodes: ControlPlane) -> Iterator[Wire]:
    """A wire to its API server."""
    with wire(two_nodes.port) as made:
        yield made


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For a rack. Its name is short: the path of a socket has 108 bytes, of which `pytest -n` takes some."""
    return tmp_path_factory.mktemp("r")


@pytest.fixture(scope="module")
def rack_of_module(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rack]:
    """Node n1 with a block, a session, and its prefix in the router's kernel."""
    with declared(plane), rack(plane, tmp_path_factory.mktemp("rack")) as made:
        until(made.routes, "the router has a route", made.log)
        yield made


@pytest.fixture
def running(rack_of_module: Rack) -> Iterator[Rack]:
    """The rack with its line whole, whatever a test that failed left."""
    yield rack_of_module
    rack_of_module.line.mend()


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
