"""A peer that does what it should not, against agent and speaker as they run on a node.

Whatever it does: the node's processes are the same, memory is bounded, the other router's session and routes
stay, and `bgpnet peers` says what is wrong with this one.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from bgpnet.agent import client
from bgpnet.model.errors import UnreachableError
from bgpnet.model.rundir import RunDir
from tests.bgprouter import Router, routers, until
from tests.hostile import (
    AS_PATH,
    COMMUNITIES,
    HOLD_TIME,
    KEEPALIVE,
    OPTIONAL,
    ORIGIN,
    REFRESH,
    TRANSITIVE,
    UPDATE,
    Hostile,
    as_path,
    attribute,
    hostile,
    message,
    update,
)
from tests.netns import Namespace, namespace

pytestmark = pytest.mark.kernel

BGPNET = str(Path(sys.executable).with_name("bgpnet"))
LIMIT = 1000
"""The peer's maxPrefix."""
FLAPPING = 5.0
"""Seconds."""
EVIL = IPv4Address("10.0.9.1")
UNREAD = 4096
"""Bytes; with a send buffer of 8,192 the socket is not writable then."""
HELPS = b"\0\x78\0\1\1\x80"
"""Graceful restart: 120 s, IPv4 with its forwarding state kept."""

MANIFESTS = f"""
apiVersion: bgpnet.io/v1alpha1
kind: BGPConfiguration
metadata: {{name: default}}
spec: {{localASN: 64512}}
---
apiVersion: v1
kind: Node
metadata: {{name: n1}}
spec: {{podCIDRs: [10.244.1.0/26]}}
status: {{addresses: [{{type: InternalIP, address: 10.0.1.2}}]}}
---
apiVersion: bgpnet.io/v1alpha1
kind: BGPPeer
metadata: {{name: good}}
spec: {{peerAddress: 10.0.1.1, peerASN: 65001, accept: [{{prefix: 192.0.2.0/24}}]}}
---
apiVersion: bgpnet.io/v1alpha1
kind: BGPPeer
metadata: {{name: evil}}
spec:
  peerAddress: 10.0.9.1
  peerASN: 65009
  maxPrefix: {LIMIT}
  maxPrefixIdleTime: 3
  accept: [{{prefix: 0.0.0.0/0, minLength: 8, maxLength: 32}}]
"""


@dataclass
class Rack:
    """The node, a router that behaves and one that does not."""

    node: Namespace
    good: Router
    evil: Hostile
    run_dir: RunDir

    def peer(self, name: str) -> dict[str, Any]:
        """What `bgpnet peers` tells of one; empty while the agent does not answer."""
        try:
            status, body = client.get(self.run_dir.agent_socket, "/peers")
        except UnreachableError:
            return {}
        if status != 200:
            return {}
        found = [each for each in json.loads(body)["peers"] if each["object"] == f"BGPPeer/{name}"]
        return dict(found[0]) if found else {}

    def up(self, patience: float = 20.0) -> None:
        """A session with the evil one."""
        until(lambda: self.peer("evil").get("state") == "Established", "a session with it", patience)

    def processes(self) -> dict[int, str]:
        """The node's processes with their command lines, but for one that checks a configuration."""
        told = subprocess.run(
            ["ip", "netns", "pids", self.node.name], capture_output=True, text=True, check=True
        ).stdout
        found = {}
        for pid in map(int, told.split()):
            with suppress(OSError):  # it has ended
                words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
                if " validate " not in words:
                    found[pid] = words.strip()
        return found

    def pss(self) -> float:
        """Proportional set size of all of them, MiB."""
        total = 0
        for pid in self.processes():
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
        return total / 1024

    def busy(self) -> float:
        """Seconds of processor time that all of them have used."""
        ticks = 0
        for pid in self.processes():
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def unread(self) -> int:
        """Bytes that the evil one's kernel has not taken."""
        told = self.node.run("ss", "-Htn", "state", "established", "dst", str(EVIL)).stdout.split()
        return int(told[1]) if told else 0

    def route(self, prefix: str) -> str:
        """The gateway of our route in the kernel; empty without one."""
        found = self.node.ip_json("route", "show", prefix, "proto", "179")
        return str(found[0].get("gateway", "")) if found else ""

    @contextmanager
    def unharmed(self) -> Iterator[None]:
        """Nothing but the evil peer's own affairs changes in the block."""
        before = (set(self.processes()), self.good.established())
        yield
        assert (set(self.processes()), self.good.established()) == before
        assert self.good.routes() == {"10.244.1.0/26": "10.0.1.2"}
        assert self.route("192.0.2.0/24") == "10.0.1.1"
        assert self.peer("good")["state"] == "Established"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rack]:
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "manifests").mkdir()
    (folder / "manifests" / "all.yaml").write_text(MANIFESTS, encoding="utf-8")
    run_dir = RunDir(PurePosixPath(folder / "run"))
    started: list[subprocess.Popen[bytes]] = []
    with routers(folder) as (node, [good]), namespace("evil") as space:
        node.ip("link", "add", "eth9", "type", "veth", "peer", "name", "eth0", "netns", space.name)
        for side, name, host in ((node, "eth9", 2), (space, "eth0", 1)):
            side.ip("address", "add", f"10.0.9.{host}/24", "dev", name)
            side.ip("link", "set", name, "up")
        with hostile(space) as evil:
            for verb in (
                ("speaker",),
                ("agent", "--node", "n1", "--source", f"files:{folder / 'manifests'}"),
            ):
                argv = ["ip", "netns", "exec", node.name, BGPNET, *verb, "--run-dir", str(run_dir.root)]
                with (folder / f"{verb[0]}.log").open("wb") as log:
                    started.append(subprocess.Popen(argv, stdout=log, stderr=log))
            try:
                yield Rack(node, good, evil, run_dir)
            finally:
                for process in reversed(started):
                    process.terminate()
                    process.wait(20)


