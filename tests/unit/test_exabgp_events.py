"""ExaBGP's events, as ExaBGP 5.0.15 wrote them, and as nobody should."""

import contextlib
import json
from dataclasses import replace
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgpnet.drivers.exabgp.commands import Path
from bgpnet.drivers.exabgp.events import (
    Down,
    EndOfRib,
    Event,
    Learned,
    Notified,
    Opened,
    RefreshMark,
    Trying,
    UnreadableEvent,
    Up,
    Written,
    event_of,
)
from bgpnet.drivers.exabgp.offer import Offer
from bgpnet.model.attributes import Attributes
from bgpnet.model.bgp import LearnedPath, Origin, RouteRefresh, SessionState
from bgpnet.model.net import Family

TOR = ip_address("10.0.1.1")

NOTHING = Offer(
    router_id=IPv4Address("192.0.2.1"),
    hold_time=180,
    families=frozenset({Family.IPV4}),
    four_byte_asn=False,
    route_refresh=RouteRefresh.NONE,
    graceful_restart=False,
    restart_time=0,
    extended_next_hop=False,
    asn=23456,
)
"""The offer of a peer without capabilities."""

HEADER = '{ "exabgp": "5.0.0", "time": 12.5, "host" : "vm", "pid" : 7782, "ppid" : 1, "counter": 1, '
NEIGHBOR = (
    '"neighbor": { "address": { "local": "10.0.1.2", "peer": "10.0.1.1" }, '
    '"asn": { "local": 64512, "peer": 65001 }, "router-id": "10.0.1.2" , '
)


def read(kind: str, rest: str, peer_as: int = 65001) -> Event | None:
    """The event of a line with this kind and this end."""
    neighbor = NEIGHBOR.replace("65001", str(peer_as))
    message: dict[str, Any] = json.loads(f'{HEADER}"type": "{kind}", {neighbor}{rest} }} }}')
    return event_of(message)


def test_states() -> None:
    assert read("state", '"state": "up"') == Up(TOR, 12.5)
    assert read("state", '"state": "connected"') is None
    assert read("state", '"state": "down", "reason": "closing connection"') == Down(
        TOR, 12.5, "closing connection"
    )
    assert read("fsm", '"state": "ACTIVE"') == Trying(TOR, 12.5, SessionState.CONNECT, attempt=True)
    assert read("fsm", '"state": "OPENSENT"') == Trying(TOR, 12.5, SessionState.OPENSENT, attempt=False)
    assert read("fsm", '"state": "ESTABLISHED"') is None


def test_a_router_that_forwarded_while_it_restarted_says_so() -> None:
    """RFC 4724 §3. ExaBGP's name for bit 0x80 of a family's flags is that of another flag."""
    flags = '{ "ipv4/unicast": [ "restart" ] , "ipv6/unicast": [  ] , "ipv4/flow": [ "restart" ] }'
    graceful = f'"64": {{ "name": "graceful restart", "time": 120, "address-family-flags": {flags} }}'
    event = read("open", opened(f'{{ "1": {{ "families": [ "ipv4/unicast" ] }}, {graceful} }}'))
    assert isinstance(event, Opened)
    assert event.offer.restartable == frozenset(Family)
    assert event.offer.preserved == frozenset({Family.IPV4})


def test_the_peers_open() -> None:
    capabilities = (
        '{ "1": { "name": "multiprotocol", "families": [ "ipv4/unicast", "ipv6/unicast", "ipv4/flow" ] }, '
        '"2": { "name": "route-refresh", "variant": "RFC" }, "70": { "name": "enhanced-route-refresh" }, '
        '"5": { "name": "nexthop", "conversion": [ "ipv4/unicast/ipv6" ] }, '
        '"65": { "name": "asn4", "asn4": 4200000001 }, '
        '"64": { "name": "graceful restart", "time": 120, "address-family-flags": { "ipv4/unicast": [ ] }, '
        '"restart-flags": [ "forwarding" ]  } }'
    )
    assert read("open", opened(capabilities)) == Opened(
        TOR,
        12.5,
        Offer(
            router_id=IPv4Address("192.0.2.1"),
            hold_time=180,
            families=frozenset(Family),
            four_byte_asn=True,
            route_refresh=RouteRefresh.ENHANCED,
            graceful_restart=True,
            restart_time=120,
            extended_next_hop=True,
            asn=4200000001,
            restartable=frozenset({Family.IPV4}),
            restarted=True,
        ),
    )


