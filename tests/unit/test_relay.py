"""The relay: what goes where, and that ExaBGP's writes never wait for anybody."""

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
from contextlib import contextmanager
from pathlib import Path

import pytest

from bgpnet.speaker import relay
from bgpnet.speaker.relay import KEPT, QUEUED, UNREAD, Client, Relay

EVENT = b'{ "exabgp": "5.0.0", "type": "state" }'


def said(client: Client) -> list[dict[str, object]]:
    """What a client can read, and reads."""
    lines = [json.loads(line) for line in bytes(client.out).splitlines()]
    client.out.clear()
    return lines


def agent(core: Relay) -> Client:
    client = Client()
    core.client_said(client, b"agent", 0.0)
    return client


def test_an_agent_is_greeted_before_anything_else() -> None:
    core = Relay("12-34", 5.0, respawned=False)
    client = Client()
    core.client_said(client, b"agent", 7.5)
    core.exabgp_said(EVENT)
    hello, event = said(client)
    assert hello == {"hello": {"speaker": "12-34", "age": 2.5, "relay": os.getpid(), "gap": False}}
    assert event == {"event": {"exabgp": "5.0.0", "type": "state"}}


def test_events_are_kept_for_the_first_agent() -> None:
    core = Relay("1-1", 0.0, respawned=False)
    core.exabgp_said(EVENT)
    assert [list(line) for line in said(agent(core))] == [["hello"], ["event"]]


