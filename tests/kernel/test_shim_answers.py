"""What the shim answers itself, with no server to ask: VERSION and STATUS."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bgpnet.drivers.readiness import Readiness
from bgpnet.model.cni import SUPPORTED_VERSIONS
from tests.bgprouter import until
from tests.cninode import CONFIG, Answer, finish
from tests.shimcalls import call, start

pytestmark = pytest.mark.kernel


@pytest.fixture
def path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bgpnet-") as directory:
        yield Path(directory) / "cni.sock"


@pytest.mark.parametrize("version", ["0.3.1", "1.1.0", "1.2.0"])
def test_version_is_answered_without_a_server(version: str) -> None:
    answer = call("VERSION", config={"cniVersion": version})
    assert answer == Answer(0, {"cniVersion": version, "supportedVersions": list(SUPPORTED_VERSIONS)})


@pytest.mark.parametrize(
    "config",
    [
        b"",
        b"nonsense",
        b'{"cniVersion": 5}',
        b'{"cniVersion": "1.0.0',
        b'{"cniVersion": "1.1.0\\"}"}',
        b'"cniVersion"',
        b'{"cniVersion":"11111111111111111"}',
    ],
)
def test_a_version_that_cannot_be_read_is_the_newest(config: bytes) -> None:
    assert call("VERSION", config=config).output["cniVersion"] == "1.1.0"


def test_status_is_answered_without_a_server(path: Path) -> None:
    readiness = Readiness(path.with_name("ready"), path.with_name("heartbeat"), time.monotonic)
    not_available(path, "ready", "No such file or directory")
    readiness.mark_ready()
    not_available(path, "heartbeat", "No such file or directory")
    readiness.beat()
    assert call("STATUS", path) == Answer(0, {})


@pytest.mark.parametrize(
    "beat", ["", "\n", "soon", "-5", "9" * 18, "9" * 30, "1 2", pytest.param(None, id="61 s ago")]
)
def test_status_without_a_heartbeat_of_late(path: Path, beat: str | None) -> None:
    path.with_name("ready").touch()
    text = beat if beat is not None else f"{(time.monotonic() - 61) * 1000:.0f}"
    path.with_name("heartbeat").write_text(text)
    not_available(path, "heartbeat", "more than 60 s ago")
    path.with_name("heartbeat").write_text(f"{(time.monotonic() - 50) * 1000:.0f}\n")
    assert call("STATUS", path).status == 0


def test_status_with_a_heartbeat_that_came_after_the_shim_began(path: Path) -> None:
    path.with_name("ready").touch()
    shim = start("STATUS", path)
    stat = Path(f"/proc/{shim.pid}/stat")
    until(lambda: stat.read_text().split()[2] == "S", "it waits for its configuration")
    time.sleep(0.01)  # the heartbeat is of a later millisecond
    Readiness(path.with_name("ready"), path.with_name("heartbeat"), time.monotonic).beat()
    assert finish(shim, CONFIG).status == 0


@pytest.mark.parametrize("version", ["0.2.0", "0.4.0", "1.0.0", "2.0.0"])
def test_status_of_a_version_that_has_none(path: Path, version: str) -> None:
    answer = call("STATUS", path, {**CONFIG, "cniVersion": version})
    assert (answer.status, answer.output["code"]) == (1, 1)
    assert version in answer.output["msg"]


@pytest.mark.parametrize(
    "config",
    [b"", b"nonsense", b'{"cniVersion": "1.1.0", "name": "n', b'{"name": "n"', b'{"name": "n"}}', b"[]"],
)
@pytest.mark.parametrize("command", ["ADD", "DEL", "STATUS"])
def test_a_configuration_that_cannot_be_read_names_no_server_and_waits_for_none(
    command: str, config: bytes
) -> None:
    """To try again later would not help; with another run directory than ours the socket stands in there."""
    answer = call(command, "", config)
    assert (answer.status, answer.output["code"]) == (1, 6)
    assert "stdin" in answer.output["msg"]


def not_available(path: Path, *words: str) -> None:
    answer = call("STATUS", path)
    assert (answer.status, answer.output["code"]) == (1, 50)
    for word in words:
        assert word in answer.output["msg"]
