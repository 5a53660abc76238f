"""ExaBGP's events (its JSON API, version 5) -> typed facts. Their `time` is in seconds since the epoch.

Only what a driver of unicast sessions needs is read; other events give None. Anything else than what is
expected is an `UnreadableEvent`: a new version of ExaBGP, or a bug, and never a reason to stop.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any, Final

from bgpnet.drivers.exabgp.commands import Path, as_path_of, attributes_of, communities_of
from bgpnet.drivers.exabgp.offer import Offer, offer_in_open
from bgpnet.model.attributes import DEFAULT_LOCAL_PREFERENCE
from bgpnet.model.bgp import LearnedPath, Origin, SessionState
from bgpnet.model.net import Address, Family, Prefix

_FAMILIES: Final = {f"{family} unicast": family for family in Family}

# ExaBGP is IDLE while it tries to connect, where RFC 4271 §8.2.2 says Connect, and CONNECT once TCP is up.
_STATES: Final = {
    "IDLE": SessionState.CONNECT,
    "ACTIVE": SessionState.CONNECT,
    "CONNECT": SessionState.CONNECT,
    "OPENSENT": SessionState.OPENSENT,
    "OPENCONFIRM": SessionState.OPENCONFIRM,
    "ESTABLISHED": SessionState.ESTABLISHED,
}


class UnreadableEvent(Exception):  # noqa: N818 - it names what was found, and never leaves the driver
    """An event that is not what its kind promises."""


@dataclass(frozen=True, slots=True)
class Trying:
    """The state machine took a step that is neither up nor down; `attempt` begins a new connection."""

    peer: Address
    time: float
    state: SessionState
    attempt: bool


@dataclass(frozen=True, slots=True)
class Opened:
    """The peer's OPEN: what it offers."""

    peer: Address
    time: float
    offer: Offer


@dataclass(frozen=True, slots=True)
class Up:
    """The session is Established."""

    peer: Address
    time: float


@dataclass(frozen=True, slots=True)
class Down:
    """A connection ended, whether it was Established or on its way there. `reason` in ExaBGP's words."""

    peer: Address
    time: float
    reason: str


@dataclass(frozen=True, slots=True)
class Notified:
    """The peer sent a NOTIFICATION."""

    peer: Address
    time: float
    code: int
    subcode: int
    message: str
    """ExaBGP's reading of the data: for an administrative Cease the operator's words (RFC 9003)."""


