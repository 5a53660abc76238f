"""A node and its routers for the BGP benchmarks: the same rack once around bgpnet, once around BIRD.

The routers are BIRD in either case, and what arrives is judged by the kernels' own notifications.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any, Final

from bgpnet.drivers.netlink import wire
from tests.netns import Namespace, namespace

PATIENCE: Final = 90.0
"""Seconds until something that ought to happen is given up."""

QUIET: Final = 0.2
"""Seconds without a word after which those that were heard are looked at."""

FEW: Final = 10
"""Prefixes that are looked at while the others are heard."""

OWN: Final = [str(IPv4Network((0x0A800000 + number * 64, 26))) for number in range(10_000)]
"""Prefixes that the node may announce, from 10.128.0.0/26."""

FAR: Final = [str(IPv4Network((0x64400000 + number * 256, 24))) for number in range(10_000)]
"""Prefixes that the routers may announce, from 100.64.0.0/24."""

_ROUTER: Final = """
log "{folder}/log" {{ warning, error, fatal, bug }};
router id 10.0.{number}.1;
protocol device {{ }}
protocol kernel {{ ipv4 {{ import none; export where source = RTS_BGP; }}; }}
protocol static feed {{
  disabled; ipv4;
  include "{folder}/feed";
}}
protocol bgp node {{
  local 10.0.{number}.1 as 6500{number}; neighbor 10.0.{number}.2 as 64512; passive; hold time 90;
  ipv4 {{ import all; export where proto = "feed"; next hop self; }};
}}
"""

_NODE: Final = """
log "{folder}/log" {{ warning, error, fatal, bug }};
router id 10.0.1.2;
protocol device {{ }}
protocol kernel {{ merge paths on; ipv4 {{ import none; export where source = RTS_BGP; }}; }}
protocol static own {{
  ipv4;
  include "{folder}/own";
}}
{sessions}
"""

_SESSION: Final = """
protocol bgp tor{number} {{
  local 10.0.{number}.2 as 64512; neighbor 10.0.{number}.1 as 6500{number}; hold time 90;
  connect delay time 0; connect retry time 1; error wait time 1, 2;
  ipv4 {{ import all; export where proto = "own"; next hop self; }};
}}
"""


@dataclass
class Program:
    """A BIRD in a namespace."""

    space: Namespace
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self, config: str) -> None:
        """Start it and wait until it answers."""
        (self.folder / "bird.conf").write_text(config)
        argv = ["bird", "-f", "-c", str(self.folder / "bird.conf"), "-s", str(self.folder / "ctl")]
        self.process = inside(self.space, [*argv, "-P", str(self.folder / "pid")], self.folder / "out")
        until(self.answers, "bird answers")

    def answers(self) -> bool:
        """Whether it takes commands."""
        argv = ["birdc", "-s", str(self.folder / "ctl"), "show", "status"]
        return subprocess.run(argv, check=False, capture_output=True, timeout=PATIENCE).returncode == 0

    def tell(self, *words: str) -> str:
        """`birdc WORDS`."""
        argv = ["birdc", "-s", str(self.folder / "ctl"), *words]
        return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=PATIENCE).stdout

    def established(self) -> bool:
        """Whether its session with the node is up."""
        return "Established" in self.tell("show", "protocols", "node")

    def static(self, name: str, prefixes: Sequence[str]) -> None:
        """Write the routes of a static protocol; `configure` takes them in."""
        fresh = self.folder / f"{name}.new"
        fresh.write_text("".join(f"route {prefix} blackhole;\n" for prefix in prefixes))
        fresh.rename(self.folder / name)


@dataclass
class Rack:
    """A node with its routers. `own` has the node's prefixes become these, as its operator would do it."""

    name: str
    node: Namespace
    routers: list[Program]
    own: Callable[[Sequence[str]], None]
    pids: Callable[[], list[int]]
    folder: Path
    watches: list["Watch"] = field(default_factory=list)

    def feed(self, count: int) -> None:
        """Each router is ready to announce so many prefixes, and announces none."""
        for router in self.routers:
            router.tell("disable", "feed")
            router.static("feed", FAR[:count])
            router.tell("configure")

    def established(self) -> None:
        """Wait until each session is up."""
        for router in self.routers:
            until(router.established, "the session is up")


