"""The API server takes our CRDs, refuses what is bad with our words, and explains the fields."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from bgpnet.model.crd.read import read
from bgpnet.model.crd.served import SERVED
from tests.cluster.controlplane import ControlPlane, manifest

pytestmark = pytest.mark.cluster

SAMPLES = Path(__file__).parents[2] / "config" / "samples"

CONFIGURATION = manifest("BGPConfiguration", "default", {"localASN": 64512})
PEER = manifest("BGPPeer", "tor", {"peerAddress": "192.0.2.1", "peerASN": 65001})
POOL = manifest("IPPool", "pods", {"cidr": "10.1.0.0/16"})
FILTER = manifest("BGPFilter", "policy", {"import": [{"action": "accept"}]})
BLOCK = manifest("IPBlock", "10.1.2.0-26", {"cidr": "10.1.2.0/26", "node": "n1", "pool": "pods"})
BLOCK6 = manifest(
    "IPBlock",
    "2001-0db8-0000-0000-0000-0000-0000-0040-122",
    {"cidr": "2001:db8::40/122", "node": "n1", "pool": "pods"},
)


def changed(good: dict[str, Any], **spec: object) -> dict[str, Any]:
    """The object with other fields; None takes one away."""
    made = copy.deepcopy(good)
    made["spec"] = {key: value for key, value in (made["spec"] | spec).items() if value is not None}
    return made


def named(good: dict[str, Any], name: str) -> dict[str, Any]:
    made = copy.deepcopy(good)
    made["metadata"]["name"] = name
    return made


def rule(**fields: object) -> dict[str, Any]:
    return changed(FILTER, **{"import": [{"action": "accept"} | fields]})


def export(**fields: object) -> dict[str, Any]:
    return changed(FILTER, export=[{"action": "accept"} | fields])


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "another configuration": (named(CONFIGURATION, "second"), "its name is default"),
    "no AS number": (changed(CONFIGURATION, localASN=None), "spec.localASN: Required value"),
    "AS 0": (changed(CONFIGURATION, localASN=0), "AS 0 is reserved (RFC 7607)"),
    "AS_TRANS": (changed(PEER, peerASN=23456), "AS 23456 is AS_TRANS"),
    "AS number of 33 bits": (changed(PEER, localASN=2**32), "4294967295"),
    "hold time of 2 s": (changed(CONFIGURATION, holdTime=2), "at least 3 seconds (RFC 4271"),
    "router-id of IPv6": (changed(CONFIGURATION, routerID="2001:db8::1"), "router identifier"),
    "router-id 0.0.0.0": (changed(CONFIGURATION, routerID="0.0.0.0"), "other than 0.0.0.0"),
    "a community of three 16-bit words": (changed(CONFIGURATION, communities=["1:2:x"]), "AS:value:value"),
    "a community twice": (changed(CONFIGURATION, communities=["1:2", "1:2"]), "Duplicate value"),
    "an unknown community": (changed(CONFIGURATION, communities=["no-exports"]), "well-known name"),
    "mtu too small": (changed(CONFIGURATION, mtu=1000), "greater than or equal to 1280"),
    "a budget of none": (changed(CONFIGURATION, maxPrefixesPerNode=0), "greater than or equal to 1"),
    "an unknown field": (changed(CONFIGURATION, localAS=1), 'unknown field "spec.localAS"'),
    "no peer address": (changed(PEER, peerAddress="tor1"), "write an IP address"),
    "address of many": (changed(PEER, peerAddress="224.0.0.5"), "global address of one host"),
    "link-local peer": (changed(PEER, peerAddress="fe80::1"), "global address of one host"),
    "source of the other family": (changed(PEER, sourceAddress="2001:db8::2"), "two families"),
    "no router": (changed(PEER, peerAddress=None), "exactly one of peerAddress"),
    "two ways to a router": (changed(PEER, fromInterface=["eth1"]), "exactly one of peerAddress"),
    "two passwords": (
        changed(PEER, passwordFile="key", passwordSecret={"name": "tor"}),
        "there is one password",
    ),
    "multihop and GTSM": (changed(PEER, multihop=2, ttlSecurity=2), "remove multihop or ttlSecurity"),
    "accept with host bits": (changed(PEER, accept=[{"prefix": "10.1.2.3/24"}]), "bits are set behind"),
    "accept lengths turned round": (
        changed(PEER, accept=[{"prefix": "10.1.0.0/16", "minLength": 24, "maxLength": 20}]),
        "minLength <= maxLength",
    ),
    "accept longer than an address": (
        changed(PEER, accept=[{"prefix": "10.1.0.0/16", "maxLength": 64}]),
        "<= an address's",
    ),
    "a selector without values": (
        changed(PEER, nodeSelector={"matchExpressions": [{"key": "a", "operator": "In"}]}),
        "In and NotIn need `values`",
    ),
    "a selector with too many": (
        changed(
            PEER,
            nodeSelector={"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]},
        ),
        "take none",
    ),
    "an operator of ours alone": (
        changed(PEER, nodeSelector={"matchExpressions": [{"key": "a", "operator": "Like"}]}),
        'supported values: "In", "NotIn", "Exists", "DoesNotExist"',
    ),
    "too many rules": (changed(PEER, accept=[{"prefix": "10.1.0.0/16"}] * 257), "at most 256 items"),
    "a pool with host bits": (changed(POOL, cidr="10.1.2.3/16"), "bits are set behind"),
    "a pool of loopback addresses": (changed(POOL, cidr="127.1.0.0/16"), "nobody routes such addresses"),
    "a pool with multicast in it": (changed(POOL, cidr="128.0.0.0/1"), "nobody routes such addresses"),
    "a link-local pool": (changed(POOL, cidr="fe80::/64"), "nobody routes such addresses"),
    "loopbacks of the host's own": (
        changed(CONFIGURATION, loopbackCIDRs=["10.0.0.0/24", "127.0.0.0/8"]),
        "nobody routes such addresses",
    ),
    "a pool that is none": (changed(POOL, cidr="10.1.0.0"), "write an address prefix"),
    "blocks larger than the pool": (changed(POOL, blockSize=8), "at least that of cidr"),
    "blocks longer than an address": (changed(POOL, blockSize=64), "at most that of an address"),
    "a filter of nothing": (changed(FILTER, **{"import": None}), "a filter without any refuses everything"),
    "a refusal with a gift": (rule(action="reject", set={"med": 1}), "what is rejected is given nothing"),
    "a filter's action": (rule(action="permit"), 'supported values: "accept", "reject"'),
    "both changes of communities": (
        export(set={"communities": {"add": ["1:2"], "replace": []}}),
        "write either `add` or `replace`",
    ),
    "too much prepending": (export(set={"prepend": 17}), "less than or equal to 16"),
    "a block under another name": (named(BLOCK, "10.1.3.0-26"), "the name of an IPBlock is its cidr"),
    "a block under another length": (named(BLOCK, "10.1.2.0-27"), "the name of an IPBlock is its cidr"),
    "an IPv6 block, shortened": (
        named(BLOCK6, "2001-db8-0-0-0-0-0-40-122"),
        "the name of an IPBlock is its cidr",
    ),
    "an IPv6 block under another name": (
        named(BLOCK6, "2001-0db8-0000-0000-0000-0000-0000-0080-122"),
        "the name of an IPBlock is its cidr",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_the_api_server_refuses_with_our_words(plane: ControlPlane, what: str) -> None:
    bad, message = BAD[what]
    said = plane.kubectl("create", "--dry-run=server", "-f", "-", stdin=yaml.safe_dump(bad), check=False)
    assert message in said
    assert "created" not in said


@pytest.mark.parametrize(
    "what", [what for what in BAD if what not in {"a community twice", "another configuration"}]
)
def test_what_the_api_server_refuses_the_models_refuse_too(what: str) -> None:
    assert read(BAD[what][0]).rejections


@pytest.mark.parametrize("good", [CONFIGURATION, PEER, POOL, FILTER, BLOCK, BLOCK6], ids=lambda o: o["kind"])
def test_good_objects_are_taken_and_read_back(plane: ControlPlane, good: dict[str, Any]) -> None:
    said = plane.kubectl("create", "--dry-run=server", "-o", "yaml", "-f", "-", stdin=yaml.safe_dump(good))
    reading = read(yaml.safe_load(said))
    assert reading.object is not None
    assert not reading.rejections
    assert reading.object.fact(reading.ref) is not None


def test_the_samples_are_taken(plane: ControlPlane) -> None:
    for sample in sorted(SAMPLES.glob("*.yaml")):
        plane.kubectl("apply", "--dry-run=server", "-f", str(sample))  # one of them may be there


def test_what_only_the_agent_can_know_is_taken_and_then_rejected_alone(plane: ControlPlane) -> None:
    shadowed = changed(FILTER, **{"import": [{"action": "accept"}, {"action": "reject"}]})
    plane.kubectl("create", "--dry-run=server", "-f", "-", stdin=yaml.safe_dump(shadowed))
    (rejection,) = read(shadowed).rejections
    assert "rule 2 never applies" in rejection.remedy


def test_defaults_are_filled_in_as_the_models_do(plane: ControlPlane) -> None:
    said = plane.kubectl(
        "create", "--dry-run=server", "-o", "yaml", "-f", "-", stdin=yaml.safe_dump(CONFIGURATION)
    )
    filled = yaml.safe_load(said)
    assert filled["spec"]["holdTime"] == 9
    bare, full = read(CONFIGURATION).object, read(filled).object
    assert bare is not None
    assert full is not None
    ref = read(CONFIGURATION).ref
    assert full.fact(ref) == bare.fact(ref)


@pytest.mark.parametrize(
    ("good", "field", "value", "message"),
    [
        (POOL, "cidr", "10.2.0.0/16", "cidr is immutable"),
        (POOL, "blockSize", 27, "blockSize is immutable"),
        (BLOCK, "node", "n2", "an IPBlock does not change"),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else str(value),
)
def test_what_must_not_change_does_not(
    plane: ControlPlane, good: dict[str, Any], field: str, value: object, message: str
) -> None:
    plane.kubectl("create", "-f", "-", stdin=yaml.safe_dump(good))
    try:
        other = yaml.safe_dump(changed(good, **{field: value}))
        said = plane.kubectl("apply", "--dry-run=server", "-f", "-", stdin=other, check=False)
        assert message in said
    finally:
        plane.kubectl("delete", good["kind"].lower(), good["metadata"]["name"])


@pytest.mark.parametrize("kind", [served.plural for served in SERVED])
def test_every_kind_is_explained_and_listed(plane: ControlPlane, kind: str) -> None:
    said = plane.kubectl("explain", kind, "--recursive")
    assert "<empty>" not in said
    assert "No resources found" in plane.kubectl("get", kind)
    assert kind in plane.kubectl("api-resources", "--categories=bgpnet")


def test_explain_says_what_a_field_means(plane: ControlPlane) -> None:
    said = plane.kubectl("explain", "bgpconf.spec.gracefulRestartTime")
    assert "RFC 4724" in said
    assert "Nodes that peer with it; left out, all." in plane.kubectl("explain", "bgppeer.spec.nodeSelector")
