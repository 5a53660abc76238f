"""From BGPPeers and Nodes to routers: what each is told, and what is refused to whom."""

from dataclasses import replace
from ipaddress import IPv4Address, ip_network
from itertools import permutations
from string import printable as characters

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgpnet.model.crd.read import read
from bgpnet.model.declared import DeclaredPeer
from bgpnet.model.net import Family
from bgpnet.model.rejection import Reason
from bgpnet.model.router import DeclaredRouter, DefaultWhen, Neighbors, System
from bgpnet.model.secret import Secret
from bgpnet.planner.routergroup import Wishes
from bgpnet.planner.routernames import label
from tests.unit.facts import accept, address, configuration, node, pool
from tests.unit.routerfacts import NODES, labelled, one, planned, tor


def test_a_router_accepts_the_pool_at_the_blocks_length_and_sends_what_nodes_ask_for() -> None:
    config = one()
    (group,) = config.groups
    (family,) = group.families
    assert [
        (str(each.rule.prefix), each.rule.min_length, each.rule.max_length) for each in family.accepts
    ] == [("10.244.0.0/16", 26, 26)]
    assert [str(rule.prefix) for rule in family.sends] == ["192.0.2.0/24"]
    assert (family.default, family.max_prefixes) == (None, 100)
    assert (config.asn, group.node_asn, group.keepalive) == (65001, 64512, 3)
    assert (str(group.range), group.limit, group.neighbors) == ("10.0.1.0/24", 16, ())
    assert [str(each.address) for each in group.expected] == ["10.0.1.11", "10.0.1.12", "10.0.1.13"]


def test_neighbours_one_by_one_are_the_nodes_addresses_in_the_router_s_subnet() -> None:
    config = one(tor(2), wishes=Wishes(neighbors=Neighbors.EACH))
    assert config.groups[0].range is None
    assert [str(each.address) for each in config.groups[0].neighbors] == [
        "10.0.2.11",
        "10.0.2.12",
        "10.0.2.13",
    ]


def test_of_two_nodes_with_one_address_the_first_is_the_neighbour() -> None:
    twin = node("twin", "10.244.9.0/26", addresses=("10.0.1.11",))
    (group,) = one(nodes=(twin, *NODES), wishes=Wishes(neighbors=Neighbors.EACH)).groups
    assert [str(each.cause) for each in group.neighbors] == ["Node/n1", "Node/n2", "Node/n3"]
    assert group.unplaced == 1


def test_the_order_of_the_facts_does_not_matter() -> None:
    told = {
        planned(*peers, nodes=tuple(nodes))
        for peers in permutations((tor(1), tor(2)))
        for nodes in permutations(NODES)
    }
    assert len(told) == 1


@pytest.mark.parametrize("neighbors", [Neighbors.RANGE, Neighbors.EACH])
def test_a_node_that_changes_its_prefix_changes_nothing_where_a_pool_holds_it(neighbors: Neighbors) -> None:
    wishes = Wishes(neighbors=neighbors)
    moved = (replace(NODES[0], pod_cidrs=(ip_network("10.244.9.0/26"),)), *NODES[1:])
    assert one(wishes=wishes) == one(wishes=wishes, nodes=moved)


def test_without_pool_each_prefix_stands_alone_under_its_node() -> None:
    (group,) = one(pools=()).groups
    assert [(str(each.cause), str(each.rule.prefix)) for each in group.families[0].accepts] == [
        (f"Node/n{n}", f"10.244.{n}.0/26") for n in (1, 2, 3)
    ]


def test_addresses_of_the_loopback_ranges_are_accepted_singly_because_nodes_announce_them() -> None:
    ranges = (ip_network("10.255.0.0/24"), ip_network("fd00:255::/64"))
    (group,) = one(
        replace(tor(), families=tuple(Family)), configuration=replace(configuration(), loopbacks=ranges)
    ).groups
    assert [
        (str(each.cause), str(each.rule.prefix), each.rule.min_length, each.rule.max_length)
        for family in group.families
        for each in family.accepts
    ] == [
        ("BGPConfiguration/default", "10.255.0.0/24", 32, 32),
        ("IPPool/pods", "10.244.0.0/16", 26, 26),
        ("BGPConfiguration/default", "fd00:255::/64", 128, 128),
    ]


def test_routes_of_other_nodes_are_sent_with_another_as() -> None:
    """They share an AS, and would find it in the path."""
    assert not one().groups[0].as_override
    assert one(replace(tor(), accept=(accept("10.244.0.0/16", 26),))).groups[0].as_override
    assert not one(replace(tor(), accept=(accept("10.244.0.0/16"),))).groups[0].as_override


@pytest.mark.parametrize("when", DefaultWhen)
def test_a_default_route_is_sent_because_nodes_ask_for_it(when: DefaultWhen) -> None:
    tracked = (ip_network("198.51.100.0/24"), ip_network("2001:db8::/32"))
    router = replace(tor(default_when=when, tracked=tracked), accept=(accept("0.0.0.0/0"),))
    (family,) = one(router).groups[0].families
    assert family.default is not None
    assert (str(family.default.prefix), family.default.when) == ("0.0.0.0/0", when)
    assert [str(prefix) for prefix in family.default.tracked] == ["198.51.100.0/24"]
    assert family.sends == ()


