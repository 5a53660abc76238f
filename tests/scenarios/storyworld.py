"""What stands around the agent in a story: objects, a kernel, ExaBGP's model and the neighbours behind it.

The agent's step, the planner, and the driver's half of the conversation with ExaBGP are the real ones.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_interface, ip_network
from pathlib import Path
from typing import Any

from bgpnet.agent.contention import Contention
from bgpnet.agent.drain import Draining
from bgpnet.agent.reconciler import Doors, Outcome, step
from bgpnet.drivers.exabgp.conversation import Conversation
from bgpnet.drivers.exabgp.core import Core
from bgpnet.drivers.exabgp.speaker import by_peer
from bgpnet.model.bfd import Bfd, BfdSession, ObservedBfd
from bgpnet.model.bgp import Speaker
from bgpnet.model.blocks import Blocks
from bgpnet.model.crd.declare import declare
from bgpnet.model.crd.read import read
from bgpnet.model.declared import Declared
from bgpnet.model.diff import KernelChange
from bgpnet.model.errors import KernelError
from bgpnet.model.kernel import HeardRouter, Kernel, KernelRoute, Link, LinkAddress, NextHopObject, RouteKind
from bgpnet.model.nat import Translation
from bgpnet.model.net import AGENT_PROTOCOL, POD_PROTOCOL, Address, Prefix, prefix_order
from bgpnet.model.plan import Announcement, Session, Sysctl
from bgpnet.model.probe import Probe, ProbeResult
from bgpnet.model.rejection import Rejection
from tests.scenarios.exabgp_model import Exabgp, Peer
from tests.unit.kernelmodel import carried_out

TURN = 0.01
"""Seconds that a turn of ExaBGP's reactor takes."""
FAREWELL = 2.0
"""Seconds that a session to be removed has for its withdrawals."""

BGPNET = "bgpnet.io/v1alpha1"
RACK: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("BGPConfiguration", "default"): {"spec": {"localASN": 64512}},
    ("Node", "n1"): {
        "spec": {"podCIDRs": ["10.244.1.0/26"]},
        "status": {"addresses": [{"type": "InternalIP", "address": "10.0.1.11"}]},
    },
    ("BGPPeer", "tor1"): {"spec": {"peerAddress": "10.0.1.1", "peerASN": 65001}},
    ("BGPPeer", "tor2"): {"spec": {"peerAddress": "10.0.2.1", "peerASN": 65002}},
}
"""By kind and name: what there is where a story says nothing else."""


def link(index: int, name: str, addresses: Iterable[str], *, carrier: bool = True) -> Link:
    """A link of the host."""
    interfaces = [ip_interface(text) for text in addresses]
    found = tuple(LinkAddress(each.ip, each.network) for each in interfaces)
    return Link(index, name, up=True, carrier=carrier, mtu=1500, addresses=found)


@dataclass
class Host:
    """The kernel: routes by prefix and metric, of ours and of others."""

    links: dict[str, Link] = field(
        default_factory=lambda: {
            "lo": link(1, "lo", ["127.0.0.1/8", "::1/128"]),
            "eth1": link(2, "eth1", ["10.0.1.11/24", "fd00:1::11/64"]),
            "eth2": link(3, "eth2", ["10.0.2.11/24", "fd00:2::11/64"]),
        }
    )
    routes: dict[tuple[Prefix, int], KernelRoute] = field(default_factory=dict)
    routers: tuple[HeardRouter, ...] = ()

    objects: tuple[NextHopObject, ...] = ()
    translated: tuple[Translation, ...] = ()

    async def observed(self) -> tuple[Translation, ...]:
        """The table of translations."""
        return self.translated

    async def write(self, wanted: tuple[Translation, ...]) -> None:
        """Replace it."""
        self.translated = wanted

    async def dump(self) -> Kernel:
        found = tuple(self.routes.values())
        return Kernel(tuple(self.links.values()), found, self.routers, self.objects)

    async def next_hops(self) -> tuple[NextHopObject, ...]:
        return self.objects

    async def apply(self, changes: Sequence[KernelChange]) -> tuple[tuple[KernelChange, KernelError], ...]:
        for change in changes:
            after = carried_out(await self.dump(), change)
            self.routes = {(route.prefix, route.metric): route for route in after.routes}
            self.objects = after.next_hops
        return ()

    def set(self, link: Link) -> None:
        """A link changes; without carrier the kernel drops the routes that used it, without a word."""
        self.links[link.name] = link
        if not link.carrier:
            self.objects = without(self.objects, link.name)
            for key, route in list(self.routes.items()):
                left = tuple(hop for hop in route.next_hops if hop.link != link.name)
                if not left and route.next_hops:
                    del self.routes[key]
                elif left != route.next_hops:
                    self.routes[key] = replace(route, next_hops=left)

    def remove(self, name: str) -> None:
        """A link is no more."""
        self.set(replace(self.links[name], carrier=False))
        del self.links[name]

    def others(self, protocol: int, routes: Iterable[KernelRoute]) -> None:
        """All routes of another program."""
        kept = {key: route for key, route in self.routes.items() if route.protocol != protocol}
        self.routes = kept | {(route.prefix, route.metric): route for route in routes}

    def pods(self, addresses: Iterable[str]) -> None:
        """The addresses that pods have."""
        made = (ip_network(address) for address in addresses)
        self.others(
            POD_PROTOCOL, (KernelRoute(each, POD_PROTOCOL, 178, RouteKind.UNICAST, ()) for each in made)
        )


