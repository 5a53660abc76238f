"""What ends no session in ExaBGP's process."""

import errno
import json
from types import SimpleNamespace
from typing import Any

import pytest
from exabgp.bgp.message import Message
from exabgp.bgp.message.action import Action
from exabgp.bgp.message.direction import Direction
from exabgp.bgp.message.open.asn import ASN
from exabgp.bgp.message.update.attribute import Attribute
from exabgp.bgp.message.update.attribute.attributes import Attributes
from exabgp.logger import log
from exabgp.reactor.api.processes import Processes

from bgpnet.speaker import exabgp_faults
from tests.hostile import AS_PATH, NEXT_HOP, ORIGIN, UPDATE, as_path, attribute, message, update


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("notification", "write", "broken"):
        monkeypatch.setattr(Processes, name, getattr(Processes, name))
    for name in ("TREAT_AS_WITHDRAW", "DISCARD", "parse"):
        monkeypatch.setattr(Attributes, name, getattr(Attributes, name))
    monkeypatch.setattr(log, "debug", lambda *_told: None)  # there is no logger without a daemon
    exabgp_faults.install()


def gone(_told: bytes) -> None:
    raise BrokenPipeError(errno.EPIPE, "the relay died")


@pytest.mark.parametrize(
    "there", [True, False], ids=["while it is told something", "and was not started yet"]
)
def test_a_relay_that_died_stops_no_peer(there: bool) -> None:  # noqa: FBT001 - a parameter
    processes = Processes()
    processes._configuration = {"relay": {}}  # noqa: SLF001 - what ExaBGP's reactor fills in
    if there:
        processes._process["relay"] = SimpleNamespace(stdin=SimpleNamespace(write=gone))  # noqa: SLF001 - likewise
    assert processes.write("relay", "a line")
    assert not processes.broken(None)


def read(sent: bytes, peer_as: int = 65009) -> Any:  # noqa: ANN401 - ExaBGP is not typed
    """What ExaBGP makes of an UPDATE."""
    negotiated = SimpleNamespace(
        asn4=True,
        local_as=ASN(64512),
        peer_as=ASN(peer_as),
        families=[],
        nexthop=[],
        aigp=False,
        cached_attributes=None,
        cached_wire=None,
        addpath=SimpleNamespace(receive=lambda *_: False),
    )
    return Message.unpack(2, sent[19:], Direction.IN, negotiated)


PASSED_ON = 0xC0
"""Optional and transitive: a router that does not know the attribute passes it on as it is."""


@pytest.mark.parametrize(
    ("code", "value", "flags", "costs_the_route"),
    [
        pytest.param(Attribute.CODE.PMSI_TUNNEL, b"\1", PASSED_ON, True, id="PMSI tunnel"),
        pytest.param(Attribute.CODE.AS4_PATH, b"\2\5\0\0", PASSED_ON, False, id="AS4_PATH"),
        pytest.param(Attribute.CODE.AS4_AGGREGATOR, b"\0\1", PASSED_ON, False, id="AS4_AGGREGATOR"),
        pytest.param(Attribute.CODE.ORIGINATOR_ID, b"\1\1\1", 0x80, True, id="ORIGINATOR_ID"),
        pytest.param(Attribute.CODE.CLUSTER_LIST, b"\1\1\1", 0x80, True, id="CLUSTER_LIST"),
        pytest.param(Attribute.CODE.COMMUNITY, b"\1\1\1", PASSED_ON, True, id="ExaBGP's own care"),
    ],
)
def test_a_malformed_attribute_from_far_away_costs_its_route_at_most(
    *, code: int, value: bytes, flags: int, costs_the_route: bool
) -> None:
    """Else any network on the way could end the sessions of every node, by way of routers that are fine."""
    sent = update("198.18.0.0/24", path=as_path(65009), more=attribute(code, value, flags))
    told = read(sent)
    assert [each.action for each in told.nlris] == [Action.ANNOUNCE]
    assert (Attribute.CODE.INTERNAL_TREAT_AS_WITHDRAW in told.attributes) == costs_the_route
    assert "origin" in json.loads("{" + told.attributes.json() + "}") or costs_the_route


@pytest.mark.parametrize("lacking", [ORIGIN, AS_PATH])
def test_a_route_without_what_every_route_has_is_withdrawn(lacking: int) -> None:
    has = {
        ORIGIN: attribute(ORIGIN, b"\0"),
        AS_PATH: as_path(65009),
        NEXT_HOP: attribute(NEXT_HOP, b"\x0a\0\x09\1"),
    }
    del has[lacking]
    attributes = b"".join(has.values())
    sent = message(UPDATE, b"\0\0" + len(attributes).to_bytes(2, "big") + attributes + b"\x18\xc6\x12\0")
    assert Attribute.CODE.INTERNAL_TREAT_AS_WITHDRAW in read(sent).attributes


def test_a_route_with_an_empty_path_and_a_withdrawal_are_as_they_were() -> None:
    """An internal router's own routes have an empty path."""
    own = read(update("198.18.0.0/24", path=attribute(AS_PATH, b"")), peer_as=64512)
    assert Attribute.CODE.INTERNAL_TREAT_AS_WITHDRAW not in own.attributes
    gone = read(update(withdrawn=("198.18.0.0/24",)))
    assert Attribute.CODE.INTERNAL_TREAT_AS_WITHDRAW not in gone.attributes


@pytest.mark.parametrize("origin", [b"\3", b"\0\0", b""])
def test_a_route_whose_origin_is_none_is_withdrawn(origin: bytes) -> None:
    attributes = attribute(ORIGIN, origin) + as_path(65009) + attribute(NEXT_HOP, b"\x0a\0\x09\1")
    sent = message(UPDATE, b"\0\0" + len(attributes).to_bytes(2, "big") + attributes + b"\x18\xc6\x12\0")
    assert Attribute.CODE.INTERNAL_TREAT_AS_WITHDRAW in read(sent).attributes


@pytest.mark.parametrize("position", [0, 1])
def test_a_route_with_as_0_in_its_path_is_withdrawn(position: int) -> None:
    path = [65009, 65010]
    assert (
        Attribute.CODE.INTERNAL_TREAT_AS_WITHDRAW
        not in read(update("198.18.0.0/24", path=as_path(*path))).attributes
    )
    path[position] = 0
    assert (
        Attribute.CODE.INTERNAL_TREAT_AS_WITHDRAW
        in read(update("198.18.0.0/24", path=as_path(*path))).attributes
    )