@pytest.fixture
def rack(running: Rack) -> Rack:
    running.evil.greeting, running.evil.deaf = lambda: b"", False
    running.evil.graceful_restart = None
    running.evil.hold_time, running.evil.says_asn, running.evil.router_id = HOLD_TIME, 65009, EVIL
    running.evil.reading.set()
    running.up()
    until(lambda: running.route("192.0.2.0/24"), "the good router's route")
    until(running.good.routes, "the good router has ours")
    return running


BODY = update("198.18.0.0/24")[19:]
CLIPPED = BODY[:2] + b"\xff\xff" + BODY[4:]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(message(KEEPALIVE, marker=b"\0" * 16), 1, id="wrong-marker"),
        pytest.param(message(UPDATE, b"\0" * 5000), 1, id="oversized"),
        pytest.param(message(UPDATE, length=4097), 1, id="oversized-by-its-header-alone"),
        pytest.param(message(99, b"what"), 1, id="unknown-type"),
        pytest.param(message(UPDATE, CLIPPED), 3, id="attributes-longer-than-the-message"),
    ],
)
def test_what_breaks_the_protocol_ends_this_session_alone(rack: Rack, data: bytes, code: int) -> None:
    with rack.unharmed():
        sessions, told = rack.evil.sessions, len(rack.evil.notified)
        rack.evil.send(update("198.18.0.0/24"))
        until(lambda: rack.route("198.18.0.0/24"), "it is learned")
        rack.evil.send(data)
        until(lambda: rack.evil.notified[told:], "a NOTIFICATION")
        assert rack.evil.notified[told][0] == code
        until(lambda: not rack.route("198.18.0.0/24"), "what it told is gone")
        rack.up()
        assert rack.evil.sessions > sessions
        assert "NOTIFICATION" in rack.peer("evil")["last_error"]


HARMLESS = {
    "long-as-path": update("198.18.1.0/24", path=as_path(*range(100000, 100255))),
    "many-communities": update(
        "198.18.2.0/24",
        more=attribute(COMMUNITIES, b"".join(bytes([1, 0, 0, n]) for n in range(100)), TRANSITIVE | OPTIONAL),
    ),
    "unknown-attribute": update("198.18.3.0/24", more=attribute(222, b"?" * 300, TRANSITIVE | OPTIONAL)),
}
REFUSED = {
    "OwnPrefix": update("10.244.1.0/26", "10.244.1.7/32"),
    "LinkAddress": update("10.0.1.0/25", "10.0.1.1/32", "10.0.9.1/32"),
    "OwnNextHop": update("198.18.10.0/24", hop="10.0.9.2"),
    "UnreachableNextHop": update("198.18.11.0/24", hop="203.0.113.1"),
    "AsLoop": update("198.18.12.0/24", path=as_path(65009, 64512)),
    "Martian": update("127.0.0.0/8", "224.0.0.0/4"),
    "NotRequested": update("0.0.0.0/0"),
}


