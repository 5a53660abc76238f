"""Each kind: what a good object says, and what each bad field is answered."""

from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any

import pytest

from bgpnet.model.crd.meta import Fact
from bgpnet.model.crd.read import Reading, read
from bgpnet.model.declared import (
    AcceptRule,
    DeclaredConfiguration,
    DeclaredNode,
    DeclaredPeer,
    DeclaredPool,
    LabelRequirement,
    Selector,
)
from bgpnet.model.net import Family
from bgpnet.model.probe import RouteReady
from bgpnet.model.rejection import Reason


def ours(kind: str, name: str, **spec: object) -> dict[str, Any]:
    return {"apiVersion": "bgpnet.io/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def peer(**spec: object) -> dict[str, Any]:
    return ours("BGPPeer", "tor-1", **{"peerAddress": "192.0.2.1", "peerASN": 65001, **spec})


def fact(value: dict[str, Any]) -> Fact:
    reading = read(value)
    assert reading.rejections == ()
    assert reading.object is not None
    return reading.object.fact(reading.ref)


def refused(value: dict[str, Any]) -> tuple[str, str, Reason, str]:
    """The one rejection of an object that is refused whole: field, found, reason, remedy."""
    reading = read(value)
    assert reading.object is None
    (rejection,) = reading.rejections
    return rejection.field, rejection.found, rejection.reason, rejection.remedy


# --- good objects ----------------------------------------------------------------------------------------


def test_configuration_defaults() -> None:
    told = fact(ours("BGPConfiguration", "default", localASN=64512))
    assert isinstance(told, DeclaredConfiguration)
    assert (told.local_asn, told.router_id, told.hold_time) == (64512, None, 9)
    assert (told.restart_time, told.max_prefixes_per_node, told.mtu) == (120, 100, None)


def test_configuration_every_field() -> None:
    told = fact(
        ours(
            "BGPConfiguration",
            "default",
            localASN=4200000000,
            routerID="192.0.2.9",
            holdTime=0,
            gracefulRestartTime=4095,
            maxPrefixesPerNode=7,
            mtu=9000,
            communities=["no-export", "64512:100", "4200000000:1:2", "graceful-shutdown"],
            drainWait=30,
            routeReady={"minSessions": 2, "probe": False, "targets": ["192.0.2.10", "2001:db8::10"]},
        )
    )
    assert isinstance(told, DeclaredConfiguration)
    assert told.router_id == IPv4Address("192.0.2.9")
    assert (told.local_asn, told.hold_time, told.restart_time) == (4200000000, 0, 4095)
    assert (told.max_prefixes_per_node, told.mtu) == (7, 9000)
    assert told.communities == ((65535, 65281), (64512, 100), (4200000000, 1, 2), (65535, 0))
    assert told.drain_wait == 30
    assert told.route_ready == RouteReady(
        2, probe=False, targets=(ip_address("192.0.2.10"), ip_address("2001:db8::10"))
    )


def test_peer_defaults_ask_for_nothing_and_select_all_nodes() -> None:
    told = fact(peer())
    assert isinstance(told, DeclaredPeer)
    assert (told.peer_address, told.peer_asn) == (ip_address("192.0.2.1"), 65001)
    assert told.node_selector == Selector()
    assert (told.local_asn, told.source_address, told.hold_time) == (None, None, None)
    assert (told.password, told.password_error, told.accept) == (None, "", ())
    assert (told.families, told.ttl_security, told.multihop) == ((), 0, 0)


def test_peer_every_field() -> None:
    value = peer(
        peerAddress="2001:db8::1",
        localASN=64513,
        sourceAddress="2001:db8::2",
        holdTime=30,
        families=["ipv6", "ipv4"],
        ttlSecurity=2,
        passwordFile="secret",
        nodeSelector={
            "matchLabels": {"rack": "r1"},
            "matchExpressions": [
                {"key": "gpu", "operator": "DoesNotExist"},
                {"key": "zone", "operator": "In", "values": ["a", "b"]},
            ],
        },
    )
    told = fact(value)
    assert isinstance(told, DeclaredPeer)
    assert (told.local_asn, told.hold_time) == (64513, 30)
    assert (told.families, told.ttl_security) == ((Family.IPV6, Family.IPV4), 2)
    assert told.source_address == ip_address("2001:db8::2")
    assert told.node_selector.requirements == (
        LabelRequirement("rack", "In", ("r1",)),
        LabelRequirement("gpu", "DoesNotExist"),
        LabelRequirement("zone", "In", ("a", "b")),
    )


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        ({}, (8, 8)),
        ({"maxLength": 24}, (8, 24)),
        ({"minLength": 16}, (16, 32)),
        ({"minLength": 16, "maxLength": 24}, (16, 24)),
    ],
)
def test_accepted_lengths_work_as_in_a_prefix_list(
    lengths: dict[str, int], expected: tuple[int, int]
) -> None:
    told = fact(peer(accept=[{"prefix": "10.0.0.0/8", **lengths}]))
    assert isinstance(told, DeclaredPeer)
    assert told.accept == (AcceptRule(ip_network("10.0.0.0/8"), *expected),)


