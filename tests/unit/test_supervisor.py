"""The supervisor as a process, with a real ExaBGP whose one peer is nobody on the loopback."""

import json
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from bgpnet.model.net import Family
from bgpnet.model.plan import Session
from bgpnet.model.rejection import ObjectRef
from bgpnet.model.rundir import RunDir
from bgpnet.model.secret import Secret
from bgpnet.render.exabgp import exabgp_conf
from tests.unit.facts import address

MAIN = """
import sys
from pathlib import PurePosixPath
from bgpnet.drivers import logs
from bgpnet.model.rundir import RunDir
from bgpnet.speaker import supervisor, watchdog
hurry = float(sys.argv[2])
watchdog.INTERVAL, watchdog.PATIENCE, watchdog.GRACE = 1 / hurry, 4 / hurry, 1 / hurry
watchdog.START = 30 / hurry
logs.setup("speaker", "info")
sys.exit(supervisor.run(RunDir(PurePosixPath(sys.argv[1]))))
"""

SESSION = Session(
    ref=ObjectRef("BGPPeer", "nobody"),
    peer=address("127.0.0.9"),
    peer_asn=65001,
    local_address=address("127.0.0.1"),
    local_asn=64512,
    router_id=address("127.0.0.1"),  # type: ignore[arg-type]
    hold_time=9,
    restart_time=120,
    families=(Family.IPV4,),
    password=None,
    link="lo",
)


class Supervisor:
    """A running `bgpnet speaker`."""

    def __init__(self, root: Path) -> None:
        self.run_dir = RunDir(PurePosixPath(root))
        self.process = self.started()

    def started(self, hurry: float = 1.0) -> subprocess.Popen[str]:
        """Start it, with a watchdog in a hurry or not."""
        argv = [sys.executable, "-c", MAIN, str(self.run_dir.root), str(hurry)]
        return subprocess.Popen(argv, stderr=subprocess.PIPE, text=True)

    def ask(self, **request: object) -> dict[str, Any]:
        """One request, as soon as somebody listens."""
        end = time.monotonic() + 10
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(10)
            while True:
                try:
                    link.connect(str(self.run_dir.speaker_socket))
                    break
                except OSError:
                    if time.monotonic() > end:
                        raise
                    time.sleep(0.005)
            link.sendall(json.dumps(request).encode() + b"\n")
            with link.makefile() as answers:
                answer = json.loads(answers.readline())
                assert isinstance(answer, dict)
                return answer

    def status(self) -> dict[str, Any]:
        return self.ask(request="status")

    def configure(self, *sessions: Session) -> dict[str, Any]:
        return self.ask(request="configure", text=exabgp_conf(sessions, self.status()["relay_argv"]))

    def until(self, key: str, *unwanted: object) -> Any:  # noqa: ANN401 - a field of a JSON object
        """A field of the status, as soon as it is something else."""
        end = time.monotonic() + 10
        while (value := self.status()[key]) in unwanted:
            assert time.monotonic() < end, f"{key} is still {value!r}"
            time.sleep(0.005)
        return value

    def ended(self) -> str:
        """Its log, when it has ended."""
        return self.process.communicate(timeout=10)[1]


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    running = Supervisor(tmp_path / "run")
    try:
        yield running
    finally:
        running.process.kill()  # ExaBGP goes with it, and the relay with ExaBGP
        if not running.process.stderr or not running.process.stderr.closed:
            running.process.communicate()


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists() and " Z " not in Path(f"/proc/{pid}/stat").read_text()


def gone(pid: int) -> None:
    end = time.monotonic() + 5
    while alive(pid):
        assert time.monotonic() < end, f"process {pid} is still there"
        time.sleep(0.002)


def test_without_a_configuration_there_is_no_exabgp(supervisor: Supervisor) -> None:
    status = supervisor.status()
    assert (status["ok"], status["exabgp"], status["relay"], status["generation"]) == (True, None, None, "")


def test_a_configuration_comes_into_force_and_the_next_one_without_a_restart(supervisor: Supervisor) -> None:
    first = supervisor.configure(SESSION)
    assert first["ok"], first
    before = supervisor.status()
    assert before["generation"] == first["generation"]
    assert before["relay"] != before["exabgp"]
    second = supervisor.configure(SESSION, replace(SESSION, peer=address("127.0.0.8"), password=Secret("x")))
    assert second["ok"], second
    after = supervisor.status()
    assert (after["exabgp"], after["relay"], after["restarts"]) == (before["exabgp"], before["relay"], 0)
    assert after["generation"] == second["generation"] != first["generation"]
    third = supervisor.configure()
    assert third["ok"], third
    assert supervisor.status()["exabgp"] == before["exabgp"]


def test_many_sessions_come_into_force_without_a_restart(supervisor: Supervisor) -> None:
    """ExaBGP takes seconds to tell what it runs with: it must not be asked anew, nor be taken for frozen."""
    assert supervisor.configure(SESSION)["ok"]
    before = supervisor.status()
    many = [replace(SESSION, peer=address(f"127.0.1.{number}")) for number in range(1, 101)]
    answer = supervisor.configure(*many)
    assert answer["ok"], answer
    after = supervisor.status()
    assert (after["exabgp"], after["restarts"]) == (before["exabgp"], 0)
    assert after["generation"] == answer["generation"]