def links(name: str, *interfaces: str) -> DeclaredPeer:
    """A BGPPeer over links without addresses to the router tor1."""
    router = DeclaredRouter("tor1", System.FRR, router_id=IPv4Address("10.255.0.1"), interfaces=interfaces)
    told = replace(tor(), peer_address=None, families=(), interfaces=("eth1",), router=router)
    return replace(told, ref=replace(told.ref, name=name))


def test_over_links_without_addresses_each_link_is_a_neighbour_in_both_families() -> None:
    (group,) = one(links("tor1", "swp1", "swp2")).groups
    assert (group.interfaces, group.range, group.neighbors) == (("swp1", "swp2"), None, ())
    assert group.family_names == (Family.IPV4, Family.IPV6)
    assert group.extended_next_hop


def test_ipv4_routes_over_an_ipv6_session_may_have_ipv6_next_hops() -> None:
    v6 = replace(
        tor(router_id=IPv4Address("10.255.0.1"), node_subnet=ip_network("fd00::/64")),
        peer_address=address("fd00::1"),
        families=(Family.IPV4, Family.IPV6),
    )
    assert one(v6).groups[0].extended_next_hop
    assert (
        not one(
            replace(v6, families=(Family.IPV6,)),
            pools=(pool("p", "fd00:1::/32"),),
            nodes=(node("n", "fd00:1::/64"),),
        )
        .groups[0]
        .extended_next_hop
    )
    assert not one().groups[0].extended_next_hop


def test_sessions_of_both_families_are_one_router() -> None:
    v6 = replace(
        tor(),
        ref=replace(tor().ref, name="tor1-v6"),
        peer_address=address("fd00:1::1"),
        families=(Family.IPV6,),
    )
    assert v6.router is not None
    v6 = replace(v6, router=replace(v6.router, node_subnet=ip_network("fd00:1::/64")))
    nodes = tuple(
        replace(
            each,
            pod_cidrs=(*each.pod_cidrs, ip_network(f"fd00:10::{n}00/122")),
            addresses=(*each.addresses, address(f"fd00:1::{n}")),
        )
        for n, each in enumerate(NODES)
    )
    config = one(tor(), v6, nodes=nodes, pools=(pool("pods", "10.244.0.0/16"), pool("pods6", "fd00:10::/64")))
    assert [group.label for group in config.groups] == ["K8S_TOR1", "K8S_TOR1_V6"]


@pytest.mark.parametrize("system", System)
def test_a_router_keeps_the_router_id_that_it_has_where_nobody_wrote_one(system: System) -> None:
    """A ToR that gets another one ends its sessions with the whole fabric; GoBGP has none by itself."""
    found = one(tor(system=system)).router_id
    assert str(found) == ("10.0.1.1" if system is System.GOBGP else "None")
    written = IPv4Address("10.255.0.1")
    assert one(tor(system=system, router_id=written)).router_id == written


_NO_SUBNET = replace(tor(), router=replace(tor().router, node_subnet=None))  # type: ignore[type-var]
_TWIN = replace(tor(2), peer_address=address("10.0.1.1"))


