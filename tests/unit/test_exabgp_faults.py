"""What ends no session in ExaBGP's process."""

import errno
import json
from types import SimpleNamespace

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
from tests.hostile import as_path, attribute, update


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("notification", "write", "broken"):
        monkeypatch.setattr(Processes, name, getattr(Processes, name))
    for name in ("TREAT_AS_WITHDRAW", "DISCARD"):
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
    negotiated = SimpleNamespace(
        asn4=True,
        local_as=ASN(64512),
        peer_as=ASN(65009),
        families=[],
        nexthop=[],
        aigp=False,
        cached_attributes=None,
        cached_wire=None,
        addpath=SimpleNamespace(receive=lambda *_: False),
    )
    sent = update("198.18.0.0/24", path=as_path(65009), more=attribute(code, value, flags))
    message = Message.unpack(2, sent[19:], Direction.IN, negotiated)
    assert [each.action for each in message.nlris] == [Action.ANNOUNCE]
    assert (Attribute.CODE.INTERNAL_TREAT_AS_WITHDRAW in message.attributes) == costs_the_route
    assert "origin" in json.loads("{" + message.attributes.json() + "}") or costs_the_route
