"""A model of ExaBGP 5.0.15 as its relay shows it, with its faults, on virtual time.

What it copies of the program (rib/outgoing.py, reactor/peer.py, reactor/protocol.py):

* Changes wait in buckets, one per set of attributes, and leave bucket by bucket, the oldest bucket first: a
  change queued into an older bucket overtakes one of the same prefix in a younger one.
* The queue is taken as a whole, and the next one only when the last UPDATE of the former was written.
* The first queue of a session leaves out its withdrawals.
* When a session comes up, everything in its table is queued again; when it ends, what was queued is lost.
* An announcement that the table has already is not queued.
* `done` means queued. An UPDATE is reported as it is handed to TCP; a stalled peer holds it back.
* End-of-RIB waits for the queue to be empty. A reload loses it.
"""

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any

from bgpnet.model.net import Address, Family, Prefix, bare

WITHDRAWN = None

Route = tuple[Address, str]
"""A next hop, and the words of the other attributes as a command has them."""

LOCAL, PEER = 64512, 65001
"""AS numbers of the sessions."""

_Bucket = dict[Prefix, Route | None]


@dataclass
class Peer:
    """A session, and the table that the peer at its other end has."""

    address: Address
    up: bool = False
    stalled: bool = False
    graceful_restart: bool = True
    enhanced_refresh: bool = True
    answers_refresh: bool = True
    extended_next_hop: bool = True
    table: dict[Prefix, Address] = field(default_factory=dict)
    """What the peer has of ours."""
    carried: dict[Prefix, str] = field(default_factory=dict)
    """With which attributes, besides the next hop."""
    stale: set[Prefix] = field(default_factory=set)
    """What it keeps over a restart of ours until End-of-RIB."""
    heard: list[str] = field(default_factory=list)
    """Everything that reached it, in order: `+prefix next_hop attributes`, `-prefix`, `eor family`."""
    offers: dict[Prefix, tuple[int, ...]] = field(default_factory=dict)
    """What it announces to us: prefix -> AS path."""
    hops: dict[Prefix, Address] = field(default_factory=dict)
    """With another next hop than its own address."""
    attributes: dict[Prefix, dict[str, Any]] = field(default_factory=dict)
    """With these attributes besides AS path and origin, as ExaBGP tells them."""
    cache: dict[Prefix, Route] = field(default_factory=dict)
    queue: dict[str, _Bucket] = field(default_factory=dict)
    eors: list[str] = field(default_factory=list)
    writing: Iterator[tuple[list[tuple[Prefix, Route]], list[Prefix]]] | None = None
    first: bool = True
    resets: int = 0
    restarts: tuple[Family, ...] = ()
    """Families that its graceful restart names: none, as of a router that only helps."""
    has_restarted: bool = False
    """Whether it says so in its OPEN: ExaBGP calls that bit forwarding."""
    preserves: bool = False
    """Whether it forwarded them before the session came up."""
    local_asn: int = LOCAL
    asn: int = PEER

    @property
    def default_path(self) -> list[int]:
        """The AS path of what is announced without one (RFC 4271 §5.1.2)."""
        return [] if self.asn == self.local_asn else [self.local_asn]


GONE = "gone"
"""Stands for the number of a command whose agent has left."""


