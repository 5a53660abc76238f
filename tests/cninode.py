"""A node for CNI tests: a host namespace with `bgpnet cni` in it, and the shim as a runtime calls it."""

import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from itertools import chain
from pathlib import Path
from threading import Condition, Thread
from typing import IO, Any

from bgpnet.drivers.blocks import BlocksFile
from bgpnet.model.blocks import Blocks, Reserved
from tests.netns import Namespace, namespace

ROOT = Path(__file__).parents[1]
PLUGIN = ROOT / "plugin"
SHIM = PLUGIN / "build" / platform.machine() / "bgpnet"
CONFIG: Mapping[str, Any] = {"cniVersion": "1.1.0", "name": "pods", "type": "bgpnet"}


def built_shim() -> Path:
    """The shim of this machine, built now when it is missing or older than its source."""
    subprocess.run(
        ["make", "-C", PLUGIN, "host", f"PYTHON={sys.executable}"],
        check=True,
        capture_output=True,
        timeout=300,
    )
    return SHIM


@dataclass(frozen=True)
class Answer:
    """What a runtime gets: the exit status, and the JSON on stdout, {} when there was none."""

    status: int
    output: dict[str, Any]

    @property
    def addresses(self) -> list[str]:
        """The addresses of a result, without their length."""
        assert self.status == 0, self.output
        return [address["address"].partition("/")[0] for address in self.output["ips"]]