def test_pool() -> None:
    told = fact(ours("IPPool", "pods", cidr="2001:db8:1::/48", nodeSelector={"matchLabels": {"a": "b"}}))
    assert isinstance(told, DeclaredPool)
    assert told.cidr == ip_network("2001:db8:1::/48")
    assert told.node_selector.requirements == (LabelRequirement("a", "In", ("b",)),)


NODE = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {
        "name": "node-1",
        "uid": "0b9f",
        "labels": {"rack": "r1", "arch": "arm64"},
        "creationTimestamp": "2026-01-02T03:04:05Z",
        "managedFields": [{"manager": "kubelet"}],
    },
    "spec": {"podCIDR": "10.1.0.0/24", "podCIDRs": ["10.1.0.0/24", "2001:db8::/64"], "taints": []},
    "status": {
        "addresses": [
            {"type": "Hostname", "address": "node-1"},
            {"type": "InternalIP", "address": "192.0.2.11"},
            {"type": "ExternalIP", "address": "198.51.100.1"},
            {"type": "InternalIP", "address": "2001:db8::11"},
        ],
        "capacity": {"cpu": "4"},
    },
}


def test_node_as_the_api_server_shows_it() -> None:
    told = fact(NODE)
    assert isinstance(told, DeclaredNode)
    assert (told.name, told.created) == ("node-1", "2026-01-02T03:04:05Z")
    assert told.labels == (("arch", "arm64"), ("rack", "r1"))
    assert told.addresses == (ip_address("192.0.2.11"), ip_address("2001:db8::11"))
    assert told.pod_cidrs == (ip_network("10.1.0.0/24"), ip_network("2001:db8::/64"))


def test_node_with_the_old_single_field() -> None:
    told = fact({**NODE, "spec": {"podCIDR": "10.1.0.0/24"}})
    assert isinstance(told, DeclaredNode)
    assert told.pod_cidrs == (ip_network("10.1.0.0/24"),)