@pytest.mark.parametrize(
    ("peers", "changes", "reason", "field", "says"),
    [
        ((tor(1), _TWIN), {}, Reason.DUPLICATE_PEER, "spec.peerAddress", "router tor1 has this address"),
        ((replace(tor(), router=None),), {}, Reason.NO_ROUTER, "spec.router", "frr | bird"),
        ((_NO_SUBNET,), {}, Reason.NO_ROUTER, "spec.router.nodeSubnet", "shares with the nodes"),
        ((tor(node_subnet=ip_network("10.9.0.0/24")),), {}, Reason.NOT_CONNECTED, "spec.router.nodeSubnet", "10.0.1.1"),
        ((replace(tor(), peer_asn=64512),), {}, Reason.NOT_EXPRESSIBLE, "spec.peerASN", "different AS"),
        ((replace(tor(), peer_address=None),), {}, Reason.NO_ROUTER, "spec.router.gateways", "for each router"),
        ((replace(tor(), peer_address=None, interfaces=("eth1",)),), {}, Reason.NO_ROUTER, "spec.router.interfaces", "own names of its links"),
        ((links("tor1", "swp1", "swp2"), links("other", "swp2", "swp3")), {}, Reason.ROUTER_CONFLICT, "spec.router.interfaces", "leads to one node"),
        ((replace(tor(), peer_asn=0),), {}, Reason.NOT_EXPRESSIBLE, "spec.peerASN", "AS number"),
        ((replace(tor(), multihop=3),), {}, Reason.NOT_EXPRESSIBLE, "spec.multihop", "own subnet"),
        ((replace(tor(), ttl_security=2),), {}, Reason.NOT_EXPRESSIBLE, "spec.ttlSecurity", "own subnet"),
        ((tor(),), {"configuration": None}, Reason.NO_LOCAL_ASN, "spec.localASN", "expects the nodes' AS"),
        ((replace(tor(), node_selector=labelled(rack="r9")),), {}, Reason.NO_NODE, "spec.nodeSelector", "no Node is selected"),
        ((tor(neighbors=Neighbors.EACH),), {"nodes": ()}, Reason.NO_NODE, "spec.nodeSelector", "take the range"),
        ((tor(),), {"nodes": (), "pools": ()}, Reason.NO_NODE, "spec.families", "the first that will be"),
        ((tor(),), {"nodes": (node("n"),), "pools": ()}, Reason.NO_NODE, "spec.families", "podCIDRs"),
        ((tor(),), {"pools": (pool("p", "10.0.0.0/8"),)}, Reason.ROUTER_CONFLICT, "spec.router.nodeSubnet", "IPPool/p"),
        ((tor(neighbors=Neighbors.EACH),), {"nodes": (node("n", "10.244.1.0/26", addresses=("10.7.0.1",)),)}, Reason.NO_ADDRESS, "spec.nodeSelector", "InternalIP"),
        ((tor(1), replace(tor(2, name="tor1"), peer_asn=65001, router=replace(tor(1).router, node_subnet=ip_network("10.0.0.0/16")))), {}, Reason.ROUTER_CONFLICT, "spec.router.nodeSubnet", "overlaps"),  # type: ignore[type-var]
        ((tor(1), tor(2, name="tor1")), {}, Reason.ROUTER_CONFLICT, "spec.peerASN", "BGPPeer/tor1 says 65001"),
        ((tor(1), replace(tor(2, name="tor1", system=System.BIRD), peer_asn=65001)), {}, Reason.ROUTER_CONFLICT, "spec.router.type", "BGPPeer/tor1 says frr"),
    ],
)  # fmt: skip
def test_a_bad_peer_is_refused_with_field_and_remedy(
    peers: tuple[object, ...], changes: dict[str, object], reason: Reason, field: str, says: str
) -> None:
    told = planned(*peers, **changes)  # type: ignore[arg-type]
    (rejection,) = told.rejections
    assert (rejection.reason, rejection.field) == (reason, field)
    assert says in rejection.remedy
    assert len(told.routers) == len(peers) - 1, "the others go on"


def test_a_password_that_cannot_be_read_is_needed_only_to_be_revealed() -> None:
    locked = replace(tor(), password_error="password file k: ENOENT: No such file or directory")
    assert one(locked).groups[0].authenticated
    told = planned(locked, wishes=Wishes(reveal=True))
    assert [each.reason for each in told.rejections] == [Reason.PASSWORD_UNREADABLE]
    known = replace(tor(), password=Secret("s3cret"))
    assert one(known).groups[0].password is None
    assert one(known, wishes=Wishes(reveal=True)).groups[0].password == Secret("s3cret")


@given(
    st.lists(
        st.text(st.sampled_from("ab-._A0" + characters), min_size=1, max_size=40), unique=True, max_size=30
    )
)
def test_names_become_words_that_every_system_takes_and_stay_apart(names: list[str]) -> None:
    labels = [label(name) for name in names]
    assert len(set(labels)) == len(names)
    for each in labels:
        assert len(each) <= 20
        assert set(each) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


@pytest.mark.parametrize(
    "spec",
    [
        {"name": 'a"; drop', "type": "frr"},
        {"name": "a b", "type": "frr"},
        {"name": "a\nrouter bgp 1", "type": "frr"},
        {"name": "a;", "type": "frr"},
        {"name": "-", "type": "frr"},
        {"name": "tor1", "type": "frr", "version": "8.4\n!"},
        {"name": "tor1", "type": "ios"},
        {"name": "tor1"},
        {"name": "tor1", "type": "frr", "defaultRoute": {"when": "tracked"}},
        {"name": "tor1", "type": "frr", "defaultRoute": {"tracks": ["10.0.0.0/8"]}},
        {"name": "tor1", "type": "frr", "aggregates": ["0.0.0.0/0"]},
        {"name": "tor1", "type": "frr", "routerID": "0.0.0.0"},
        {"name": "tor1", "type": "frr", "nodeSubnet": "10.0.1.1/24"},
        {"name": "tor1", "type": "frr", "interfaces": ["swp1 peer-group X"]},
        {"name": "tor1", "type": "frr", "interfaces": ["swp1", "swp1"]},
        {"name": "tor1", "type": "frr", "interfaces": ["swp1"], "nodeSubnet": "10.0.1.0/24"},
        {"name": "tor1", "type": "frr", "interfaces": ["swp1"], "neighbors": "each"},
    ],
)
def test_what_is_no_router_is_refused_before_it_is_planned(spec: dict[str, object]) -> None:
    peer = {"peerAddress": "10.0.1.1", "peerASN": 65001, "router": spec}
    value = {
        "apiVersion": "bgpnet.io/v1alpha1",
        "kind": "BGPPeer",
        "metadata": {"name": "tor1"},
        "spec": peer,
    }
    reading = read(value)
    assert reading.object is None
    assert reading.rejections[0].field.startswith("spec.router")
    assert "\n" not in str(reading.rejections[0])