def without(found: tuple[NextHopObject, ...], link: str) -> tuple[NextHopObject, ...]:
    """Nexthop objects when a link has lost its carrier: its own go, and groups without members."""
    dead = {each.id for each in found if each.next_hop is not None and each.next_hop.link == link}
    left = (
        replace(each, members=tuple(member for member in each.members if member not in dead))
        for each in found
        if each.id not in dead
    )
    return tuple(each for each in left if each.members or each.next_hop is not None)


class Pings:
    """The return-path probe, in a fabric where everybody answers."""

    def __init__(self) -> None:
        self._probes: tuple[Probe, ...] = ()

    def want(self, probes: tuple[Probe, ...]) -> None:
        self._probes = probes

    def observed(self) -> tuple[ProbeResult, ...]:
        return tuple(
            ProbeResult(probe.source, target, answered_at=1, round_trip=0.001, missed=0)
            for probe in self._probes
            if probe.source is not None
            for target in probe.targets
        )


@dataclass
class Watcher:
    """`bgpnet bfd`: every session that is wanted is up, but with those whose path a story has fail."""

    rejections: tuple[Rejection, ...] = ()
    wanted: tuple[BfdSession, ...] = ()
    failed: set[Address] = field(default_factory=set)

    def want(self, sessions: tuple[BfdSession, ...] | None) -> None:
        self.wanted = self.wanted if sessions is None else sessions

    def observed(self) -> Bfd:
        return Bfd(tuple(self._observed(session) for session in self.wanted))

    def _observed(self, session: BfdSession) -> ObservedBfd:
        failed = session.peer in self.failed
        state, cause = ("Down", "nothing heard") if failed else ("Up", "")
        return ObservedBfd(session.peer, session.link, state, state, 0.0, failed=failed, last_error=cause)


@dataclass
class Settings:
    """Sysctls, and the blocks that the CNI server was handed."""

    values: dict[str, str] = field(default_factory=dict)
    blocks: Blocks | None = None

    def read(self, wanted: tuple[Sysctl, ...]) -> tuple[Sysctl, ...]:
        return tuple(Sysctl(each.path, self.values.get(each.path, "0")) for each in wanted)

    def set(self, sysctl: Sysctl) -> None:
        self.values[sysctl.path] = sysctl.value


@dataclass
class BlocksFile:
    """The door to the CNI server's blocks."""

    settings: Settings

    def read(self) -> Blocks | None:
        return self.settings.blocks

    def write(self, blocks: Blocks) -> None:
        self.settings.blocks = blocks