def test_node_without_anything() -> None:
    told = fact({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n", "labels": None}, "spec": None})
    assert isinstance(told, DeclaredNode)
    assert (told.pod_cidrs, told.addresses, told.labels) == ((), (), ())


# --- bad objects -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("asn", [0, 23456, 65535, 4294967295, -1, 4294967296, "65001", True, 65000.5])
def test_as_numbers_that_no_speaker_may_use(asn: object) -> None:
    field, _, reason, remedy = refused(peer(peerASN=asn))
    assert (field, reason) == ("spec.peerASN", Reason.INVALID_FIELD)
    assert remedy
    assert refused(peer(localASN=asn))[0] == "spec.localASN"
    assert refused(ours("BGPConfiguration", "default", localASN=asn))[0] == "spec.localASN"


@pytest.mark.parametrize("families", [[], ["ipv4", "ipv4"], ["ipv5"], "ipv4", ["ipv4", "ipv6", "ipv4"]])
def test_families_that_are_none(families: object) -> None:
    assert refused(peer(families=families))[0].startswith("spec.families")


@pytest.mark.parametrize("field", ["ttlSecurity", "multihop"])
@pytest.mark.parametrize("hops", [True, "1", 0, 256])
def test_what_is_no_number_of_hops(field: str, hops: object) -> None:
    assert refused(peer(**{field: hops}))[0] == f"spec.{field}"


@pytest.mark.parametrize(
    ("community", "says"),
    [
        ("64512:65536", "0 to 65535; a larger AS number needs a large community"),
        ("4200000000:1", "a larger AS number needs a large community"),
        ("64512:1:4294967296", "0 to 4294967295"),
        ("1:" + "9" * 5000, "0 to 65535"),
        ("64512", "two numbers"),
        ("1:2:3:4", "two numbers"),
        ("no-exprot", "no-export"),
        ("NO_EXPORT", "no-export"),
        ("64512:-1", "or a name"),
        ("64512:", "or a name"),
        ("٣:1", "or a name"),
        ("", "or a name"),
        (6451200100, "in quotes"),
        (None, "in quotes"),
    ],
)
def test_what_is_no_community(community: object, says: str) -> None:
    answer = refused(ours("BGPConfiguration", "default", localASN=1, communities=["64512:1", community]))
    assert (answer[0], answer[2]) == ("spec.communities[1]", Reason.INVALID_FIELD)
    assert says in answer[3]


def test_a_community_stands_once_by_whatever_name() -> None:
    value = ours("BGPConfiguration", "default", localASN=1, communities=["no-export", "65535:65281"])
    field, _, _, remedy = refused(value)
    assert (field, remedy) == ("spec.communities", "write each once: no-export stands here twice")


@pytest.mark.parametrize("hold_time", [1, 2, -1, 65536, "9"])
def test_hold_times_outside_the_protocol(hold_time: object) -> None:
    assert refused(peer(holdTime=hold_time))[0] == "spec.holdTime"
    assert refused(ours("BGPConfiguration", "default", localASN=1, holdTime=hold_time))[0] == "spec.holdTime"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("gracefulRestartTime", 0),
        ("gracefulRestartTime", 4096),
        ("routerID", "0.0.0.0"),
        ("routerID", "2001:db8::1"),
        ("maxPrefixesPerNode", 0),
        ("mtu", 1279),
    ],
)
def test_configuration_bounds(field: str, value: object) -> None:
    answer = refused(ours("BGPConfiguration", "default", localASN=64512, **{field: value}))
    assert (answer[0], answer[2]) == (f"spec.{field}", Reason.INVALID_FIELD)


def test_there_is_one_configuration() -> None:
    assert refused(ours("BGPConfiguration", "other", localASN=64512)) == (
        "metadata.name",
        '"other"',
        Reason.INVALID_FIELD,
        "write 'default'",
    )


@pytest.mark.parametrize(
    "prefix", ["10.1.2.3", "10.1.2.0/255.255.255.0", "10.1.2.0/33", "fe80::%1/64", 10, None]
)
def test_what_is_no_prefix(prefix: object) -> None:
    assert refused(ours("IPPool", "p", cidr=prefix))[:3:2] == ("spec.cidr", Reason.INVALID_FIELD)


@pytest.mark.parametrize(
    ("written", "meant"), [("10.1.2.3/16", "10.1.0.0/16"), ("2001:db8::1/64", "2001:db8::/64")]
)
def test_host_bits_name_the_prefix_that_was_meant(written: str, meant: str) -> None:
    field, found, reason, remedy = refused(ours("IPPool", "p", cidr=written))
    assert (field, found, reason) == ("spec.cidr", f'"{written}"', Reason.HOST_BITS_SET)
    assert meant in remedy


