"""What a peer offers in its OPEN (RFC 4271 §4.2, RFC 5492), as ExaBGP tells it by itself or when asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any, Final

from bgpnet.model.bgp import RouteRefresh
from bgpnet.model.net import Family

_FAMILIES: Final = {f"{family}/unicast": family for family in Family}

# Codes of capabilities, as keys of ExaBGP's JSON (the IANA registry "Capability Codes").
_MULTIPROTOCOL: Final = "1"
_ROUTE_REFRESH: Final = "2"
_EXTENDED_NEXT_HOP: Final = "5"
_GRACEFUL_RESTART: Final = "64"
_FOUR_BYTE_ASN: Final = "65"
_ENHANCED_ROUTE_REFRESH: Final = "70"


@dataclass(frozen=True, slots=True)
class Offer:
    """A peer's OPEN."""

    router_id: IPv4Address | None
    hold_time: int
    """Seconds."""
    families: frozenset[Family]
    four_byte_asn: bool
    """RFC 6793."""
    route_refresh: RouteRefresh
    graceful_restart: bool
    """RFC 4724."""
    restart_time: int
    """Seconds for which it asks its own routes to be kept; 0 without graceful restart."""
    extended_next_hop: bool
    """IPv4 routes with IPv6 next hops (RFC 8950)."""
    asn: int = 0
    """All four bytes of its AS number."""
    restartable: frozenset[Family] = frozenset()
    """Families that it can forward while it restarts, as its graceful restart names; a helper names none."""
    preserved: frozenset[Family] = frozenset()
    """Of those the ones that it did go on forwarding before this OPEN (the Forwarding State bit)."""
    restarted: bool = False
    """It has just restarted, and waits for End-of-RIB before it selects routes (the Restart State bit)."""


def offer_in_open(told: Mapping[str, Any]) -> Offer:
    """The OPEN in an event of ExaBGP's.

    Raises:
        KeyError, TypeError, ValueError: it is none.
    """
    has = told["capabilities"]
    restarts = has.get(_GRACEFUL_RESTART, {}).get("address-family-flags", {})
    flags = {_FAMILIES[name]: said for name, said in restarts.items() if name in _FAMILIES}
    multiprotocol = has.get(_MULTIPROTOCOL, {"families": ["ipv4/unicast"]})  # RFC 4760 §8
    return Offer(
        router_id=IPv4Address(told["router_id"]),
        hold_time=int(told["hold_time"]),
        families=frozenset(_FAMILIES[name] for name in multiprotocol["families"] if name in _FAMILIES),
        four_byte_asn=_FOUR_BYTE_ASN in has,
        route_refresh=_refresh(plain=_ROUTE_REFRESH in has, enhanced=_ENHANCED_ROUTE_REFRESH in has),
        graceful_restart=_GRACEFUL_RESTART in has,
        restart_time=int(has.get(_GRACEFUL_RESTART, {}).get("time", 0)),
        extended_next_hop=_EXTENDED_NEXT_HOP in has,
        asn=int(has.get(_FOUR_BYTE_ASN, {}).get("asn4") or told["asn"]),
        restartable=frozenset(flags),
        # ExaBGP shows bit 0x80 of a family's flags, Forwarding State, under the name of the other flag
        preserved=frozenset(family for family, said in flags.items() if "restart" in said),
        # and this one, bit 0x8 of the capability's own flags, under the name of that one
        restarted="forwarding" in has.get(_GRACEFUL_RESTART, {}).get("restart-flags", ()),
    )


def offer_of_neighbor(peer: Mapping[str, Any]) -> Offer | None:
    """The OPEN that `show neighbor json` tells of in an entry's `peer`; None before there was one.

    The restart time and what follows are told by `speaker/exabgp_daemon.py`, not by ExaBGP itself. They are
    only shown, so a speaker of another version that does not tell them is no reason to stop.

    Raises:
        KeyError, TypeError, ValueError: it is not such an entry.
    """
    if peer["hold"] is None:
        return None
    has = peer["capabilities"]
    return Offer(
        router_id=IPv4Address(peer["id"]) if peer["id"] else None,
        hold_time=int(peer["hold"]),
        families=frozenset(family for family in Family if peer["families"].get(f"{family} unicast")),
        four_byte_asn=bool(has["asn4"]),
        route_refresh=_refresh(
            plain=bool(has["route-refresh"]), enhanced=bool(has.get("enhanced-route-refresh"))
        ),
        graceful_restart=bool(has["graceful-restart"]),
        restart_time=int(has.get("restart-time") or 0),
        extended_next_hop=bool(has.get("extended-next-hop")),
        asn=int(peer.get("as") or 0),
        restartable=frozenset(
            family for family in Family if f"{family}/unicast" in (has.get("restart-families") or ())
        ),
    )


def _refresh(*, plain: bool, enhanced: bool) -> RouteRefresh:
    if enhanced:
        return RouteRefresh.ENHANCED
    return RouteRefresh.PLAIN if plain else RouteRefresh.NONE