def opened(capabilities: str) -> str:
    return (
        '"direction": "receive", "open": { "version": 4, "asn": 23456, "hold_time": 180, '
        f'"router_id": "192.0.2.1", "capabilities": {capabilities} }}'
    )


def test_a_peer_that_offers_little() -> None:
    told = read("open", opened('{ "2": { "name": "route-refresh", "variant": "RFC" } }'))
    assert isinstance(told, Opened)
    assert told.offer == replace(NOTHING, route_refresh=RouteRefresh.PLAIN)


def test_a_peer_without_multiprotocol_speaks_ipv4() -> None:
    """RFC 4760 §8."""
    assert read("open", opened("{  }")) == Opened(TOR, 12.5, NOTHING)


def test_learned_routes() -> None:
    text = (
        '"direction": "receive", "message": { "update": { "attribute": { "origin": "incomplete", '
        '"as-path": {"0": {"element": "as-sequence", "value": [65001, 65002]}, '
        '"1": {"element": "as-set", "value": [65003]}}, "med": 7 }, '
        '"announce": { "ipv4 unicast": { "10.0.1.1": [ "0.0.0.0/0", { "nlri": "192.0.2.1/24" } ] }, '
        '"ipv4 flow": { "no-nexthop": [ { "destination-ipv4": [ "10.0.0.0/8" ] } ] } }, '
        '"withdraw": { "ipv6 unicast": [ "2001:db8::/32" ], "ipv4 flow": [ {} ] } } }'
    )
    as_path = (65001, 65002, 65003)
    assert read("update", text) == Learned(
        TOR,
        12.5,
        (
            LearnedPath(TOR, ip_network("0.0.0.0/0"), TOR, as_path, Origin.INCOMPLETE, 7),
            LearnedPath(TOR, ip_network("192.0.2.0/24"), TOR, as_path, Origin.INCOMPLETE, 7),
        ),
        (ip_network("2001:db8::/32"),),
    )


@pytest.mark.parametrize(
    ("peer_as", "told", "preference"),
    [(64512, ', "local-preference": 200', 200), (64512, "", 100), (65001, ', "local-preference": 200', 100)],
)
def test_local_preference_counts_from_our_own_as_alone(peer_as: int, told: str, preference: int) -> None:
    """RFC 4271 §5.1.5."""
    text = (
        f'"direction": "receive", "message": {{ "update": {{ "attribute": {{ "origin": "igp"{told} }}, '
        '"announce": { "ipv4 unicast": { "10.0.1.1": [ "192.0.2.0/24" ] } } } }'
    )
    learned = read("update", text, peer_as)
    assert isinstance(learned, Learned)
    (path,) = learned.paths
    assert (path.local_preference, path.internal) == (preference, peer_as == 64512)


def test_written_routes() -> None:
    text = (
        '"direction": "send", "message": { "update": { "attribute": { "origin": "igp", '
        '"as-path": {"0": {"element": "as-sequence", "value": [64512]}} }, '
        '"announce": { "ipv6 unicast": { "2001:db8:1::2": [ "2001:db8:a::/64" ] } } } }'
    )
    route = (ip_network("2001:db8:a::/64"), Path(ip_address("2001:db8:1::2")))
    assert read("update", text) == Written(TOR, 12.5, (route,), ())
    text = (
        '"direction": "send", "message": { "update": { "withdraw": { "ipv4 unicast": [ "10.244.0.0/26" ]}}}'
    )
    assert read("update", text) == Written(TOR, 12.5, (), (ip_network("10.244.0.0/26"),))


def test_written_attributes() -> None:
    """An AS_PATH that is not the default one, MED, and both kinds of communities."""
    text = (
        '"direction": "send", "message": { "update": { "attribute": { "origin": "igp", '
        '"as-path": {"0": {"element": "as-sequence", "value": [64512, 64512]}}, "med": 0, '
        '"community": [[65535, 0], [64512, 1]], "large-community": [[ 64512, 1 , 2 ]] }, '
        '"announce": { "ipv4 unicast": { "10.0.1.2": [ "10.244.0.0/26" ] } } } }'
    )
    attributes = Attributes(((64512, 1), (64512, 1, 2), (65535, 0)), 0, (64512, 64512))
    route = (ip_network("10.244.0.0/26"), Path(ip_address("10.0.1.2"), attributes))
    assert read("update", text) == Written(TOR, 12.5, (route,), ())


@pytest.mark.parametrize(("direction", "written"), [("send", True), ("receive", False)])
def test_end_of_rib(direction: str, *, written: bool) -> None:
    text = f'"direction": "{direction}", "message": {{ "eor": {{ "afi" : "ipv6", "safi" : "unicast" }} }}'
    assert read("update", text) == EndOfRib(TOR, 12.5, Family.IPV6, written)


