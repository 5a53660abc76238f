"""The commands of ExaBGP's API that the driver uses, and what they answer."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any, Final

from bgpnet.drivers.exabgp.offer import Offer, offer_of_neighbor
from bgpnet.model.attributes import PLAIN, Attributes
from bgpnet.model.bgp import SessionState
from bgpnet.model.community import Community, parse_community
from bgpnet.model.net import Address, Family, Prefix

BATCH: Final = 48
"""Prefixes in one command: ExaBGP handles at most 50 steps of a command in one turn of its reactor."""

_COMMUNITIES: Final = {"community": 2, "large-community": 3}
"""ExaBGP's names of the attributes, in its commands and in its JSON, and how many numbers a community has."""


@dataclass(frozen=True, slots=True)
class Path:
    """What a peer is told about a prefix."""

    next_hop: Address
    attributes: Attributes = PLAIN

    def __str__(self) -> str:
        attributes = self.attributes
        words = [f"next-hop {self.next_hop}"]
        if attributes.as_path:  # ExaBGP sends it as it stands, and makes the default itself
            words.append(f"as-path [ {' '.join(map(str, attributes.as_path))} ]")
        if attributes.med is not None:
            words.append(f"med {attributes.med}")
        if attributes.local_preference is not None:
            words.append(f"local-preference {attributes.local_preference}")
        for name, length in _COMMUNITIES.items():
            told = [":".join(map(str, each)) for each in attributes.communities if len(each) == length]
            if told:
                words.append(f"{name} [ {' '.join(told)} ]")
        return " ".join(words)


@dataclass(frozen=True, slots=True)
class Announce:
    """Announce prefixes with one path."""

    peer: Address
    path: Path
    prefixes: tuple[Prefix, ...]

    def __str__(self) -> str:
        return f"neighbor {self.peer} announce attributes {self.path} nlri {_words(self.prefixes)}"


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Withdraw prefixes. `next_hop` only groups: prefixes of one command share a family."""

    peer: Address
    next_hop: Address
    prefixes: tuple[Prefix, ...]

    def __str__(self) -> str:
        return (
            f"neighbor {self.peer} withdraw attributes next-hop {self.next_hop} nlri {_words(self.prefixes)}"
        )


@dataclass(frozen=True, slots=True)
class SendEndOfRib:
    """End-of-RIB (RFC 4724 §2)."""

    peer: Address
    family: Family

    def __str__(self) -> str:
        return f"neighbor {self.peer} announce eor {self.family} unicast"


@dataclass(frozen=True, slots=True)
class Refresh:
    """Ask the peer for its table again (RFC 2918)."""

    peer: Address
    family: Family

    def __str__(self) -> str:
        return f"neighbor {self.peer} announce route-refresh {self.family} unicast"


@dataclass(frozen=True, slots=True)
class Teardown:
    """End the session with a Cease of this subcode (RFC 4486). ExaBGP connects again after a second."""

    peer: Address
    subcode: int

    def __str__(self) -> str:
        return f"neighbor {self.peer} teardown {self.subcode}"


@dataclass(frozen=True, slots=True)
class ShowNeighbors:
    """The sessions and their states."""

    def __str__(self) -> str:
        return "show neighbor json"


@dataclass(frozen=True, slots=True)
class ShowAdjRibOut:
    """What ExaBGP holds for every peer, sent or not."""

    def __str__(self) -> str:
        return "show adj-rib out json"


Command = Announce | Withdraw | SendEndOfRib | Refresh | Teardown | ShowNeighbors | ShowAdjRibOut


@dataclass(frozen=True, slots=True)
class Neighbor:
    """A session as `show neighbor json` tells it."""

    peer: Address
    state: SessionState
    seconds: float
    """How long it has been up, or not up."""
    hold_time: int
    """Seconds; ours."""
    families: frozenset[Family]
    """Ours."""
    offer: Offer | None
    """The peer's; None before it told."""


def neighbors_of(lines: Sequence[object]) -> tuple[Neighbor, ...]:
    """The answer to `ShowNeighbors`: one line, a list.

    Raises:
        ValueError: it is not.
    """
    try:
        (told,) = lines
        return tuple(_neighbor(entry) for entry in _json(told))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"show neighbor json: {type(error).__name__} {error}") from error


def adj_rib_out_of(lines: Iterable[object]) -> dict[Address, dict[Prefix, Path]]:
    """The answer to `ShowAdjRibOut`: a line per route. Routes of other than unicast families are left out.

    Raises:
        ValueError: it is not.
    """
    tables: dict[Address, dict[Prefix, Path]] = {}
    try:
        for line in lines:
            entry = _json(line)
            route, attributes = entry["route"]["nlri"], entry["route"].get("attributes", {})
            if route["family"]["safi"] == "unicast":
                table = tables.setdefault(ip_address(entry["peer"]["address"]), {})
                table[ip_network(route["prefix"])] = Path(
                    ip_address(route["nexthop"]), attributes_of(attributes, as_path_of(attributes))
                )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"show adj-rib out json: {type(error).__name__} {error}") from error
    return tables


def attributes_of(told: Mapping[str, Any], as_path: tuple[int, ...]) -> Attributes:
    """The attributes that ExaBGP's JSON tells, with this AS_PATH.

    Raises:
        KeyError, TypeError, ValueError: they are not what ExaBGP writes.
    """
    return Attributes(communities_of(told), told.get("med"), as_path, told.get("local-preference"))


def as_path_of(told: Mapping[str, Any]) -> tuple[int, ...]:
    """The AS numbers of all segments."""
    return tuple(asn for part in told.get("as-path", {}).values() for asn in part["value"])


def communities_of(told: Mapping[str, Any]) -> tuple[Community, ...]:
    """Standard and large communities: events tell numbers, `show adj-rib out` tells texts."""
    found = [each for name in _COMMUNITIES for each in told.get(name, ())]
    if not found:
        return ()
    return tuple(parse_community(each) if isinstance(each, str) else _numbers(each) for each in found)


def _numbers(told: Sequence[Any]) -> Community:
    return tuple(int(number) for number in told)


def _neighbor(entry: dict[str, Any]) -> Neighbor:
    local, peer = entry["local"], entry["peer"]
    state = SessionState.ESTABLISHED if entry["fsm"] == "ESTABLISHED" else SessionState.CONNECT
    return Neighbor(
        peer=ip_address(peer["address"]),
        state=state,
        seconds=float(entry["duration"]),
        hold_time=int(local["hold"]),
        families=frozenset(family for family in Family if local["families"].get(f"{family} unicast")),
        offer=offer_of_neighbor(peer),
    )


def _json(told: object) -> Any:  # noqa: ANN401 - whatever ExaBGP wrote
    """A line of an answer; the relay passes JSON on as it is, and ExaBGP's text as a string."""
    return json.loads(told) if isinstance(told, str) else told


def _words(prefixes: Iterable[Prefix]) -> str:
    return " ".join(str(prefix) for prefix in prefixes)
