"""What ExaBGP 5.0.15 calls a peer, in its own process: a link-local one by its link too, and one of any AS.

It knows a session by the peer's address alone, though a link-local address says nothing without a link
(RFC 4007 §6): two routers of one address on two links would be one to it. And `peer-as auto`, which takes any
AS number, ends in the middle of a message where that number is told.
"""

from typing import Any, Final

from exabgp.bgp.message.open.asn import ASN
from exabgp.bgp.message.open.capability import Capability, Negotiated
from exabgp.bgp.neighbor import Neighbor
from exabgp.reactor.api.response.json import JSON
from exabgp.reactor.loop import Reactor
from exabgp.reactor.peer import Peer

_NAME: Final = Neighbor.name
_TOLD: Final = JSON._neighbor  # noqa: SLF001 - there is no other place where events name their peer
_VALIDATE: Final = Negotiated.validate

_UNKNOWN: Final = ASN(0)
BAD_PEER_AS: Final = (2, 2)
"""Code and subcode of the NOTIFICATION: RFC 4271 §6.2."""


def install() -> None:
    """Have ExaBGP use them in this process."""
    Neighbor.name = name
    JSON._neighbor = told  # noqa: SLF001 - likewise
    Reactor.neighbor_ip = neighbor_ip
    Negotiated.validate = validate
    Peer.me = me
    Peer.cli_data = _with_address(Peer.cli_data)


def address(neighbor: Neighbor) -> str:
    """The peer's address, a link-local one with its link: `fe80::1%eth1`."""
    peer, link = str(neighbor["peer-address"]), neighbor["source-interface"]
    return f"{peer}%{link}" if link else peer


def name(neighbor: Neighbor) -> str:
    """What commands select a session by, and what ExaBGP keeps it under."""
    plain: str = _NAME(neighbor)
    return plain.replace(str(neighbor["peer-address"]), address(neighbor), 1)


def told(encoder: JSON, neighbor: Neighbor, direction: str | None, content: str) -> str:
    """The part of an event that names its session; the AS number is 0 where none was configured."""
    named = neighbor
    if neighbor["source-interface"] or neighbor["peer-as"] is None:
        fields = ("local-address", "local-as", "router-id")
        named = {field: neighbor[field] for field in fields}
        named |= {"peer-address": address(neighbor), "peer-as": neighbor["peer-as"] or _UNKNOWN}
    text: str = _TOLD(encoder, named, direction, content)
    return text


def neighbor_ip(reactor: Reactor, key: str) -> str:
    """What `show adj-rib out` calls a peer."""
    found = reactor._peers.get(key)  # noqa: SLF001 - as the method that this one stands for
    return address(found.neighbor) if found else ""


def validate(negotiated: Negotiated, neighbor: Neighbor) -> tuple[int, int, str] | None:
    """Why an OPEN is refused: code, subcode, and of an AS that is not allowed which. None: it is not.

    Where any AS number is taken, our own is not, and nowhere 0, also in the capability (RFC 7607 §2).
    """
    opened = negotiated.received_open
    if opened.asn == 0 or opened.capabilities.get(Capability.CODE.FOUR_BYTES_ASN) == 0:
        return (*BAD_PEER_AS, "AS 0")
    said = (*BAD_PEER_AS, f"AS {negotiated.peer_as}")
    if neighbor["peer-as"] is None and negotiated.peer_as == neighbor["local-as"]:
        return said
    wrong: tuple[int, int, str] | None = _VALIDATE(negotiated, neighbor)
    return said if wrong and wrong[:2] == BAD_PEER_AS else wrong


def me(session: Peer, message: str) -> str:
    """How its log names a session."""
    return f"peer {address(session.neighbor)} ASN {session.neighbor['peer-as'] or 'auto'} {message}"


def _with_address(told_before: Any) -> Any:  # noqa: ANN401 - a method of ExaBGP's
    def cli_data(session: Peer) -> dict[str, Any]:
        """What `show neighbor json` tells: the AS number that the peer told where none was configured."""
        neighbor = session.neighbor
        unset = neighbor["peer-as"] is None
        if unset:  # ExaBGP makes a number of it without a look
            neighbor["peer-as"] = session.proto.negotiated.peer_as if session.proto else _UNKNOWN
        try:
            found: dict[str, Any] = told_before(session)
        finally:
            if unset:
                neighbor["peer-as"] = None
        return found | {"peer-address": address(neighbor)}

    return cli_data