@dataclass
class CniNode:
    """A node. `run_dir` is its run directory, `log` what the server has said since it was started."""

    host: Namespace
    run_dir: Path
    server: subprocess.Popen[bytes] | None = None
    wrapper: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    _reader: Thread | None = None
    _heard: Condition = field(default_factory=Condition)

    def hand_over(
        self,
        *prefixes: str,
        mtu: int = 1500,
        reserved: tuple[Reserved, ...] = (),
        growing: bool = False,
    ) -> None:
        """Write the blocks, as the agent does."""
        blocks = Blocks(tuple(map(ip_network, prefixes)), mtu, reserved, not reserved, growing)
        BlocksFile(self.run_dir / "blocks.json").write(blocks)

    def start(self) -> None:
        """Start the server and wait until it says that it is ready."""
        with self.host.entered():
            self.server = subprocess.Popen(
                [*self.wrapper, sys.executable, "-m", "bgpnet", "cni", "--run-dir", self.run_dir],
                cwd=ROOT,
                stderr=subprocess.PIPE,
            )
        self.log = []
        self._reader = Thread(target=self._read_log, args=(self.server.stderr, self.log), daemon=True)
        self._reader.start()
        if not self.says("cni server ready"):
            self.server.kill()
            self._reap()
            raise AssertionError(f"bgpnet cni did not start: {''.join(self.log)}")

    def says(self, words: str) -> bool:
        """Whether the server says so, now or within ten seconds, before its end."""

        def said_or_ended() -> bool:
            return any(words in line for line in self.log) or "" in self.log

        with self._heard:
            self._heard.wait_for(said_or_ended, timeout=10)
        return any(words in line for line in self.log)

    def _read_log(self, stderr: IO[bytes], log: list[str]) -> None:
        """Until its end, which is an empty line: a server whose log nobody reads would stand still."""
        with stderr:
            for line in chain(stderr, [b""]):
                with self._heard:
                    log.append(line.decode())
                    self._heard.notify_all()

    def kill(self) -> None:
        """End the server as a crash does."""
        assert self.server is not None
        self.server.kill()
        self._reap()

    def stop(self) -> int:
        """End the server as an upgrade does, and return its exit status."""
        assert self.server is not None
        self.server.terminate()
        return self._reap()

    def _reap(self) -> int:
        assert self.server is not None
        assert self._reader is not None
        status = self.server.wait(timeout=10)
        self._reader.join(timeout=10)
        self.server = None
        return status

    def environment(
        self, command: str, container: str, netns: str = "", ifname: str = "eth0"
    ) -> dict[str, str]:
        """What a runtime sets for a call."""
        return {
            "CNI_COMMAND": command,
            "CNI_CONTAINERID": container,
            "CNI_NETNS": netns,
            "CNI_IFNAME": ifname,
            "CNI_PATH": "/opt/cni/bin",
            "BGPNET_CNI_SOCKET": str(self.run_dir / "cni.sock"),
        }

    def start_call(self, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Start the shim; its stdin waits for the configuration."""
        with self.host.entered():
            return subprocess.Popen([SHIM], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def call(self, environment: Mapping[str, str], config: Mapping[str, Any] | bytes = CONFIG) -> Answer:
        """Call the shim and wait for it."""
        return finish(self.start_call(environment), config)

    def add(
        self,
        pod: Namespace,
        container: str = "",
        ifname: str = "eth0",
        config: Mapping[str, Any] = CONFIG,
        namespace: str = "",
    ) -> Answer:
        """ADD a pod; its container is named after its network namespace. `namespace` is Kubernetes'."""
        environment = self.environment("ADD", container or pod.name, f"/run/netns/{pod.name}", ifname)
        if namespace:
            environment["CNI_ARGS"] = f"IgnoreUnknown=1;K8S_POD_NAMESPACE={namespace};K8S_POD_NAME=p"
        return self.call(environment, config)

    def delete(self, container: str, netns: str = "", ifname: str = "eth0") -> Answer:
        """DEL a container's interface."""
        return self.call(self.environment("DEL", container, netns, ifname))

    def settle(self) -> None:
        """Wait until the server is done with all that came before: it closes a call that asks nothing."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as call:
            call.settimeout(10)
            call.connect(str(self.run_dir / "cni.sock"))
            call.send(b"nothing")
            assert call.recv(1) == b""

    def links(self) -> list[str]:
        """The host's ends that there are."""
        return [link["ifname"] for link in self.host.ip_json("link", "show", "type", "veth")]

    def links_become(self, count: int) -> bool:
        """Whether there are so many host's ends soon; a DEL deletes its own within a second."""
        deadline = time.monotonic() + 10
        while len(self.links()) != count:
            if time.monotonic() > deadline:
                return False
        return True

    def routes(self) -> dict[str, str]:
        """Destination and link of the host's routes of protocol 180."""
        return {
            route["dst"]: route["dev"]
            for family in ("-4", "-6")
            for route in self.host.ip_json(family, "route", "show", "proto", "180")
        }


def give(call: subprocess.Popen[bytes], config: Mapping[str, Any] = CONFIG) -> None:
    """Give a started call its configuration without waiting for its answer; `finish` takes that."""
    assert call.stdin is not None
    call.stdin.write(json.dumps(config).encode())
    call.stdin.close()
    call.stdin = None


def finish(call: subprocess.Popen[bytes], config: Mapping[str, Any] | bytes = CONFIG) -> Answer:
    """Give a started call its configuration and wait for its answer."""
    text = config if isinstance(config, bytes) else json.dumps(config).encode()
    try:
        output, _ = call.communicate(text, timeout=30)
    except subprocess.TimeoutExpired:
        call.kill()
        raise
    decoded = json.loads(output) if output else {}
    assert isinstance(decoded, dict)
    return Answer(call.returncode, decoded)


@contextmanager
def cni_node(*prefixes: str, wrapper: tuple[str, ...] = ()) -> Iterator[CniNode]:
    """A node with a running server and these blocks; gone afterwards."""
    with ExitStack() as stack:
        host = stack.enter_context(namespace("host"))
        host.own("192.0.2.1")
        host.own("2001:db8::1")
        # Short: a socket's path has at most 107 characters.
        run_dir = Path(tempfile.mkdtemp(prefix="bgpnet-"))
        stack.callback(shutil.rmtree, run_dir)
        node = CniNode(host, run_dir, wrapper=list(wrapper))
        if prefixes:
            node.hand_over(*prefixes)
        node.start()
        try:
            yield node
        finally:
            if node.server is not None:
                node.kill()


@contextmanager
def pods(count: int) -> Iterator[list[Namespace]]:
    """Network namespaces as a runtime makes them for pods: with loopback up and nothing else."""
    with ExitStack() as stack:
        yield [stack.enter_context(namespace("pod")) for _ in range(count)]


def resident_kib(pid: int) -> int:
    """Resident memory of a process, in KiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError(f"process {pid} has no memory")


def open_descriptors(pid: int) -> int:
    """How many descriptors a process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - only the count