@pytest.mark.parametrize(
    "cidr",
    [
        "0.0.0.0/0",
        "0.0.0.0/8",
        "127.4.0.0/16",
        "169.254.0.0/16",
        "224.0.0.0/4",
        "240.0.0.0/8",
        "128.0.0.0/1",
        "::/0",
        "::/100",
        "::ffff:10.0.0.0/104",
        "fe80::/64",
        "ff05::/16",
    ],
)
def test_a_range_that_is_routed_nowhere_is_no_pool_and_no_nodes_loopbacks(cidr: str) -> None:
    assert refused(ours("IPPool", "p", cidr=cidr))[:3:2] == ("spec.cidr", Reason.MARTIAN)
    loopbacks = ours("BGPConfiguration", "default", localASN=64512, loopbackCIDRs=["10.0.0.0/24", cidr])
    assert refused(loopbacks)[:3:2] == ("spec.loopbackCIDRs[1]", Reason.MARTIAN)


def test_ranges_for_documentation_are_taken() -> None:
    """Labs and examples use them (RFC 5737, RFC 3849)."""
    for cidr in ("192.0.2.0/24", "100.64.0.0/10", "198.18.0.0/15", "2001:db8::/48", "fd00:1::/64"):
        fact(ours("IPPool", "p", cidr=cidr))


@pytest.mark.parametrize(
    ("address", "meant"), [("::ffff:192.0.2.1", "192.0.2.1"), ("::ffff:c000:201", "192.0.2.1")]
)
def test_an_ipv4_address_in_the_form_of_ipv6_is_refused_with_the_one_that_is_meant(
    address: str, meant: str
) -> None:
    """The API server refuses it, too. It would be the peer, or the target of a probe, of another family."""
    assert meant in refused(peer(peerAddress=address))[3]
    ready = {"targets": [address]}
    assert meant in refused(ours("BGPConfiguration", "default", localASN=64512, routeReady=ready))[3]


@pytest.mark.parametrize(
    "address", ["0.0.0.0", "::", "224.0.0.5", "ff02::5", "255.255.255.255", "fe80::1%e", "fe80::1", "x", 1]
)
def test_peer_addresses_that_are_no_host(address: object) -> None:
    assert refused(peer(peerAddress=address))[:3:2] == ("spec.peerAddress", Reason.INVALID_FIELD)


def test_source_of_another_family_than_the_peer() -> None:
    field, _, _, remedy = refused(peer(sourceAddress="2001:db8::1"))
    assert field == "spec.sourceAddress"
    assert "IPv4" in remedy


@pytest.mark.parametrize(
    "lengths",
    [
        {"minLength": 7},
        {"maxLength": 7},
        {"maxLength": 33},
        {"minLength": 24, "maxLength": 16},
        {"minLength": -1},
    ],
)
def test_accepted_lengths_that_match_nothing(lengths: dict[str, int]) -> None:
    assert refused(peer(accept=[{"prefix": "10.0.0.0/8", **lengths}]))[0].startswith("spec.accept[0]")


@pytest.mark.parametrize(
    ("term", "field"),
    [
        ({"key": "a", "operator": "Is"}, "spec.nodeSelector.matchExpressions[0].operator"),
        ({"key": "a", "operator": "In"}, "spec.nodeSelector.matchExpressions[0]"),
        ({"key": "a", "operator": "Exists", "values": ["b"]}, "spec.nodeSelector.matchExpressions[0]"),
        ({"operator": "Exists"}, "spec.nodeSelector.matchExpressions[0].key"),
    ],
)
def test_selectors_that_kubernetes_refuses(term: dict[str, object], field: str) -> None:
    assert refused(peer(nodeSelector={"matchExpressions": [term]}))[0] == field


