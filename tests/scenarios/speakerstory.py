"""The driver against the model of ExaBGP, turn by turn, on virtual time."""

from ipaddress import IPv4Address, ip_address, ip_network

from bgpnet.drivers.exabgp.commands import Path
from bgpnet.drivers.exabgp.conversation import Conversation
from bgpnet.drivers.exabgp.core import Core
from bgpnet.model.attributes import Attributes
from bgpnet.model.bgp import Speaker
from bgpnet.model.net import Address, Prefix
from tests.scenarios.exabgp_model import Exabgp, Peer, two_peers

TOR1 = IPv4Address("10.0.0.101")
TOR2 = IPv4Address("10.0.0.102")
HOP1 = IPv4Address("10.0.0.1")
HOP2 = IPv4Address("10.0.0.2")

TURN = 0.01
"""Seconds that a turn takes."""


def net(number: int) -> Prefix:
    """Some prefix; every third is IPv6."""
    text = f"2001:db8:{number:x}::/64" if number % 3 == 2 else f"10.{100 + number // 256}.{number % 256}.0/24"
    return ip_network(text)


def hop(prefix: Prefix, number: int = 1) -> Address:
    """A next hop for it."""
    return ip_address(f"2001:db8::{number}" if prefix.version == 6 else f"10.0.0.{number}")


def path(prefix: Prefix, number: int = 1, med: int | None = None) -> Path:
    """What is told about it."""
    return Path(hop(prefix, number), Attributes(med=med))


class Story:
    """One agent, one ExaBGP, two peers."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.peers: dict[Address, Peer] = two_peers()
        self.lives = 0
        self.exabgp = self._start()
        self.core = Core()
        self.talk: Conversation | None = None
        self.commands: list[str] = []

    # --- the world ------------------------------------------------------------------------------------

    @property
    def tor1(self) -> Peer:
        return self.peers[TOR1]

    @property
    def tor2(self) -> Peer:
        return self.peers[TOR2]

    def restart_exabgp(self) -> None:
        """ExaBGP dies and is back at once; its sessions are not."""
        self.lose_relay()
        self.exabgp = self._start()

    def restart_agent(self) -> None:
        """A new agent, which knows nothing."""
        if self.talk is not None:
            self.exabgp.disconnect()
        self.core, self.talk = Core(), None

    def lose_relay(self) -> None:
        """The connection breaks; the agent lives on."""
        if self.talk is not None:
            self.exabgp.disconnect()
            self.core.lost(self.now)
            self.talk = None

    def connect(self) -> None:
        """The agent finds the relay."""
        if self.talk is None:
            self.talk = Conversation(self.core)
            self.exabgp.connect()

    def up(self, *peers: Peer) -> None:
        """Sessions come up; by default all."""
        for peer in peers or self.peers.values():
            if not peer.up:
                self.exabgp.up(peer)

    # --- the agent ------------------------------------------------------------------------------------

    def want(
        self, *numbers: int, next_hop: int = 1, peer: Address | None = None, med: int | None = None
    ) -> None:
        """These prefixes at every peer, or at one."""
        routes = {net(number): path(net(number), next_hop, med) for number in numbers}
        self.core.want({address: routes for address in self.peers if peer in (None, address)}, now=self.now)

    def observed(self) -> Speaker:
        speaker = self.core.observed(self.now, self.now)
        assert speaker is not None
        return speaker

    # --- time -----------------------------------------------------------------------------------------

    def turns(self, number: int) -> None:
        """So many turns of ExaBGP's reactor, with the agent in between."""
        for _ in range(number):
            self.now += TURN
            self.exabgp.now = self.now
            self.exabgp.turn()
            self.talk_once()

    def talk_once(self) -> None:
        """The agent reads everything, and says what it has to say."""
        self.core.tick(self.now)
        if self.talk is None:
            return
        lines, self.exabgp.lines = self.exabgp.lines, []
        for line in lines:
            self.talk.received(line + b"\n", self.now, self.now)
        said = self.talk.to_send(self.now)
        self.commands += said.decode().splitlines()
        self.exabgp.say(said)

    def settle(self, seconds: float = 60.0) -> None:
        """Long enough for every timer."""
        for _ in range(int(seconds)):
            self.turns(20)
            self.now += 1.0 - 20 * TURN
        self.turns(20)

    def _start(self) -> Exabgp:
        self.lives += 1
        return Exabgp(self.peers, f"1-{self.lives}", self.now)


def routes_of(peer: Peer) -> dict[str, str]:
    """A peer's table, readable."""
    return {str(prefix): str(next_hop) for prefix, next_hop in peer.table.items()}
