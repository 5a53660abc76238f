"""The conversation between shim and server, from the server's side."""

import os
import re
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bgpnet.cni import wire
from bgpnet.model.cni import NEWEST_VERSION, SUPPORTED_VERSIONS, CniCode
from bgpnet.model.errors import CniError

PLUGIN = Path(__file__).parents[2] / "plugin"


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The shim's and the server's end of a call."""
    shim, server = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with shim, server:
        server.settimeout(0)
        yield shim, server


def memfd(content: bytes = b"") -> int:
    descriptor = os.memfd_create("test")
    os.write(descriptor, content)
    return descriptor


def send(shim: socket.socket, message: bytes, *descriptors: int) -> None:
    socket.send_fds(shim, [message], list(descriptors))
    for descriptor in descriptors:
        os.close(descriptor)


def open_descriptors() -> set[str]:
    return {entry.name for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()}


def test_a_request_without_a_namespace(ends: tuple[socket.socket, socket.socket]) -> None:
    shim, server = ends
    before = open_descriptors()
    send(shim, b"bgpnet1\0CNI_COMMAND=DEL\0CNI_ARGS=a=b\0CNI_IFNAME=\xff\0", memfd(b"{}"))
    request = wire.receive(server)
    assert request is not None
    with request:
        assert dict(request.environment) == {"CNI_COMMAND": "DEL", "CNI_ARGS": "a=b", "CNI_IFNAME": "\udcff"}
        assert request.read_config() == b"{}"
        assert (request.netns, request.route) == (-1, -1)
        assert not os.get_inheritable(request.config)
    assert open_descriptors() == before


def test_a_request_with_a_namespace(ends: tuple[socket.socket, socket.socket]) -> None:
    shim, server = ends
    before = open_descriptors()
    send(shim, b"bgpnet1\0", memfd(b"{}"), os.open("/proc/self/ns/net", os.O_RDONLY), memfd())
    request = wire.receive(server)
    assert request is not None
    with request:
        assert Path(f"/proc/self/fd/{request.netns}").readlink().name.startswith("net:")
        assert request.route >= 0
    assert open_descriptors() == before


@pytest.mark.parametrize(
    "message", [b"\0", b"bgpnet0\0CNI_COMMAND=ADD\0", b"bgpnet1", b"bgpnet1\0" + bytes(40_000)]
)
def test_another_framing_is_no_request(ends: tuple[socket.socket, socket.socket], message: bytes) -> None:
    shim, server = ends
    before = open_descriptors()
    send(shim, message, memfd())
    assert wire.receive(server) is None
    assert open_descriptors() == before


@pytest.mark.parametrize("count", [0, 2, 4])
def test_another_number_of_descriptors_is_no_request(
    ends: tuple[socket.socket, socket.socket], count: int
) -> None:
    shim, server = ends
    before = open_descriptors()
    send(shim, wire.MAGIC, *(memfd() for _ in range(count)))
    assert wire.receive(server) is None
    assert open_descriptors() == before


def test_a_configuration_that_is_no_memory_is_not_read(ends: tuple[socket.socket, socket.socket]) -> None:
    shim, server = ends
    readable, writable = os.pipe()
    send(shim, wire.MAGIC, readable)
    assert wire.receive(server) is None
    os.close(writable)


def test_a_configuration_that_grew_is_not_read(ends: tuple[socket.socket, socket.socket]) -> None:
    shim, server = ends
    descriptor = memfd()
    os.ftruncate(descriptor, wire.CONFIG_MAX + 1)
    send(shim, wire.MAGIC, descriptor)
    request = wire.receive(server)
    assert request is not None
    with request, pytest.raises(CniError, match="1048577 bytes, at most 1048576") as raised:
        request.read_config()
    assert raised.value.code == CniCode.INVALID_CONFIG


def test_an_answer_larger_than_a_message(ends: tuple[socket.socket, socket.socket]) -> None:
    shim, server = ends
    config = memfd(b"{}" * 100)
    send(shim, wire.MAGIC, os.dup(config))
    request = wire.receive(server)
    assert request is not None
    output = os.urandom(3_000_000)
    with request:
        wire.answer(server, request, output, 1)
    assert struct.unpack("=8sII", shim.recv(100)) == (b"bgpnet1\0", 1, len(output))
    assert os.pread(config, 4_000_000, 0) == output
    os.close(config)


def test_a_short_answer_leaves_nothing_of_the_request(ends: tuple[socket.socket, socket.socket]) -> None:
    shim, server = ends
    config = memfd(b"x" * 100)
    send(shim, wire.MAGIC, os.dup(config))
    request = wire.receive(server)
    assert request is not None
    with request:
        wire.answer(server, request, b"{}", 0)
    assert os.pread(config, 200, 0) == b"{}"
    os.close(config)


def test_an_answer_is_taken_when_the_shim_read_it(ends: tuple[socket.socket, socket.socket]) -> None:
    shim, server = ends
    server.send(b"answer")
    shim.recv(100)
    shim.close()
    assert wire.was_taken(server)


def test_an_answer_is_not_taken_when_the_shim_died_before(ends: tuple[socket.socket, socket.socket]) -> None:
    shim, server = ends
    server.send(b"answer")
    shim.close()
    assert not wire.was_taken(server)


@given(st.binary(max_size=200), st.booleans())
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
def test_whatever_comes_leaves_no_descriptor(noise: bytes, framed: bool) -> None:  # noqa: FBT001 - hypothesis
    with ExitStack() as stack:
        shim, server = map(
            stack.enter_context,
            socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK),
        )
        before = open_descriptors()
        send(shim, (wire.MAGIC if framed else b"") + noise or b"\0", memfd())
        request = wire.receive(server)
        if request is not None:
            with request:
                assert all(name for name in request.environment) or noise
        assert open_descriptors() == before


def test_both_sides_have_the_same_numbers() -> None:
    header = "".join(path.read_text() for path in sorted(PLUGIN.glob("*.h")))
    defined = dict(re.findall(r"#define (\w+) (.+?)(?: /\*.*)?$", header, re.MULTILINE))
    assert defined["WIRE_MAGIC"].strip('"').encode() + b"\0" == wire.MAGIC
    assert int(defined["WIRE_REQUEST_MAX"].rstrip("u")) == wire.REQUEST_MAX
    assert defined["CNI_NEWEST_VERSION"] == f'"{NEWEST_VERSION}"'
    assert re.findall(r"\d+\.\d+\.\d+", defined["CNI_SUPPORTED_VERSIONS"]) == list(SUPPORTED_VERSIONS)
    codes = {int(code) for code in re.findall(r"CNI_\w+ = (\d+),", header)}
    assert codes <= set(CniCode)
    assert eval_shift((PLUGIN / "config.c").read_text()) == wire.CONFIG_MAX


def eval_shift(source: str) -> int:
    found = re.search(r"#define CONFIG_MAX \(\(size_t\)1 << (\d+)\)", source)
    assert found is not None
    return 1 << int(found[1])
