"""The shim alone: what it sends, and what it does with bad input and bad servers."""

import fcntl
import json
import os
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bgpnet.cni import wire
from tests.cninode import CONFIG, PLUGIN, SHIM, Answer
from tests.netns import Namespace
from tests.shimcalls import Server, answering, call, silent, start

pytestmark = pytest.mark.kernel

SIOCGSKNS = 0x894C
ANSWER = struct.Struct("=8sII")


@pytest.fixture
def path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bgpnet-") as directory:
        yield Path(directory) / "cni.sock"


@pytest.mark.parametrize(
    "binary", sorted((PLUGIN / "build").glob("*/bgpnet")) or [SHIM], ids=lambda path: path.parent.name
)
def test_it_is_small_and_static(binary: Path) -> None:
    assert binary.stat().st_size < 40_000
    headers = subprocess.run(["readelf", "-lW", binary], check=True, capture_output=True, text=True).stdout
    assert "INTERP" not in headers
    assert "GNU_STACK" in headers
    assert "RWE" not in headers


@pytest.mark.parametrize("command", ["ADD", "DEL", "CHECK", "GC"])
def test_nobody_listens(command: str, path: Path, pod: Namespace) -> None:
    answer = call(command, path, {**CONFIG, "cniVersion": "0.4.0"}, CNI_NETNS=f"/run/netns/{pod.name}")
    assert (answer.status, answer.output["code"], answer.output["cniVersion"]) == (1, 11, "0.4.0")
    assert str(path) in answer.output["msg"]


def test_no_command() -> None:
    answer = call(None)
    assert (answer.status, answer.output["code"]) == (1, 4)
    assert "CNI_COMMAND" in answer.output["msg"]


@pytest.mark.parametrize("size", [(1 << 20) + 1, 5_000_000])
def test_an_oversized_configuration_is_refused_with_its_size(size: int, path: Path) -> None:
    answer = call("ADD", path, b'{"cniVersion":"1.0.0"}' + b" " * (size - 22))
    assert (answer.status, answer.output["code"]) == (1, 7)
    assert f"has {size} bytes, at most 1048576" in answer.output["msg"]


def test_an_endless_configuration_is_refused(path: Path) -> None:
    environment = {"CNI_COMMAND": "ADD", "BGPNET_CNI_SOCKET": str(path)}
    with Path("/dev/zero").open("rb") as endless:
        done = subprocess.run(
            [SHIM], check=False, env=environment, stdin=endless, capture_output=True, timeout=30
        )
    assert done.returncode == 1
    assert "more than 67" in json.loads(done.stdout)["msg"]


def test_a_configuration_that_does_not_end_is_waited_for_only_so_long(path: Path) -> None:
    with start("DEL", path, BGPNET_CNI_DEADLINE_MS="100") as waiting:
        assert waiting.stdout is not None
        assert waiting.wait(10) == 1
        assert json.loads(waiting.stdout.read())["code"] == 5


@pytest.mark.parametrize("command", ["ADD", "CHECK"])
def test_no_namespace_is_named(command: str, path: Path) -> None:
    with Server(path, silent):
        answer = call(command, path)
    assert (answer.status, answer.output["code"]) == (1, 4)
    assert "CNI_NETNS is not set" in answer.output["msg"]


@pytest.mark.parametrize(
    ("netns", "reason"),
    [
        ("/run/netns/bgpnet-never-was", "No such file or directory"),
        ("/etc/hostname", "is not a network namespace"),
        ("/run/netns", "is not a network namespace"),
        ("/dev/null", "is not a network namespace"),
        ("/proc/self/ns/mnt", "is not a network namespace"),
        ("/etc/hostname/x", "Not a directory"),
    ],
)
def test_a_path_that_is_no_network_namespace(netns: str, reason: str, path: Path) -> None:
    with Server(path, silent):
        answer = call("ADD", path, CNI_NETNS=netns)
    assert (answer.status, answer.output["code"]) == (1, 4)
    assert netns in answer.output["msg"]
    assert reason in answer.output["msg"]


def test_a_fifo_is_no_network_namespace_and_not_waited_for(path: Path) -> None:
    fifo = path.with_name("fifo")
    os.mkfifo(fifo)
    with Server(path, silent):
        answer = call("ADD", path, CNI_NETNS=str(fifo))
    assert "is not a network namespace" in answer.output["msg"]


def test_hostile_text_stays_inside_its_json_string(path: Path) -> None:
    with Server(path, silent):
        answer = call("ADD", path, CNI_NETNS='/x", "code": 0, \\ \n\x1b[31m\x7f' + "y" * 9000)
    assert (answer.status, answer.output["code"]) == (1, 4)
    assert answer.output["msg"].isprintable()


def test_what_the_server_gets(path: Path, pod: Namespace) -> None:
    seen: dict[str, Any] = {}

    def look(connection: socket.socket) -> None:
        request = wire.receive(connection)
        assert request is not None
        with request:
            seen["environment"] = dict(request.environment)
            seen["config"] = json.loads(request.read_config())
            seen["netns"] = os.fstat(request.netns).st_ino
            with socket.socket(fileno=os.dup(request.route)) as route:
                seen["route"] = (route.family, route.proto)
                seen["there"] = netns_of(route)
            wire.answer(connection, request, b'{"a": 1}', 0)
        connection.recv(1)

    netns = f"/run/netns/{pod.name}"
    with Server(path, look):
        answer = call("ADD", path, CNI_NETNS=netns, CNI_ARGS="K8S_POD_NAME=p;X=ö", HOME="/root")
    assert answer == Answer(0, {"a": 1})
    assert seen["environment"] == {
        "CNI_COMMAND": "ADD",
        "CNI_CONTAINERID": "c1",
        "CNI_IFNAME": "eth0",
        "CNI_NETNS": netns,
        "CNI_ARGS": "K8S_POD_NAME=p;X=ö",
    }
    assert seen["config"] == CONFIG
    assert seen["netns"] == seen["there"] == Path(netns).stat().st_ino
    assert seen["route"] == (socket.AF_NETLINK, socket.NETLINK_ROUTE)