def test_a_label_that_yaml_reads_as_a_number() -> None:
    field, found, _, remedy = refused(peer(nodeSelector={"matchLabels": {"example.org/rack": 1}}))
    assert (field, found) == ('spec.nodeSelector.matchLabels["example.org/rack"]', "1")
    assert "quotes" in remedy


def node_with(cidrs: list[str], addresses: list[dict[str, str]]) -> Reading:
    return read({**NODE, "spec": {"podCIDRs": cidrs}, "status": {"addresses": addresses}})


def test_one_bad_pod_cidr_does_not_lose_the_others() -> None:
    reading = node_with(["10.1.0.0/24", "10.2.0.9/24", "10.3.0.0/24", "nonsense"], [])
    assert reading.object is not None
    told = reading.object.fact(reading.ref)
    assert isinstance(told, DeclaredNode)
    assert told.pod_cidrs == (ip_network("10.1.0.0/24"), ip_network("10.3.0.0/24"))
    assert [(r.field, r.reason) for r in reading.rejections] == [
        ("spec.podCIDRs[1]", Reason.HOST_BITS_SET),
        ("spec.podCIDRs[3]", Reason.INVALID_FIELD),
    ]


def test_one_bad_address_does_not_lose_the_others() -> None:
    good = {"type": "InternalIP", "address": "192.0.2.1"}
    reading = node_with([], [{"type": "InternalIP", "address": "192.0.2.256"}, good])
    assert reading.object is not None
    told = reading.object.fact(reading.ref)
    assert isinstance(told, DeclaredNode)
    assert told.addresses == (ip_address("192.0.2.1"),)
    assert [r.field for r in reading.rejections] == ["status.addresses[0].address"]


def test_a_node_with_a_bad_name_is_refused_whole() -> None:
    reading = read({**NODE, "metadata": {"name": "node 1\n"}, "spec": {"podCIDRs": ["x"]}})
    assert reading.object is None
    assert {r.field for r in reading.rejections} == {"metadata.name", "spec.podCIDRs[0]"}


@pytest.mark.parametrize(
    ("part", "field"),
    [
        ({"spec": {"podCidrs": ["10.1.0.0/24"]}}, "spec.podCidrs"),
        ({"spec": {"podCIDR_s": ["10.1.0.0/24"]}}, "spec.podCIDR_s"),
        ({"status": {"adresses": []}}, "status.adresses"),
        ({"stauts": {"addresses": []}}, "stauts"),
        ({"status": {"addresses": [{"type": "InternalIP", "addres": "192.0.2.1"}]}}, "status.addresses[0]"),
    ],
)
def test_a_field_of_a_node_that_looks_mistyped_is_refused(part: dict[str, Any], field: str) -> None:
    """A node that lost its prefixes for want of a letter would be cut off without a word."""
    rejections = read({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}, **part}).rejections
    (mistyped,) = (rejection for rejection in rejections if rejection.reason is Reason.UNKNOWN_FIELD)
    assert mistyped.field.startswith(field)
    assert "did you mean" in mistyped.remedy


def test_kubernetes_own_fields_of_a_node_are_passed_over() -> None:
    spec = {"podCIDR": "10.1.0.0/24", "podCIDRs": ["10.1.0.0/24"], "providerID": "x", "taints": []}
    status = dict.fromkeys(
        [
            "allocatable",
            "capacity",
            "conditions",
            "config",
            "daemonEndpoints",
            "features",
            "images",
            "nodeInfo",
            "phase",
            "runtimeHandlers",
            "volumesAttached",
            "volumesInUse",
        ]
    )
    told = fact(
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": "n"},
            "spec": {**spec, "unschedulable": True, "externalID": "x", "configSource": None},
            "status": {**status, "addresses": []},
        }
    )
    assert isinstance(told, DeclaredNode)
    assert [str(cidr) for cidr in told.pod_cidrs] == ["10.1.0.0/24"]
