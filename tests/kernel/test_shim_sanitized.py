"""The shim built with sanitizers, and fed with whatever may come: environment, stdin, answers of a server."""

import json
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Self

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bgpnet.cni import wire
from tests.cninode import PLUGIN

pytestmark = pytest.mark.kernel

ANSWER = struct.Struct("=8sII")
REPORTS = (b"runtime error", b"Sanitizer", b"panic")
STRICT = ["-Wall", "-Wextra", "-Werror", "-std=c17", "-D_GNU_SOURCE", "-g", "-O1"]

names = st.sampled_from(
    [
        *(
            "CNI_COMMAND",
            "CNI_NETNS",
            "CNI_CONTAINERID",
            "CNI_IFNAME",
            "CNI_ARGS",
            "CNI_PATH",
            "CNI_X",
            "OTHER",
        ),
        "BGPNET_CNI_DEADLINE_MS",
    ]
)
values = st.one_of(
    st.sampled_from(["ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION", "", "/", "/proc/self/ns/net", "100"]),
    st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=80),
    st.integers(1, 50_000).map(lambda length: "x" * length),
)
configs = st.one_of(
    st.binary(max_size=200),
    st.text("0123456789.", min_size=14, max_size=20).map(
        lambda version: json.dumps({"cniVersion": version}).encode()
    ),
    st.sampled_from([b'"cniVersion"', b'"cniVersion":"', b'"cniVersion":"1', b'"cniVersion" : : "1.0.0"']),
    st.lists(
        st.sampled_from(['{"', '"', "\\", "socket", "cniVersion", '":', " ", "[", "}", "/x", "1.1.0"]),
        max_size=12,
    ).map(lambda parts: "".join(parts).encode()),
    st.text(max_size=120).map(lambda path: json.dumps({"socket": path, "cniVersion": "1.0.0"}).encode()),
    st.integers(0, 1 << 21).map(lambda length: b" " * length),
)
replies = st.one_of(
    st.none(),
    st.binary(max_size=40),
    st.builds(
        lambda status, length: (
            wire.MAGIC + status.to_bytes(4, sys.byteorder) + length.to_bytes(4, sys.byteorder)
        ),
        st.integers(0, 2**32 - 1),
        st.integers(0, 2**32 - 1),
    ),
)


class Answering:
    """A server that answers each call with `reply`, or hangs up when that is None."""

    def __init__(self, path: Path) -> None:
        self.reply: bytes | None = None
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._listener.close()

    def _run(self) -> None:
        while True:
            try:
                connection, _peer = self._listener.accept()
            except OSError:
                return
            with connection:
                request = wire.receive(connection)
                if request is not None:
                    with request:
                        if self.reply is not None:
                            connection.send(self.reply)


@pytest.fixture(scope="module")
def shim() -> Iterator[Path]:
    """With gcc or clang both kinds of fault are found; zig, which builds the real one, finds one of them."""
    native = shutil.which("gcc") or shutil.which("clang")
    if native:
        command = [native, "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    else:
        command = [sys.executable, "-m", "ziglang", "cc", "-fsanitize=undefined"]
    with tempfile.TemporaryDirectory(prefix="bgpnet-") as folder:
        program = Path(folder) / "shim"
        sources = sorted(PLUGIN.glob("*.c"))
        subprocess.run([*command, *STRICT, "-o", program, *sources], check=True, timeout=300)
        yield program


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Answering, Path]]:
    with tempfile.TemporaryDirectory(prefix="bgpnet-") as folder:
        path = Path(folder) / "cni.sock"
        with Answering(path) as answering:
            yield answering, path


@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(environment=st.dictionaries(names, values, max_size=6), config=configs, reply=replies)
def test_whatever_comes(
    shim: Path,
    server: tuple[Answering, Path],
    environment: dict[str, str],
    config: bytes,
    reply: bytes | None,
) -> None:
    answering, path = server
    answering.reply = reply
    limited = {"BGPNET_CNI_DEADLINE_MS": "2000"} | environment
    if b'"socket"' not in config:
        limited["BGPNET_CNI_SOCKET"] = str(path)
    done = subprocess.run([shim], env=limited, input=config, check=False, capture_output=True, timeout=30)
    assert done.returncode in {0, 1}, done
    assert not any(report in done.stderr for report in REPORTS), done.stderr
    if done.returncode and not (reply or b"").startswith(wire.MAGIC):
        assert {"cniVersion", "code", "msg"} <= set(json.loads(done.stdout))


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    ready=st.booleans(),
    beat=st.none() | st.binary(max_size=40) | st.integers(0, 2**70).map(lambda number: b"%d" % number),
)
def test_whatever_the_status_files_hold(
    shim: Path, server: tuple[Answering, Path], *, ready: bool, beat: bytes | None
) -> None:
    folder = server[1].parent
    for name, content in (("ready", b"" if ready else None), ("heartbeat", beat)):
        (folder / name).unlink(missing_ok=True)
        if content is not None:
            (folder / name).write_bytes(content)
    environment = {"CNI_COMMAND": "STATUS", "BGPNET_CNI_SOCKET": str(folder / "cni.sock")}
    done = subprocess.run([shim], env=environment, input=b"{}", check=False, capture_output=True, timeout=30)
    assert not any(report in done.stderr for report in REPORTS), done.stderr
    if done.returncode == 0:
        assert ready
        assert beat is not None
        assert int(beat.split(b"\n")[0]) <= time.monotonic() * 1000
    else:
        assert json.loads(done.stdout)["code"] == 50
