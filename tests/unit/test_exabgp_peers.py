"""What ExaBGP calls a peer, as we run it."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from exabgp.bgp.message.open.asn import ASN
from exabgp.bgp.message.open.capability import Capability, Negotiated
from exabgp.bgp.neighbor import Neighbor
from exabgp.protocol.ip import IP
from exabgp.reactor.api.response.json import JSON

from bgpnet.speaker import exabgp_peers


def neighbor(peer: str, link: str | None = None, asn: int | None = 65001) -> Neighbor:
    made = Neighbor()
    made["peer-address"], made["local-address"] = IP.create(peer), IP.create("fe80::2")
    made["source-interface"], made["local-as"] = link, ASN(64512)
    made["peer-as"] = None if asn is None else ASN(asn)
    made["router-id"] = IP.create("10.0.0.1")
    return made


def told(made: Neighbor) -> dict[str, Any]:
    text = exabgp_peers.told(JSON("5.0.0"), made, None, '"state": "up"')
    found: dict[str, Any] = json.loads(f"{{ {text} }}")["neighbor"]
    return found


@pytest.mark.parametrize(
    ("made", "name"),
    [
        (neighbor("fe80::1", "eth1"), "fe80::1%eth1"),
        (neighbor("fe80::1", "eth2.100"), "fe80::1%eth2.100"),
        (neighbor("10.0.1.1"), "10.0.1.1"),
    ],
)
def test_a_link_local_peer_is_named_with_its_link(made: Neighbor, name: str) -> None:
    assert exabgp_peers.name(made).startswith(
        f"neighbor {name} local-ip fe80::2 local-as 64512 peer-as 65001 "
    )
    assert told(made)["address"]["peer"] == name


def test_a_peer_of_any_as_is_told_with_0() -> None:
    """ExaBGP would write None, which is no JSON."""
    assert told(neighbor("fe80::1", "eth1", None))["asn"] == {"local": 64512, "peer": 0}
    assert told(neighbor("10.0.1.1", None, None))["asn"] == {"local": 64512, "peer": 0}


@pytest.mark.parametrize(("asn", "refused"), [(64512, True), (65001, False), (4200000001, False)])
def test_any_as_but_ours(asn: int, refused: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001 - a parameter
    monkeypatch.setattr(exabgp_peers, "_VALIDATE", lambda *_: None)
    opened = SimpleNamespace(peer_as=ASN(asn), received_open=SimpleNamespace(asn=ASN(asn), capabilities={}))
    found = exabgp_peers.validate(opened, neighbor("10.0.1.1", None, None))
    assert (found is not None and found[:2] == (2, 2)) is refused
    assert exabgp_peers.validate(opened, neighbor("10.0.1.1", None, 64512)) is None


@pytest.mark.parametrize(("asn", "capability"), [(0, 65009), (65009, 0), (0, None)])
def test_a_peer_that_says_it_is_as_0_gets_no_session(asn: int, capability: int | None) -> None:
    """Also where any AS but ours is taken (peerASN: external)."""
    capabilities = {} if capability is None else {Capability.CODE.FOUR_BYTES_ASN: ASN(capability)}
    negotiated = Negotiated({"capability": {"aigp": False}})
    negotiated.received_open = SimpleNamespace(asn=ASN(asn), capabilities=capabilities)
    assert exabgp_peers.validate(negotiated, neighbor("10.0.1.1", None, None)) == (2, 2, "AS 0")


def test_a_peer_of_another_as_is_told_with_its_number() -> None:
    negotiated = Negotiated({"capability": {"aigp": False}})
    four_octets = {Capability.CODE.FOUR_BYTES_ASN: ASN(4_200_000_001)}
    negotiated.received_open = SimpleNamespace(asn=ASN(23456), capabilities=four_octets)
    negotiated.peer_as = ASN(4_200_000_001)
    assert exabgp_peers.validate(negotiated, neighbor("10.0.1.1", None, 65001)) == (2, 2, "AS 4200000001")
