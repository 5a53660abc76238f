"""What ends no session in ExaBGP's process."""

import errno
from types import SimpleNamespace

import pytest
from exabgp.logger import log
from exabgp.reactor.api.processes import Processes

from bgpnet.speaker import exabgp_faults


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("notification", "write", "broken"):
        monkeypatch.setattr(Processes, name, getattr(Processes, name))
    monkeypatch.setattr(log, "debug", lambda *_told: None)  # there is no logger without a daemon
    exabgp_faults.install()


def gone(_told: bytes) -> None:
    raise BrokenPipeError(errno.EPIPE, "the relay died")


@pytest.mark.parametrize(
    "there", [True, False], ids=["while it is told something", "and was not started yet"]
)
def test_a_relay_that_died_stops_no_peer(there: bool) -> None:  # noqa: FBT001 - a parameter
    processes = Processes()
    processes._configuration = {"relay": {}}  # noqa: SLF001 - what ExaBGP's reactor fills in
    if there:
        processes._process["relay"] = SimpleNamespace(stdin=SimpleNamespace(write=gone))  # noqa: SLF001 - likewise
    assert processes.write("relay", "a line")
    assert not processes.broken(None)