@dataclass(frozen=True, slots=True)
class Learned:
    """An UPDATE from the peer."""

    peer: Address
    time: float
    paths: tuple[LearnedPath, ...]
    withdrawn: tuple[Prefix, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """An UPDATE to the peer is being handed to TCP: whatever is queued later reaches the peer after it."""

    peer: Address
    time: float
    routes: tuple[tuple[Prefix, Path], ...]
    withdrawn: tuple[Prefix, ...]


@dataclass(frozen=True, slots=True)
class EndOfRib:
    """End-of-RIB (RFC 4724 §2), from the peer or written to it."""

    peer: Address
    time: float
    family: Family
    written: bool


@dataclass(frozen=True, slots=True)
class RefreshMark:
    """Beginning or end of the peer's answer to a route refresh (RFC 7313)."""

    peer: Address
    time: float
    family: Family
    end: bool


Event = Trying | Opened | Up | Down | Notified | Learned | Written | EndOfRib | RefreshMark


def event_of(message: Mapping[str, Any]) -> Event | None:
    """The event that a line of ExaBGP's holds; None when it is of no interest.

    Raises:
        UnreadableEvent: it is not what its kind promises.
    """
    try:
        return _event(message)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnreadableEvent(f"{message.get('type')!r}: {type(error).__name__} {error}") from error


def _event(message: Mapping[str, Any]) -> Event | None:
    kind = message["type"]
    if kind not in _READERS or "neighbor" not in message:  # ExaBGP's own end is of no session
        return None
    neighbor = message["neighbor"]
    return _READERS[kind](ip_address(neighbor["address"]["peer"]), float(message["time"]), neighbor)


def _state(peer: Address, time: float, neighbor: Mapping[str, Any]) -> Event | None:
    match neighbor["state"]:
        case "up":
            return Up(peer, time)
        case "down":
            return Down(peer, time, str(neighbor["reason"]))
        case _:
            return None


def _fsm(peer: Address, time: float, neighbor: Mapping[str, Any]) -> Event | None:
    state = _STATES[neighbor["state"]]
    if state is SessionState.ESTABLISHED:
        return None  # `up` follows
    return Trying(peer, time, state, attempt=neighbor["state"] == "ACTIVE")


def _open(peer: Address, time: float, neighbor: Mapping[str, Any]) -> Event:
    return Opened(peer, time, offer_in_open(neighbor["open"]))


def _notification(peer: Address, time: float, neighbor: Mapping[str, Any]) -> Event:
    told = neighbor["notification"]
    return Notified(peer, time, int(told["code"]), int(told["subcode"]), str(told["message"]))


def _refresh(peer: Address, time: float, neighbor: Mapping[str, Any]) -> Event | None:
    told = neighbor["route-refresh"]
    family = _FAMILIES.get(f"{told['afi']} {told['safi']}")
    if family is None or told["subtype"] not in ("begin", "end"):
        return None
    return RefreshMark(peer, time, family, end=told["subtype"] == "end")


def _update(peer: Address, time: float, neighbor: Mapping[str, Any]) -> Event | None:
    written = neighbor["direction"] == "send"
    if "eor" in neighbor["message"]:
        told = neighbor["message"]["eor"]
        family = _FAMILIES.get(f"{told['afi']} {told['safi']}")
        return EndOfRib(peer, time, family, written) if family else None
    update = neighbor["message"]["update"]
    told = update.get("attribute", {})
    routes = tuple(
        (ip_address(next_hop), tuple(map(_prefix, nlris)))
        for family, by_next_hop in update.get("announce", {}).items()
        if family in _FAMILIES
        for next_hop, nlris in by_next_hop.items()
    )
    withdrawn = tuple(
        _prefix(nlri)
        for family, nlris in update.get("withdraw", {}).items()
        if family in _FAMILIES
        for nlri in nlris
    )
    as_path = as_path_of(told)
    if written:
        attributes = attributes_of(told, () if as_path == _default_as_path(neighbor) else as_path)
        paths = ((Path(next_hop, attributes), prefixes) for next_hop, prefixes in routes)
        return Written(peer, time, tuple((each, path) for path, found in paths for each in found), withdrawn)
    origin = Origin(told.get("origin", "igp"))
    med = told.get("med")
    originator = told.get("originator-id")
    reflected = IPv4Address(originator) if originator else None
    clusters = tuple(IPv4Address(each) for each in told.get("cluster-list", ()))
    internal = neighbor["asn"]["local"] == neighbor["asn"]["peer"]
    preference = told.get("local-preference") if internal else None
    if preference is None:
        preference = DEFAULT_LOCAL_PREFERENCE
    communities = communities_of(told)
    learned = tuple(
        LearnedPath(
            peer,
            prefix,
            next_hop,
            as_path,
            origin,
            med,
            preference,
            internal,
            communities,
            reflected,
            clusters,
        )
        for prefix, next_hop in _one_each(routes, link_local=peer.is_link_local)
    )
    return Learned(peer, time, learned, withdrawn)


def _one_each(
    routes: Sequence[tuple[Address, Sequence[Prefix]]], *, link_local: bool
) -> Iterable[tuple[Prefix, Address]]:
    """One next hop a prefix: of a global and a link-local one (RFC 2545 §3) that of the session's kind.

    ExaBGP tells such a pair as two routes.
    """
    if len(routes) == 1:
        return ((prefix, next_hop) for next_hop, prefixes in routes for prefix in prefixes)
    by_fitness = sorted(routes, key=lambda route: route[0].is_link_local is link_local)
    return {prefix: next_hop for next_hop, prefixes in by_fitness for prefix in prefixes}.items()


def _default_as_path(neighbor: Mapping[str, Any]) -> tuple[int, ...]:
    """What ExaBGP makes of an AS_PATH that nobody gave it (RFC 4271 §5.1.2)."""
    local, peer = neighbor["asn"]["local"], neighbor["asn"]["peer"]
    return () if local == peer else (local,)


def _prefix(nlri: str | Mapping[str, Any]) -> Prefix:
    """RFC 4271 §4.3: the bits behind the prefix are irrelevant."""
    return ip_network(nlri if isinstance(nlri, str) else nlri["nlri"], strict=False)


_READERS: Final = {
    "state": _state,
    "fsm": _fsm,
    "open": _open,
    "notification": _notification,
    "refresh": _refresh,
    "update": _update,
}