def test_del_does_not_touch_the_namespace(path: Path) -> None:
    seen = []

    def look(connection: socket.socket) -> None:
        request = wire.receive(connection)
        assert request is not None
        with request:
            seen.append((request.netns, request.route))
            wire.answer(connection, request, b"", 0)
        connection.recv(1)

    with Server(path, look):
        assert call("DEL", path, CNI_NETNS="/etc/hostname") == Answer(0, {})
    assert seen == [(-1, -1)]


def test_an_error_of_the_server_is_passed_on(path: Path) -> None:
    with Server(path, answering(b'{"code": 101}', 1)):
        assert call("DEL", path) == Answer(1, {"code": 101})


def test_a_large_configuration_and_a_large_answer_pass(path: Path) -> None:
    """Both are larger than a message may be (net.core.wmem_max), and the answer larger than the request."""
    output = json.dumps({"text": "x" * 3_000_000}).encode()
    with Server(path, answering(output, 0)):
        answer = call("DEL", path, {**CONFIG, "prevResult": "y" * 1_000_000})
    assert answer == Answer(0, json.loads(output))


def test_a_server_that_says_nothing_is_given_up(path: Path) -> None:
    began = time.monotonic()
    with Server(path, silent):
        answer = call("DEL", path, BGPNET_CNI_DEADLINE_MS="200")
    assert (answer.status, answer.output["code"]) == (1, 11)
    assert "did not answer in time" in answer.output["msg"]
    assert 0.2 <= time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (None, "ended before it answered"),
        (b"bgpnet0\0" + bytes(8), "another version's framing"),
        (b"short", "another version's framing"),
        (bytes(100), "another version's framing"),
    ],
)
def test_a_server_that_ends_or_talks_otherwise(path: Path, reply: bytes | None, reason: str) -> None:
    def behave(connection: socket.socket) -> None:
        connection.recv(wire.REQUEST_MAX)
        if reply is not None:
            connection.send(reply)
            connection.recv(1)

    with Server(path, behave):
        answer = call("DEL", path)
    assert (answer.status, answer.output["code"]) == (1, 11)
    assert reason in answer.output["msg"]


def test_an_answer_that_is_shorter_than_announced_is_a_failure(path: Path) -> None:
    def behave(connection: socket.socket) -> None:
        connection.recv(wire.REQUEST_MAX)
        connection.send(ANSWER.pack(wire.MAGIC, 0, 10_000_000))
        connection.recv(1)

    with Server(path, behave), start("DEL", path) as asking:
        asking.communicate(b"{}", timeout=10)
        assert asking.returncode == 1


def test_an_environment_that_fits_no_message(path: Path) -> None:
    with Server(path, silent):
        answer = call("DEL", path, CNI_ARGS="x" * 40_000)
    assert (answer.status, answer.output["code"]) == (1, 4)
    assert "32768" in answer.output["msg"]


@pytest.mark.parametrize("limit", ["", "0", "-1", "1s", "600001", "99999999999999999999"])
def test_a_deadline_that_is_none(limit: str) -> None:
    answer = call("VERSION", BGPNET_CNI_DEADLINE_MS=limit)
    assert (answer.status, answer.output["code"]) == (1, 4)
    assert "BGPNET_CNI_DEADLINE_MS" in answer.output["msg"]


def test_a_socket_path_that_is_too_long() -> None:
    answer = call("DEL", "/" + "x" * 200)
    assert (answer.status, answer.output["code"]) == (1, 4)
    assert "BGPNET_CNI_SOCKET" in answer.output["msg"]


def test_the_configuration_names_the_socket(path: Path) -> None:
    named = {**CONFIG, "socket": str(path), "prevResult": {"socket": "/elsewhere"}}
    assert str(path) in call("DEL", "", named).output["msg"]
    assert "/instead" in call("DEL", "/instead", named).output["msg"]
    assert "/run/bgpnet/cni.sock" in call("DEL", "", {**CONFIG, "args": {"socket": "/x"}}).output["msg"]
    assert "/run/bgpnet/cni.sock" in call("DEL", "", {**CONFIG, "dns": ["socket"]}).output["msg"]
    spaced = b'{"name": "socket", "dns": {"socket":"/x"} , "socket"\t:\n"' + bytes(path) + b'" }'
    assert str(path) in call("DEL", "", spaced).output["msg"]
    status = call("STATUS", "", named)
    assert (status.output["code"], f"{path.parent}/ready" in status.output["msg"]) == (50, True)


@pytest.mark.parametrize(
    "value", ["relative.sock", "", 5, None, "/" + "x" * 107, "/a\nb", ["/x"], {"a": "/x"}]
)
def test_a_socket_that_is_none(value: object) -> None:
    answer = call("DEL", "", {**CONFIG, "socket": value})
    assert (answer.status, answer.output["code"]) == (1, 7)
    assert "socket in the network configuration" in answer.output["msg"]
    assert call("VERSION", "", {**CONFIG, "socket": value}).status == 0


def netns_of(sock: socket.socket) -> int:
    """Inode of the network namespace that a socket belongs to."""
    there = fcntl.ioctl(sock, SIOCGSKNS)
    try:
        return os.fstat(there).st_ino
    finally:
        os.close(there)