class Watch:
    """Hears a namespace's IPv4 routes come and go, from its kernel."""

    def __init__(self, space: Namespace) -> None:
        with space.entered():
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)
        self._socket.setsockopt(socket.SOL_SOCKET, 33, 1 << 28)  # SO_RCVBUFFORCE
        self._socket.bind((0, 0x40))  # RTMGRP_IPV4_ROUTE

    def close(self) -> None:
        """Hear no more."""
        self._socket.close()

    def drain(self) -> None:
        """Forget what was told until now."""
        self._socket.settimeout(0)
        try:
            while True:
                self._socket.recv(1 << 16)
        except BlockingIOError:
            return

    def last(self, prefixes: Sequence[str], kind: int, without: str = "") -> float:
        """When the last of these prefixes was told of: monotonic seconds.

        Args:
            prefixes: all of them have to be told of.
            kind: wire.NEWROUTE or wire.DELROUTE.
            without: only messages count in which this address is not.

        Raises:
            RuntimeError: not within `PATIENCE`.
        """
        missing = {IPv4Network(prefix).network_address.packed for prefix in prefixes}
        unwanted = IPv4Network(without).network_address.packed if without else b""
        end = last = time.monotonic()
        while missing:
            if last > end + PATIENCE:
                raise RuntimeError(f"{len(missing)} prefixes were not told of in {PATIENCE} s")
            for last, piece in self._heard(few=len(missing) < FEW):
                for told, _, _, body in wire.messages(memoryview(piece)):
                    destination = wire.attributes(body, 12).get(1)  # RTA_DST
                    if told == kind and destination and (not unwanted or unwanted not in bytes(body)):
                        if bytes(destination) in missing:
                            end = last
                        missing.discard(bytes(destination))
        return end

    def _heard(self, *, few: bool) -> list[tuple[float, bytes]]:
        """What was told, with times; looked at when it is quiet, as looking takes longer than hearing."""
        heard: list[tuple[float, bytes]] = []
        self._socket.settimeout(1.0)
        try:
            while not heard or not few:
                piece = self._socket.recv(1 << 16)
                heard.append((time.monotonic(), piece))
                self._socket.settimeout(QUIET)
        except TimeoutError:
            heard.append((time.monotonic(), b""))
        return heard