def test_too_many_events_are_given_up_whole_and_that_is_told() -> None:
    core = Relay("1-1", 0.0, respawned=False)
    for _ in range(KEPT // len(EVENT) + 1):
        core.exabgp_said(EVENT)
    (hello,) = said(agent(core))
    assert hello["hello"] == {"speaker": "1-1", "age": 0.0, "relay": os.getpid(), "gap": True}


def test_a_later_agent_has_missed_something() -> None:
    core = Relay("1-1", 0.0, respawned=False)
    core.client_left(agent(core))
    core.exabgp_said(EVENT)
    (hello,) = said(agent(core))
    assert '"gap": true' in json.dumps(hello)


def test_a_respawned_relay_has_missed_something() -> None:
    (hello,) = said(agent(Relay("1-1", 0.0, respawned=True)))
    assert '"gap": true' in json.dumps(hello)


def test_a_newer_agent_replaces_the_older() -> None:
    core = Relay("1-1", 0.0, respawned=False)
    older = agent(core)
    newer = agent(core)
    core.exabgp_said(EVENT)
    assert older.dropped
    assert [list(line) for line in said(newer)] == [["hello"], ["event"]]


def test_one_who_asks_gets_no_events_and_displaces_nobody() -> None:
    core = Relay("1-1", 0.0, respawned=False)
    first = agent(core)
    asking = Client()
    core.client_said(asking, b"ask", 0.0)
    core.exabgp_said(EVENT)
    assert [list(line) for line in said(asking)] == [["hello"]]
    assert not first.dropped


def test_exabgp_gets_one_command_at_a_time_and_answers_find_their_owner() -> None:
    core = Relay("1-1", 0.0, respawned=False)
    first, second = agent(core), Client()
    core.client_said(second, b"ask", 0.0)
    core.client_said(first, b"7 announce route", 0.0)
    core.client_said(second, b"1 version", 0.0)
    core.client_said(first, b"8 show adj-rib out", 0.0)
    assert core.to_exabgp == b"announce route\n"
    core.exabgp_said(b"error")
    assert core.to_exabgp == b"announce route\nversion\n"
    core.exabgp_said(b'exabgp "5"\\')
    core.exabgp_said(EVENT)
    core.exabgp_said(b"done")
    core.exabgp_said(b'{"peer": 1}')
    core.exabgp_said(b"done")
    assert said(second)[1:] == [{"id": 1, "line": 'exabgp "5"\\'}, {"id": 1, "answer": "done"}]
    assert said(first)[1:] == [
        {"id": 7, "answer": "error"},
        {"event": {"exabgp": "5.0.0", "type": "state"}},
        {"id": 8, "line": {"peer": 1}},
        {"id": 8, "answer": "done"},
    ]


def test_the_answer_to_a_vanished_agent_is_swallowed() -> None:
    core = Relay("1-1", 0.0, respawned=False)
    gone = agent(core)
    core.client_said(gone, b"1 announce route", 0.0)
    core.client_said(gone, b"2 never sent", 0.0)
    core.client_left(gone)
    heir = agent(core)
    core.client_said(heir, b"1 version", 0.0)
    core.exabgp_said(b"done")
    core.exabgp_said(b"exabgp 5")
    core.exabgp_said(b"done")
    assert core.to_exabgp == b"announce route\nversion\n"
    assert said(heir)[1:] == [{"id": 1, "line": "exabgp 5"}, {"id": 1, "answer": "done"}]


def test_an_answer_that_nobody_asked_for_goes_nowhere() -> None:
    core = Relay("1-1", 0.0, respawned=False)
    client = agent(core)
    core.exabgp_said(b"done")
    assert len(said(client)) == 1


@pytest.mark.parametrize("line", [b"no number", b"7", b"7 ", "7 ünï".encode()])
def test_nonsense_ends_a_client(line: bytes) -> None:
    """ExaBGP would kill its child for a command that is not ASCII."""
    core = Relay("1-1", 0.0, respawned=False)
    client = agent(core)
    core.client_said(client, line, 0.0)
    assert client.dropped
    assert core.to_exabgp == b""


def test_an_unknown_role_ends_a_client() -> None:
    client = Client()
    Relay("1-1", 0.0, respawned=False).client_said(client, b"GET / HTTP/1.1", 0.0)
    assert client.dropped


def test_a_client_that_queues_without_end_is_dropped() -> None:
    core = Relay("1-1", 0.0, respawned=False)
    client = agent(core)
    for number in range(QUEUED + 2):
        core.client_said(client, b"%d version" % number, 0.0)
    assert client.dropped


# --- the process ----------------------------------------------------------------------------------------


@contextmanager
def running(directory: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """The relay as ExaBGP runs it."""
    path = directory / "relay.sock"
    process = subprocess.Popen(
        [sys.executable, "-ISE", relay.__file__, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
    )
    try:
        yield process, path
    finally:
        process.kill()
        process.wait()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.stdout.close()


def connected(path: Path, role: bytes) -> socket.socket:
    """A client, as soon as the relay listens."""
    end = time.monotonic() + 5
    while True:
        link = socket.socket(socket.AF_UNIX)
        link.settimeout(5)
        try:
            link.connect(str(path))
            link.sendall(role + b"\n")
        except OSError:
            link.close()
            if time.monotonic() > end:
                raise
            time.sleep(0.005)
        else:
            return link


def test_process_carries_a_command_and_its_answer(tmp_path: Path) -> None:
    with (
        running(tmp_path) as (process, path),
        connected(path, b"agent") as link,
        link.makefile("rb") as reader,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        assert b'"gap": false' in reader.readline()
        assert path.stat().st_mode & 0o777 == 0o600
        link.sendall(b"1 version\n")
        assert process.stdout.read(8) == b"version\n"
        process.stdin.write(b"exabgp 5\ndone\n")
        assert reader.readline() == b'{"id": 1, "line": "exabgp 5"}\n'
        assert reader.readline() == b'{"id": 1, "answer": "done"}\n'


def test_process_never_lets_exabgp_wait(tmp_path: Path) -> None:
    """Twice what a stuck agent may leave unread: ExaBGP's end of the pipe stays writable all along."""
    with running(tmp_path) as (process, path), connected(path, b"agent") as link:
        assert process.stdin is not None
        assert b'"gap": false' in link.recv(200)
        line = EVENT[:-1] + b'"x": "' + b"x" * 4000 + b'" }\n'
        for _ in range(2 * UNREAD // len(line)):
            assert select.select([], [process.stdin], [], 5)[1]
            process.stdin.write(line)
        with connected(path, b"agent") as heir:
            assert b'"gap": true' in heir.recv(200)
        assert process.poll() is None


def test_process_ends_with_exabgp_and_only_then(tmp_path: Path) -> None:
    with running(tmp_path) as (process, path):
        assert process.stdin is not None
        with connected(path, b"agent"):
            pass
        (tmp_path / "relay.sock").unlink()
        process.send_signal(signal.SIGPIPE)
        assert process.poll() is None
        process.stdin.close()
        assert process.wait(5) == 0


def test_process_replaces_a_stale_socket_and_knows_of_its_predecessor(tmp_path: Path) -> None:
    with running(tmp_path) as (_, path), connected(path, b"ask") as link:
        assert b'"gap": false' in link.recv(200)
    with running(tmp_path) as (process, path):
        end = time.monotonic() + 5
        while f" {process.pid}\n" not in Path(f"{path}.life").read_text() and time.monotonic() < end:
            time.sleep(0.005)
        with connected(path, b"ask") as link:
            assert b'"gap": true' in link.recv(200)
    assert Path(f"{path}.life").stat().st_mode & 0o777 == 0o600


def processor_time(pid: int) -> int:
    """User and system, in clock ticks (proc(5), stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_process_answers_without_a_descriptor_left_and_outlives_a_limit_below_what_it_has(
    tmp_path: Path,
) -> None:
    """The watchdog's question, not heard, would end ExaBGP; poll(2) fails below the limit."""
    with running(tmp_path) as (process, path), connected(path, b"agent") as link:
        assert process.stdin is not None
        assert b'"gap": false' in link.recv(200)
        used = 1 + max(int(each.name) for each in Path(f"/proc/{process.pid}/fd").iterdir())
        _, hard = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (used, hard))
        for _ in range(5):
            with connected(path, b"ask") as watchdog:
                assert b'"gap"' in watchdog.recv(200)
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (3, hard))
        with connected(path, b"ask") as waits:
            before = processor_time(process.pid)
            time.sleep(0.5)
            assert processor_time(process.pid) - before < 10, "it spins"
            process.stdin.write(EVENT + b"\n")
            assert b'"event"' in link.recv(200)
            resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (hard, hard))
            assert b'"gap"' in waits.recv(200)
        assert process.poll() is None