def test_a_refused_configuration_leaves_the_former_and_tells_no_secret(supervisor: Supervisor) -> None:
    accepted = supervisor.configure(SESSION)
    text = exabgp_conf([replace(SESSION, password=Secret("hush"))], supervisor.status()["relay_argv"])
    refused = supervisor.ask(request="configure", text=text.replace('"aHVzaA=="', '"aHVzaA==" {'))
    assert not refused["ok"]
    assert "md5-password ***" in refused["error"]
    status = supervisor.status()
    assert (status["generation"], status["restarts"]) == (accepted["generation"], 0)
    assert status["error"] == refused["error"]
    supervisor.process.terminate()
    assert "aHVzaA" not in refused["error"] + supervisor.ended()


def test_without_a_descriptor_to_check_it_with_a_configuration_is_refused(supervisor: Supervisor) -> None:
    """Two are left, one of which whoever asks takes; the speaker lives and takes it afterwards."""
    accepted = supervisor.configure(SESSION)
    pid = supervisor.process.pid
    used = at_rest(pid)
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    other = exabgp_conf([replace(SESSION, hold_time=30)], supervisor.status()["relay_argv"])
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + 2, limits[1]))
    try:
        refused = supervisor.ask(request="configure", text=other)
        assert not refused["ok"]
        assert "Too many open files" in refused["error"]
        assert supervisor.status()["generation"] == accepted["generation"]
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
    assert supervisor.ask(request="configure", text=other)["ok"]
    assert supervisor.status()["restarts"] == 0


def at_rest(pid: int) -> int:
    """How many descriptors a process has when it asks ExaBGP nothing."""
    end = time.monotonic() + 10
    seen: list[int] = []
    while len(seen) < 20 or len(set(seen[-20:])) > 1:
        assert time.monotonic() < end, seen
        seen.append(len(list(Path(f"/proc/{pid}/fd").iterdir())))
        time.sleep(0.005)
    return seen[-1]


def test_what_is_not_ours_and_what_is_no_request_is_refused(supervisor: Supervisor) -> None:
    assert "generation" in supervisor.ask(request="configure", text="neighbor 10.0.0.1 {}")["error"]
    assert "unknown request" in supervisor.ask(request="configure")["error"]
    assert "unknown request" in supervisor.ask(request="dance")["error"]


def test_a_killed_exabgp_is_back_at_once(supervisor: Supervisor) -> None:
    """In less than 100 ms on a machine that has nothing else to do; a delay would be one of seconds."""
    supervisor.configure(SESSION)
    first = supervisor.status()["exabgp"]
    os.kill(first, signal.SIGKILL)
    killed = time.time()
    supervisor.until("exabgp", first, None)
    status = supervisor.status()
    assert status["since"] - killed < 2.0
    assert (status["restarts"], status["error"]) == (1, "ExaBGP ended with signal SIGKILL")
    assert supervisor.until("relay", None)


def test_a_killed_relay_is_exabgps_business(supervisor: Supervisor) -> None:
    supervisor.configure(SESSION)
    before = supervisor.status()
    os.kill(before["relay"], signal.SIGKILL)
    assert supervisor.until("relay", before["relay"], None)
    assert supervisor.status()["exabgp"] == before["exabgp"]


def test_a_killed_supervisor_takes_exabgp_along_and_its_heir_starts_it_at_once(
    supervisor: Supervisor,
) -> None:
    generation = supervisor.configure(SESSION)["generation"]
    before = supervisor.status()
    supervisor.process.kill()
    supervisor.ended()
    gone(before["exabgp"])
    gone(before["relay"])
    supervisor.process = supervisor.started()
    assert supervisor.until("exabgp", None) != before["exabgp"]
    assert supervisor.status()["generation"] == generation


def test_the_relay_of_a_version_that_is_gone_is_not_asked_for(supervisor: Supervisor) -> None:
    """An upgrade put the program somewhere else, and no agent is there to configure the speaker anew."""
    supervisor.configure(SESSION)
    supervisor.process.terminate()
    supervisor.ended()
    accepted = Path(supervisor.run_dir.exabgp_conf)
    accepted.write_text(accepted.read_text().replace(f"run {sys.executable}", "run /gone/bin/python3"))
    supervisor.process = supervisor.started()
    assert supervisor.until("relay", None)
    assert supervisor.status()["restarts"] == 0
    assert "/gone" not in accepted.read_text()


def test_a_stop_ends_exabgp_and_the_relay(supervisor: Supervisor) -> None:
    supervisor.configure(SESSION)
    status = supervisor.status()
    supervisor.process.terminate()
    log = supervisor.ended()
    assert "keep our routes" in log
    assert "level=warning" not in log
    assert supervisor.process.returncode == 0
    assert not alive(status["exabgp"])
    gone(status["relay"])


def test_a_second_supervisor_of_the_same_directory_refuses_to_start(supervisor: Supervisor) -> None:
    supervisor.status()
    other = supervisor.started()
    assert "another bgpnet speaker" in other.communicate(timeout=10)[1]
    assert other.returncode == 1


def test_a_frozen_exabgp_is_replaced(supervisor: Supervisor) -> None:
    supervisor.process.terminate()
    supervisor.ended()
    supervisor.process = supervisor.started(hurry=5.0)
    supervisor.configure(SESSION)
    frozen = supervisor.status()["exabgp"]
    descriptor = os.pidfd_open(frozen)
    os.kill(frozen, signal.SIGSTOP)
    assert select.select([descriptor], [], [], 5)[0]
    os.close(descriptor)
    assert supervisor.until("exabgp", frozen, None)
    assert supervisor.status()["error"] == "ExaBGP ended with signal SIGKILL"