def test_odd_paths_are_taken_and_harmful_ones_refused_each_with_its_reason(rack: Rack) -> None:
    with rack.unharmed():
        before = rack.peer("evil")["accepted"]  # other tests leave a route or two
        rack.evil.send(b"".join((*HARMLESS.values(), *REFUSED.values())))
        expected = {"AsLoop": 1, "LinkAddress": 3, "Martian": 2, "NotRequested": 1, "OwnNextHop": 1}
        expected |= {"OwnPrefix": 2, "UnreachableNextHop": 1}
        until(lambda: rack.peer("evil").get("refused") == expected, "each refusal has its reason")
        for number in (1, 2, 3):
            until(lambda n=number: rack.route(f"198.18.{n}.0/24") == "10.0.9.1", "odd, and taken")  # type: ignore[misc]
        assert [rack.route(f"198.18.{number}.0/24") for number in (10, 11, 12)] == [""] * 3
        assert rack.route("127.0.0.0/8") == rack.route("0.0.0.0/0") == ""
        assert rack.peer("evil")["accepted"] == before + len(HARMLESS)


MALFORMED = {
    "origin": attribute(ORIGIN, b"\x09"),
    "path": attribute(AS_PATH, b"\x02\x09\x00\x00"),
}


def test_a_malformed_attribute_costs_its_routes_or_its_session(rack: Rack) -> None:
    """RFC 7606: what it carried is not used, whether the session stays or not."""
    with rack.unharmed():
        for number, attributes in enumerate(MALFORMED.values()):
            rack.up()
            hops = attribute(3, bytes([10, 0, 9, 1]))
            whole = attributes + (as_path(65009) if number == 0 else attribute(ORIGIN, b"\0")) + hops
            body = b"\0\0" + len(whole).to_bytes(2, "big") + whole + bytes([24, 198, 19, number])
            rack.evil.send(message(UPDATE, body) + update(f"198.18.{20 + number}.0/24"))
            until(
                lambda n=number: rack.route(f"198.18.{20 + n}.0/24") or rack.peer("evil")["last_error"],  # type: ignore[misc]
                "what follows is learned, or the session is ended",
            )
            assert rack.route(f"198.19.{number}.0/24") == ""


def test_twenty_thousand_routes_stop_at_the_limit(rack: Rack) -> None:
    prefixes = [
        f"198.{18 + number // 65536}.{number // 256 % 256}.{number % 256}/32" for number in range(20_000)
    ]
    flood = [update(*prefixes[at : at + 200]) for at in range(0, len(prefixes), 200)]
    with rack.unharmed():
        before, told = rack.pss(), len(rack.evil.notified)
        rack.evil.send(b"".join(flood[:6]))
        until(lambda: rack.evil.notified[told:], "a NOTIFICATION")
        assert rack.evil.notified[told] == (6, 1)  # Cease, Maximum Number of Prefixes Reached (RFC 4486)
        until(lambda: rack.peer("evil").get("state") == "Rejected", "it has no session")
        assert "MaxPrefixReached: the peer announced more than 1000 ipv4" in rack.peer("evil")["reason"]
        until(lambda: not rack.route("198.18.0.0/32"), "its routes are gone")
        sessions, told = rack.evil.sessions, len(rack.evil.notified)
        rack.evil.greeting = lambda: b"".join(flood)
        until(lambda: rack.evil.sessions > sessions, "it is tried after its idle time")
        until(lambda: rack.evil.notified[told:], "and stopped again", 30)
        assert rack.evil.notified[told] == (6, 1)
        until(lambda: rack.peer("evil").get("state") == "Rejected", "which is told")
        rack.evil.greeting = lambda: b""
        rack.up()
        assert rack.pss() - before < 16


def test_routes_that_flap_ten_times_a_second_cost_little(rack: Rack) -> None:
    prefixes = [f"198.18.{number}.0/24" for number in range(200)]
    with rack.unharmed():
        begin, used = time.monotonic(), rack.busy()
        for _ in range(20):
            rack.evil.send(update(*prefixes))
            time.sleep(0.05)  # this is the rate, not a wait
            rack.evil.send(update(withdrawn=tuple(prefixes)))
            time.sleep(0.05)
        share = (rack.busy() - used) / (time.monotonic() - begin)
        assert share < 1.5, f"{share:.0%} of a core"
        rack.evil.send(update(prefixes[0]))
        until(lambda: rack.route(prefixes[0]) and not rack.route(prefixes[1]), "the last word counts")