def test_end_of_rib_of_another_family_is_of_no_interest() -> None:
    text = '"direction": "receive", "message": { "eor": { "afi" : "l2vpn", "safi" : "evpn" } }'
    assert read("update", text) is None


def test_refresh_marks() -> None:
    text = '"direction": "receive", "route-refresh": { "afi": "ipv4", "safi": "unicast", "subtype": "%s" }'
    assert read("refresh", text % "begin") == RefreshMark(TOR, 12.5, Family.IPV4, end=False)
    assert read("refresh", text % "end") == RefreshMark(TOR, 12.5, Family.IPV4, end=True)
    assert read("refresh", text % "query") is None


def test_notifications() -> None:
    text = '"direction": "receive", "notification": { "code": 6, "subcode": 2, "message": "bye" }'
    assert read("notification", text) == Notified(TOR, 12.5, 6, 2, "bye")


def test_what_is_no_sessions_event_is_of_no_interest() -> None:
    assert event_of({"type": "notification-of-another-kind"}) is None
    assert event_of({"type": "signal"}) is None


def test_the_end_of_exabgp_is_of_no_session() -> None:
    assert event_of({"type": "notification", "notification": "shutdown"}) is None


@pytest.mark.parametrize(
    ("kind", "rest"),
    [
        ("state", '"stat": "up"'),
        ("fsm", '"state": "LOST"'),
        ("update", '"direction": "receive", "message": {}'),
        ("update", '"direction": "receive", "message": { "update": { "announce": { "ipv4 unicast": [] } } }'),
        (
            "update",
            '"direction": "receive", "message": { "update": { "withdraw": { "ipv4 unicast": [ "x" ]}}}',
        ),
        (
            "update",
            '"direction": "send", "message": {"update": {"announce": {"ipv4 unicast": {"null": ["::/0"]}}}}',
        ),
        (
            "notification",
            '"direction": "receive", "notification": { "code": 6, "subcode": "two", "message": "" }',
        ),
    ],
)
def test_what_is_not_as_promised_is_told(kind: str, rest: str) -> None:
    with pytest.raises(UnreadableEvent, match=kind):
        read(kind, rest)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.sampled_from(["state", "fsm", "open", "notification", "refresh", "update", "x"]),
    st.sampled_from(["state", "open", "message", "route-refresh", "notification", "direction"]),
    JSON,
)
def test_nothing_else_ever_comes_of_it(kind: str, key: str, value: object) -> None:
    neighbor = {"address": {"peer": "10.0.1.1"}, "direction": "receive", key: value}
    with contextlib.suppress(UnreadableEvent):
        event_of({"type": kind, "time": 1.0, "neighbor": neighbor})


def test_of_a_global_and_a_link_local_next_hop_that_of_the_sessions_kind() -> None:
    """RFC 2545 §3: 32 octets of next hop, which ExaBGP tells as two routes."""
    announced = (
        '"direction": "receive", "message": { "update": { "announce": { "ipv6 unicast": { '
        '"2001:db8::1": [ { "nlri": "2001:db8:9::/48" } ], "fe80::1": [ { "nlri": "2001:db8:9::/48" } ] '
        "} } } }"
    )
    told = json.loads(f'{HEADER}"type": "update", {NEIGHBOR}{announced} }} }}')
    for peer, next_hop in (("2001:db8::1", "2001:db8::1"), ("fe80::1%eth1", "fe80::1")):
        told["neighbor"]["address"]["peer"] = peer
        event = event_of(told)
        assert isinstance(event, Learned)
        assert [(path.peer, path.next_hop) for path in event.paths] == [
            (ip_address(peer), ip_address(next_hop))
        ]


def test_what_a_route_reflector_adds() -> None:
    """RFC 4456 §8."""
    event = read(
        "update",
        '"direction": "receive", "message": { "update": { "attribute": { "origin": "igp", '
        '"originator-id": "10.0.0.1", "cluster-list": [ "10.255.0.1", "10.255.0.2" ] }, '
        '"announce": { "ipv4 unicast": { "10.0.0.1": [ { "nlri": "10.1.0.0/16" } ] } } } }',
        peer_as=64512,
    )
    assert isinstance(event, Learned)
    (path,) = event.paths
    assert path.originator == IPv4Address("10.0.0.1")
    assert path.clusters == (IPv4Address("10.255.0.1"), IPv4Address("10.255.0.2"))