def inside(space: Namespace, argv: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    """Start a program in a namespace; it dies with us."""
    command = ["setpriv", "--pdeathsig", "KILL", "ip", "netns", "exec", space.name, *argv]
    with log.open("ab") as out:
        return subprocess.Popen(command, stdout=out, stderr=out)


def until(condition: Callable[[], object], what: str) -> None:
    """Return as soon as the condition is true."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"not within {PATIENCE} s: {what}")
        time.sleep(0.02)


@contextmanager
def rack(name: str, folder: Path, number: int, nodes: int = 1) -> Iterator[Rack]:
    """A running rack: `bgpnet` or `BIRD` on the node, so many routers, objects of so many nodes."""
    with ExitStack() as stack:
        node = stack.enter_context(namespace("bench"))
        routers = []
        for index in range(1, number + 1):
            space = stack.enter_context(namespace(f"tor{index}"))
            far = ("eth0", "index", "20", "netns", space.name)
            node.ip(
                "link", "add", f"eth{index}", "index", f"{10 + index}", "type", "veth", "peer", "name", *far
            )
            for side, link, host in ((node, f"eth{index}", 2), (space, "eth0", 1)):
                side.ip("address", "add", f"10.0.{index}.{host}/24", "dev", link)
                side.ip("link", "set", link, "up")
            program = Program(space, folder / f"tor{index}")
            program.folder.mkdir(parents=True)
            program.static("feed", [])
            stack.callback(_end, program)
            program.start(_ROUTER.format(folder=program.folder, number=index))
            routers.append(program)
        home = folder / "node"
        home.mkdir()
        start = _bgpnet if name == "bgpnet" else _bird
        made = stack.enter_context(start(Rack(name, node, routers, lambda _: None, list, home), nodes))
        made.established()
        yield made


@contextmanager
def watching(space: Namespace) -> Iterator[Watch]:
    """A watch on a namespace, for as long as it is needed."""
    with closing(Watch(space)) as watch:
        yield watch


@contextmanager
def _bird(made: Rack, _nodes: int) -> Iterator[Rack]:
    program = Program(made.node, made.folder)
    program.static("own", [])
    sessions = "".join(_SESSION.format(number=index) for index in range(1, len(made.routers) + 1))

    def own(prefixes: Sequence[str]) -> None:
        program.static("own", prefixes)
        program.tell("configure")

    made.own, made.pids = own, lambda: [program.process.pid] if program.process else []
    try:
        program.start(_NODE.format(folder=made.folder, sessions=sessions))
        yield made
    finally:
        _end(program)


@contextmanager
def _bgpnet(made: Rack, nodes: int) -> Iterator[Rack]:
    manifests, run_dir = made.folder / "manifests", made.folder / "run"
    manifests.mkdir()

    def own(prefixes: Sequence[str]) -> None:
        fresh = made.folder / "node.new"
        fresh.write_text(json.dumps(_node("n0", prefixes)))
        fresh.rename(manifests / "node.yaml")

    (manifests / "rack.yaml").write_text(
        "\n---\n".join(json.dumps(each) for each in _objects(len(made.routers)))
    )
    if nodes > 1:
        others = [_node(f"n{i}", [str(IPv4Network((0x0B000000 + i * 256, 24)))]) for i in range(1, nodes)]
        (manifests / "others.yaml").write_text("\n---\n".join(json.dumps(each) for each in others))
    own(OWN[:1])
    program = Path(sys.executable).with_name("bgpnet")
    argv = [str(program), "node", "--node", "n0", "--source", f"files:{manifests}", "--run-dir", str(run_dir)]
    process = inside(made.node, argv, made.folder / "log")
    made.own, made.pids = own, lambda: _family(process.pid)
    try:
        yield made
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _objects(routers: int) -> list[dict[str, Any]]:
    def made(kind: str, name: str, **spec: Any) -> dict[str, Any]:  # noqa: ANN401 - any field
        return {"apiVersion": "bgpnet.io/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}

    accept = [{"prefix": "100.64.0.0/10", "maxLength": 24}]
    return [
        made("BGPConfiguration", "default", localASN=64512, maxPrefixesPerNode=len(OWN), holdTime=90),
        *(
            made("BGPPeer", f"tor{i}", peerAddress=f"10.0.{i}.1", peerASN=65000 + i, accept=accept)
            for i in range(1, routers + 1)
        ),
    ]


def _node(name: str, prefixes: Sequence[str]) -> dict[str, Any]:
    address = "10.0.1.2" if name == "n0" else f"10.{16 + int(name[1:]) // 250}.1.{1 + int(name[1:]) % 250}"
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "rack": "r1"}},
        "spec": {"podCIDRs": list(prefixes)},
        "status": {"addresses": [{"type": "InternalIP", "address": address}]},
    }


def _family(pid: int) -> list[int]:
    """A process and all its descendants."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            parents.setdefault(parent, []).append(int(entry.name))
    found, todo = [], [pid]
    while todo:
        found.append(todo.pop())
        todo += parents.get(found[-1], [])
    return found


def _end(program: Program) -> None:
    if program.process is not None:
        os.kill(program.process.pid, signal.SIGTERM)
        program.process.wait(30)