def test_a_peer_that_froze_while_it_was_told_much_is_lost_with_its_hold_time(rack: Rack) -> None:
    """Its window is closed: the NOTIFICATION never gets out, which must not keep the session up."""
    rack.evil.take_at_most(2048)
    with rack.unharmed():
        sessions, rack.evil.hold_time = rack.evil.sessions, 3
        rack.evil.hang_up()
        until(lambda: rack.evil.sessions > sessions, "another session")
        rack.evil.send(update("198.18.0.0/24"))
        until(lambda: rack.route("198.18.0.0/24"), "it is learned")
        rack.evil.reading.clear()
        ask = message(REFRESH, b"\0\1\0\1")

        def is_full() -> bool:
            rack.evil.send(message(KEEPALIVE) + ask * 10)
            return rack.unread() > UNREAD

        until(is_full, "there is no room for more on the way to it", 30)
        rack.evil.hold_time = 0
        until(lambda: not rack.route("198.18.0.0/24"), "what it told is gone", 10)
        until(lambda: rack.peer("evil").get("state") != "Established", "its session is lost")
        assert "hold timer expired" in rack.peer("evil")["last_error"]
    rack.evil.take_at_most(65536)


def test_an_update_cut_off_by_the_end_of_the_connection_is_not_used(rack: Rack) -> None:
    whole = update("198.18.0.0/24")
    with rack.unharmed():
        sessions = rack.evil.sessions
        rack.evil.send(whole + update("198.18.1.0/24", "198.18.2.0/24")[:-2])
        until(lambda: rack.route("198.18.0.0/24"), "what came whole is learned")
        rack.evil.hang_up()
        until(lambda: not rack.route("198.18.0.0/24"), "what it told is gone")
        assert rack.peer("evil")["last_error"]
        rack.up()
        assert rack.evil.sessions > sessions
        assert rack.route("198.18.1.0/24") == rack.route("198.18.2.0/24") == ""


@pytest.mark.parametrize("opened", [True, False], ids=["after-its-keepalive", "before-its-open"])
def test_a_session_that_ends_as_soon_as_it_can_costs_little_and_harms_nobody(
    rack: Rack, *, opened: bool
) -> None:
    """It would flap ten times a second and more: each connection is ended as soon as it stands."""
    with rack.unharmed():
        connections, sessions, memory = rack.evil.connections, rack.evil.sessions, rack.pss()
        begin, used = time.monotonic(), rack.busy()
        rack.evil.greeting, rack.evil.deaf = rack.evil.gone, not opened
        rack.evil.hang_up()
        until(lambda: time.monotonic() > begin + FLAPPING, "it had its time")
        spent = time.monotonic() - begin
        share, rate = (rack.busy() - used) / spent, (rack.evil.connections - connections) / spent
        assert rack.peer("evil")["state"] != "Established"
        assert rack.peer("evil")["reason"]
        until(lambda: rack.evil.connections > connections, "it is tried again, if ever more seldom")
        until(lambda: not opened or rack.evil.sessions > sessions, "and up for a moment")
        assert rate < 3, "connections a second"
        assert opened or rack.evil.sessions == sessions
        rack.evil.greeting, rack.evil.deaf = lambda: b"", False
        rack.up()
        assert rack.peer("evil")["flaps"] >= 1
        assert rack.peer("evil")["last_error"]
        assert share < 0.5, f"{share:.0%} of a core at {rate:.1f} connections a second"
        assert rack.pss() - memory < 8


def test_whoever_connects_to_the_node_is_not_let_in(rack: Rack) -> None:
    """Nobody listens on a node, so no connection can collide with a session that is up (RFC 4271 §6.8)."""
    with rack.unharmed():
        sessions = rack.evil.sessions
        for _ in range(100):
            with pytest.raises(ConnectionRefusedError):
                rack.evil.knock("10.0.9.2")
        assert rack.peer("evil")["state"] == "Established"
        assert rack.evil.sessions == sessions


def test_a_peer_that_never_sends_end_of_rib_keeps_nothing_of_others_alive(rack: Rack) -> None:
    with rack.unharmed():
        rack.evil.graceful_restart = HELPS
        rack.evil.hang_up()
        until(lambda: rack.peer("evil").get("state") != "Established", "its session ends")
        rack.up()
        rack.good.vtysh(
            "configure", "router bgp 65001", "address-family ipv4 unicast", "no network 192.0.2.0/24"
        )
        until(lambda: not rack.route("192.0.2.0/24"), "what the good router withdraws goes")
        rack.good.vtysh(
            "configure", "router bgp 65001", "address-family ipv4 unicast", "network 192.0.2.0/24"
        )
        until(lambda: rack.route("192.0.2.0/24"), "and comes back")