class World:
    """One node, its neighbours and its time."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.objects: dict[tuple[str, str], Any] = deepcopy(dict(RACK))
        self.host = Host()
        self.neighbours: dict[Address, Peer] = {}
        self.absent: set[Address] = set()
        """Neighbours whose sessions are kept down."""
        self.outcome: Outcome | None = None
        self._settings = Settings()
        self._pings = Pings()
        self._contention = Contention()
        self._draining = Draining(Path("/nonexistent"), lambda: self.now, lambda _seconds: None)
        self.watcher = Watcher()
        self._lives = 0
        self._core = Core()
        self._talk: Conversation | None = None
        self._exabgp = self._start()
        self._sessions: tuple[Session, ...] | None = None
        self._wanted: tuple[Session, ...] | None = None
        self._leaving_since: float | None = None
        self._reloading = False

    # --- the doors ------------------------------------------------------------------------------------

    def declared(self) -> Declared:
        readings = [
            read({"apiVersion": "v1" if kind == "Node" else BGPNET, "kind": kind, **_named(value, name)})
            for (kind, name), value in self.objects.items()
        ]
        facts = (each.object.fact(each.ref) for each in readings if each.object is not None)
        return declare(facts, (refused for each in readings for refused in each.rejections))

    def unread(self) -> tuple[Rejection, ...]:
        return ()

    @property
    def rejections(self) -> tuple[Rejection, ...]:
        return ()

    def want(
        self,
        sessions: tuple[Session, ...] | None,
        announcements: tuple[Announcement, ...] | None,
        advertise: tuple[str, ...],
    ) -> None:
        del advertise  # there are no routers here that would hear of it
        self._core.want(by_peer(sessions, announcements), sessions, now=self.now)
        self._wanted = sessions

    def failed(self, peers: tuple[Address, ...]) -> None:
        self._core.failed(frozenset(peers))

    def observed(self) -> Speaker | None:
        return self._core.observed(self.now, self.now)

    # --- what happens ---------------------------------------------------------------------------------

    def address_of(self, name: str) -> Address:
        """A neighbour's address, by the name of its BGPPeer or as it is."""
        known = self.objects.get(("BGPPeer", name)) or RACK.get(("BGPPeer", name))
        return ip_address(known["spec"]["peerAddress"] if known else name)

    def neighbour(self, name: str) -> Peer:
        """A neighbour, whether there is a session with it or not."""
        address = self.address_of(name)
        return self.neighbours.setdefault(address, Peer(address))

    def tell(self, peer: Peer, announced: Iterable[Prefix], withdrawn: tuple[Prefix, ...] = ()) -> None:
        """A neighbour that is up sends UPDATEs."""
        if peer.up:
            self._exabgp.tell(peer, {prefix: peer.offers[prefix] for prefix in announced}, withdrawn)

    def leave(self, peer: Peer) -> None:
        """A neighbour ends its session and stays away."""
        self.absent.add(peer.address)
        if peer.up:
            self._exabgp.down(peer)

    def come(self, peer: Peer) -> None:
        """It is there again."""
        self.absent.discard(peer.address)

    def restart_agent(self) -> None:
        """A new agent, which knows nothing."""
        if self._talk is not None:
            self._exabgp.disconnect()
        self._core, self._talk = Core(), None

    def restart_exabgp(self) -> None:
        """ExaBGP dies and is back at once; its sessions are not."""
        if self._talk is not None:
            self._exabgp.disconnect()
            self._core.lost(self.now)
            self._talk = None
        self._exabgp = self._start()

    # --- time -----------------------------------------------------------------------------------------

    def wait(self, seconds: float) -> None:
        """Time passes."""
        end = self.now + seconds
        while self.now < end:
            self.now = min(self.now + 1.0, end)
            self.settle()

    def settle(self) -> None:
        """Steps and turns until nothing moves."""
        quiet = 0
        for _ in range(200):
            busy = self._step()
            for _ in range(5):
                busy = self._turn() or busy
            quiet = 0 if busy else quiet + 1
            if quiet > 1:
                return

    # --- inside ---------------------------------------------------------------------------------------

    def _start(self) -> Exabgp:
        self._lives += 1
        return Exabgp(
            {peer.address: peer for peer in self.neighbours.values() if self._has(peer)},
            f"1-{self._lives}",
            self.now,
        )

    def _has(self, peer: Peer) -> bool:
        return any(session.peer == peer.address for session in self._sessions or ())

    def _step(self) -> bool:
        before = self.outcome
        blocks, rest = BlocksFile(self._settings), (self._pings, self._draining, self.watcher)
        doors = Doors(self, self.host, self._settings, self.host, blocks, self, *rest)
        self.outcome = asyncio.run(step("n1", doors, lambda: self.now, self._contention, self.outcome))
        return before is None or bool(self.outcome.changes) or self.outcome.plan != before.plan

    def _turn(self) -> bool:
        """One turn of the reactor; whether anything was said."""
        self.now += TURN
        self._exabgp.now = self.now
        self._configure()
        for peer in self._exabgp.peers.values():
            if not peer.up and peer.address not in self.absent:
                self._exabgp.up(peer)
        self._exabgp.turn()
        self._core.tick(self.now)
        if self._talk is None:
            self._talk = Conversation(self._core)
            self._exabgp.connect()
        lines, self._exabgp.lines = self._exabgp.lines, []
        for line in lines:
            self._talk.received(line + b"\n", self.now, self.now)
        if self._reloading:  # the supervisor's answer comes behind the events of the reload
            self._reloading = False
            self._core.reloaded()
        said = self._talk.to_send(self.now)
        self._exabgp.say(said)
        return bool(lines or said)

    def _configure(self) -> None:
        """What the configurator and a reload do: leave what goes, reset what changed, begin what is new."""
        if self._wanted is None or self._wanted == self._sessions:
            return
        wanted = {session.peer: session for session in self._wanted}
        before = {session.peer: session for session in self._sessions or ()}
        gone = before.keys() - wanted.keys()
        self._leaving_since = self._leaving_since or self.now
        if not self._core.drained(gone) and self.now < self._leaving_since + FAREWELL:
            return
        self._leaving_since = None
        self._core.reloading()
        for address, session in before.items():
            if _identity(session) != _identity(wanted.get(address)):
                peer = self._exabgp.peers.pop(address)
                if peer.up:
                    self._exabgp.down(peer, "peer removed")
        for address, session in wanted.items():
            if address not in self._exabgp.peers:
                peer = self.neighbours.setdefault(address, Peer(address))
                peer.asn, peer.local_asn = session.peer_asn, session.local_asn
                peer.cache, peer.queue, peer.eors, peer.writing = {}, {}, [], None
                self._exabgp.peers[address] = peer
        self._sessions, self._reloading = self._wanted, True


def _named(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {**value, "metadata": {**value.get("metadata", {}), "name": name}}


def _identity(session: Session | None) -> Session | None:
    """What ExaBGP resets a session for."""
    if session is None:
        return None
    return replace(session, exports_known=True, max_prefix=None)


def ours(host: Host) -> list[KernelRoute]:
    """The agent's routes."""
    return sorted(
        (route for route in host.routes.values() if route.protocol == AGENT_PROTOCOL),
        key=lambda route: (prefix_order(route.prefix), route.metric),
    )