class Exabgp:
    """One life of the process, and its relay. `lines` is what the agent has not read yet."""

    def __init__(self, peers: dict[Address, Peer], life: str, now: float) -> None:
        self.peers = peers
        self.life = life
        self.born = now
        self.now = now
        self.lines: list[bytes] = []
        self.kept: list[bytes] = []
        self.agent = False
        self.gap = False
        self.commands: deque[str] = deque()
        for peer in peers.values():
            peer.cache, peer.queue, peer.eors, peer.writing = {}, {}, [], None
            if peer.up:
                peer.up = False
                peer.stale = set(peer.table)

    # --- the relay ------------------------------------------------------------------------------------

    def connect(self) -> None:
        """An agent connects."""
        hello = {"speaker": self.life, "age": self.now - self.born, "relay": 1, "gap": self.gap}
        self.lines = [json.dumps({"hello": hello}).encode(), *self.kept]
        self.kept, self.agent = [], True

    def disconnect(self) -> None:
        """It is gone; the command on its way is carried out, and its answer is for nobody."""
        self.agent, self.gap, self.lines = False, True, []
        self.commands = deque(f"{GONE} {command.partition(' ')[2]}" for command in self.commands)

    def say(self, text: bytes) -> None:
        """The agent writes."""
        self.commands += [line for line in text.decode().splitlines() if line != "agent"]

    def _event(self, kind: str, peer: Peer, **rest: object) -> None:
        neighbor = {
            "address": {"local": "10.0.0.1", "peer": str(peer.address)},
            "asn": {"local": peer.local_asn, "peer": peer.asn},
            **rest,
        }
        message = {"type": kind, "time": self.now, "neighbor": neighbor}
        line = json.dumps({"event": message}).encode()
        if self.agent:
            self.lines.append(line)
        elif not self.gap:
            self.kept.append(line)

    # --- the network ------------------------------------------------------------------------------------

    def up(self, peer: Peer) -> None:
        """The session comes up."""
        peer.up, peer.first, peer.stalled = True, True, False
        peer.table = {prefix: hop for prefix, hop in peer.table.items() if prefix in peer.stale}
        capabilities: dict[str, Any] = {"1": {"families": ["ipv4/unicast", "ipv6/unicast"]}}
        if peer.graceful_restart:
            flags = {f"{family}/unicast": ["restart"] * peer.preserves for family in peer.restarts}
            bits = ["forwarding"] * peer.has_restarted
            capabilities["64"] = {"time": 120, "address-family-flags": flags, "restart-flags": bits}
        if peer.extended_next_hop:
            capabilities["5"] = {"conversion": ["ipv4/unicast/ipv6"]}
        told = {"asn": peer.asn, "hold_time": 9, "router_id": "192.0.2.1", "capabilities": capabilities}
        self._event("open", peer, direction="receive", open=told)
        self._event("state", peer, state="up")
        for prefix, route in list(peer.cache.items()):
            self._queue(peer, prefix, route)
        self.tell(peer, peer.offers, ())
        if peer.graceful_restart:
            for family in ("ipv4", "ipv6"):
                self._event(
                    "update", peer, direction="receive", message={"eor": {"afi": family, "safi": "unicast"}}
                )

    def down(self, peer: Peer, reason: str = "notification received (6,4)") -> None:
        """The session ends, the process lives."""
        peer.up, peer.writing, peer.queue = False, None, {}
        peer.resets += 1
        peer.table, peer.stale = {}, set()
        self._event("state", peer, state="down", reason=reason)

    def tell(
        self, peer: Peer, announced: dict[Prefix, tuple[int, ...]], withdrawn: tuple[Prefix, ...]
    ) -> None:
        """The peer sends UPDATEs."""
        for prefix, as_path in announced.items():
            path = {"0": {"element": "as-sequence", "value": list(as_path)}}
            hop = bare(peer.hops.get(prefix, peer.address))
            routes = {f"ipv{prefix.version} unicast": {str(hop): [str(prefix)]}}
            attributes = {"origin": "igp", "as-path": path} | peer.attributes.get(prefix, {})
            update = {"attribute": attributes, "announce": routes}
            self._event("update", peer, direction="receive", message={"update": update})
        for prefix in withdrawn:
            update = {"withdraw": {f"ipv{prefix.version} unicast": [str(prefix)]}}
            self._event("update", peer, direction="receive", message={"update": update})

    # --- the reactor ------------------------------------------------------------------------------------

    def turn(self) -> None:
        """One turn of the reactor: every peer writes a little, one command is carried out."""
        for peer in self.peers.values():
            if peer.up and not peer.stalled:
                self._write(peer)
        if self.commands:
            self._command(self.commands.popleft())

    def reload(self) -> None:
        """The configuration is read again; sessions stay."""
        for peer in self.peers.values():
            peer.eors = []

    def _write(self, peer: Peer) -> None:
        if peer.writing is None and peer.queue:
            peer.writing = self._updates(peer)
        if peer.writing is not None:
            update = next(peer.writing, None)
            if update is None:
                peer.writing, peer.first = None, False
            else:
                self._deliver(peer, *update)
        elif peer.eors:
            family = peer.eors.pop(0)
            peer.heard.append(f"eor {family}")
            for prefix in [prefix for prefix in peer.stale if f"ipv{prefix.version}" == family]:
                peer.stale.discard(prefix)
                del peer.table[prefix]
            self._event("update", peer, direction="send", message={"eor": {"afi": family, "safi": "unicast"}})

    def _updates(self, peer: Peer) -> Iterator[tuple[list[tuple[Prefix, Route]], list[Prefix]]]:
        queue, peer.queue = peer.queue, {}
        with_withdrawals = not peer.first
        for bucket in queue.values():
            gone = [prefix for prefix, route in bucket.items() if route is WITHDRAWN]
            if gone and with_withdrawals:
                yield [], gone
            there = [(prefix, route) for prefix, route in bucket.items() if route is not WITHDRAWN]
            if there:
                yield there, []

    def _deliver(self, peer: Peer, routes: list[tuple[Prefix, Route]], withdrawn: list[Prefix]) -> None:
        for prefix, (hop, words) in routes:
            peer.table[prefix], peer.carried[prefix] = hop, words
            peer.stale.discard(prefix)
            peer.heard.append(f"+{prefix} {hop} {words}".rstrip())
        for prefix in withdrawn:
            peer.table.pop(prefix, None)
            peer.stale.discard(prefix)
            peer.heard.append(f"-{prefix}")
        update: dict[str, Any] = {}
        for prefix, (hop, words) in routes:  # of one bucket: with equal attributes
            update["attribute"] = {"origin": "igp", "as-path": _sequence(peer.default_path)} | _json_of(words)
            family = update.setdefault("announce", {}).setdefault(f"ipv{prefix.version} unicast", {})
            family.setdefault(str(hop), []).append(str(prefix))
        for prefix in withdrawn:
            gone = update.setdefault("withdraw", {})
            gone.setdefault(f"ipv{prefix.version} unicast", []).append(str(prefix))
        self._event("update", peer, direction="send", message={"update": update})

    def _queue(self, peer: Peer, prefix: Prefix, route: Route | None, bucket: str = "") -> None:
        peer.queue.setdefault(f"{bucket}{route}", {})[prefix] = route

    # --- the API ----------------------------------------------------------------------------------------

    def _command(self, line: str) -> None:
        number, _, command = line.partition(" ")
        words = command.split()
        if words[0] == "show":
            for told in self._neighbors() if words[1] == "neighbor" else self._tables():
                self._answer(number, "line", told)
            answer = "done"
        else:
            peer = self.peers.get(ip_address(words[1]))
            answer = self._change(peer, words[2:]) if peer else "error"
        self._answer(number, "answer", answer)

    def _answer(self, number: str, what: str, told: object) -> None:
        if number != GONE:
            self.lines.append(json.dumps({"id": int(number), what: told}).encode())

    def _change(self, peer: Peer, words: list[str]) -> str:
        match words:
            case ["announce", "attributes", "next-hop", hop, *rest]:
                end = rest.index("nlri")
                route = (ip_address(hop), " ".join(rest[:end]))
                for prefix in map(ip_network, rest[end + 1 :]):
                    if peer.cache.get(prefix) != route:
                        peer.cache[prefix] = route
                        self._queue(peer, prefix, route)
            case ["withdraw", "attributes", "next-hop", hop, "nlri", *prefixes]:
                for prefix in map(ip_network, prefixes):
                    peer.cache.pop(prefix, None)
                    self._queue(peer, prefix, WITHDRAWN, hop)
            case ["teardown", subcode] if peer.up:
                self.down(peer, f"notification sent (6,{subcode})")
            case ["announce", "eor", family, "unicast"] if peer.up:
                peer.eors.append(family)
            case ["announce", "route-refresh", family, "unicast"] if peer.up:
                if peer.answers_refresh:
                    self._refreshed(peer, family)
            case _:
                return "error"
        return "done"

    def _refreshed(self, peer: Peer, family: str) -> None:
        def mark(subtype: str) -> None:
            told = {"afi": family, "safi": "unicast", "subtype": subtype}
            if peer.enhanced_refresh:
                self._event("refresh", peer, direction="receive", **{"route-refresh": told})

        mark("begin")
        self.tell(peer, {p: path for p, path in peer.offers.items() if f"ipv{p.version}" == family}, ())
        mark("end")

    def _neighbors(self) -> list[object]:
        families = {"ipv4 unicast": True, "ipv6 unicast": True}
        return [
            [
                {
                    "state": "up" if peer.up else "down",
                    "duration": int(self.now - self.born),
                    "fsm": "ESTABLISHED" if peer.up else "IDLE",
                    "local": {"hold": 9, "families": families},
                    "peer": {
                        "address": str(peer.address),
                        "id": "192.0.2.1" if peer.up else None,
                        "hold": 9 if peer.up else None,
                        "families": families if peer.up else dict.fromkeys(families),
                        "capabilities": {
                            "asn4": False,
                            "route-refresh": peer.enhanced_refresh,
                            "graceful-restart": peer.graceful_restart,
                            "restart-time": 120 * peer.graceful_restart,
                            "restart-families": [f"{family}/unicast" for family in peer.restarts],
                            "extended-next-hop": peer.extended_next_hop,
                        },
                    },
                }
                for peer in self.peers.values()
            ]
        ]

    def _tables(self) -> list[object]:
        return [
            {
                "peer": {"address": str(peer.address)},
                "route": {
                    "nlri": {
                        "prefix": str(prefix),
                        "nexthop": str(hop),
                        "family": {"afi": f"ipv{prefix.version}", "safi": "unicast"},
                    },
                    "attributes": _text_of(words),
                },
            }
            for peer in self.peers.values()
            for prefix, (hop, words) in peer.cache.items()
        ]


def _json_of(words: str) -> dict[str, Any]:
    """Attributes as an event tells them: communities are lists of numbers."""
    told = _text_of(words)
    return told | {
        name: [[int(part) for part in text.split(":")] for text in told[name]]
        for name in ("community", "large-community")
        if name in told
    }


def _text_of(words: str) -> dict[str, Any]:
    """Attributes as `show adj-rib out` tells them: communities are texts."""
    tokens = deque(words.split())
    told: dict[str, Any] = {}
    while tokens:
        name, value = tokens.popleft(), tokens.popleft()
        if value == "[":
            values = list(iter(tokens.popleft, "]"))
            told[name] = _sequence(list(map(int, values))) if name == "as-path" else values
        else:
            told[name] = int(value)
    return told


def _sequence(numbers: list[int]) -> dict[str, Any]:
    return {"0": {"element": "as-sequence", "value": numbers}}


def two_peers() -> dict[Address, Peer]:
    """Two ToR routers."""
    return {address: Peer(address) for address in (IPv4Address("10.0.0.101"), IPv4Address("10.0.0.102"))}
