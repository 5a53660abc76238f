"""A changed BGPPeer touches only itself: over every field, judged by the other router's own clock."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_interface
from typing import Any

import pytest

from bgpnet.model.crd.bgppeer import BGPPeerSpec
from bgpnet.model.crd.declare import declare
from bgpnet.model.crd.read import read
from bgpnet.model.declared import Declared, DeclaredPeer
from bgpnet.model.kernel import HeardRouter, Kernel, KernelRoute, Link, LinkAddress, NextHop, RouteKind
from bgpnet.model.net import Address, Family, default_prefix
from bgpnet.model.plan import Plan
from bgpnet.model.secret import Secret
from bgpnet.model.snapshot import Snapshot
from bgpnet.planner import make_plan
from tests.bgprouter import Router, routers, until
from tests.kernel.speakernode import Node, speaker_node

pytestmark = pytest.mark.kernel

API = "bgpnet.io/v1alpha1"
STATIC = 4
BASE = {
    "peerAddress": "10.0.1.1",
    "peerASN": 65001,
    "families": ["ipv4", "ipv6"],
    "accept": [{"prefix": "192.0.2.0/24"}],
}

CHANGES: dict[str, dict[str, Any]] = {
    "nodeSelector": {"nodeSelector": {"matchLabels": {"rack": "other"}}},
    "peerAddress": {"peerAddress": "10.0.1.9"},
    "fromDefaultGateway": {"peerAddress": None, "fromDefaultGateway": {}},
    "fromInterface": {"peerAddress": None, "fromInterface": ["eth1"]},
    "peerASN": {"peerASN": 65009},
    "localASN": {"localASN": 64513},
    "sourceAddress": {"sourceAddress": "10.255.0.11"},
    "holdTime": {"holdTime": 30},
    "families": {"families": ["ipv4"]},
    "multihop": {"multihop": 3},
    "ttlSecurity": {"ttlSecurity": 1},
    "passwordFile": {"passwordFile": "key"},
    "passwordSecret": {"passwordSecret": {"name": "keys"}},
    "accept": {"accept": []},
    "filters": {"filters": {"import": ["missing"], "export": ["missing"]}},
    "allowOwnASN": {"allowOwnASN": 1},
    "maxPrefix": {"maxPrefix": 50},
    "maxPrefixWarning": {"maxPrefixWarning": 50},
    "maxPrefixIdleTime": {"maxPrefixIdleTime": 10},
    "bfd": {"bfd": {}},
    "router": {"router": {"name": "tor1", "type": "frr"}},
}
"""What is changed of the first peer, by the field that is meant."""


def test_every_field_is_changed() -> None:
    assert CHANGES.keys() == {field.alias for field in BGPPeerSpec.model_fields.values()}


@dataclass
class Story:
    """A node with two routers, and manifests of which the first peer's changes."""

    node: Node
    first: Router
    other: Router
    kernel: Kernel

    def manifests(self, changes: dict[str, Any]) -> Declared:
        first = {name: value for name, value in {**BASE, **changes}.items() if value is not None}
        other = {**BASE, "peerAddress": "10.0.2.1", "peerASN": 65002}
        objects = (
            {"kind": "BGPConfiguration", "metadata": {"name": "default"}, "spec": {"localASN": 64512}},
            {"kind": "BGPPeer", "metadata": {"name": "first"}, "spec": first},
            {"kind": "BGPPeer", "metadata": {"name": "other"}, "spec": other},
        )
        readings = [read({"apiVersion": API, **each}) for each in objects]
        node = {"podCIDRs": ["10.244.1.0/26", "2001:db8:a:1::/64"]}
        readings.append(
            read(
                {
                    "apiVersion": "v1",
                    "kind": "Node",
                    "metadata": {"name": "n1"},
                    "spec": node,
                    "status": {"addresses": [{"type": "InternalIP", "address": "10.0.1.2"}]},
                }
            )
        )
        assert [each.rejections for each in readings] == [()] * 4
        facts = [each.object.fact(each.ref) for each in readings if each.object]
        keyed = any(name.startswith("password") for name in changes)
        return declare(
            (
                replace(fact, password=Secret("changed"))
                if keyed and isinstance(fact, DeclaredPeer) and fact.ref.name == "first"
                else fact
                for fact in facts
            ),
            (),
        )

    def want(self, changes: dict[str, Any]) -> Plan:
        """Have the first peer like this, and wait until the speaker runs so."""
        plan = make_plan(Snapshot("n1", self.manifests(changes), self.kernel, self.node.agent.observed()))
        assert plan.sessions is not None
        self.node.agent.want(plan.sessions, plan.announcements, plan.advertise)
        until(lambda: self.node.agent.in_force() == plan.sessions, f"{changes} in force")
        return plan

    def age(self) -> tuple[int, int]:
        """When the other router's session came up, by its own word, and how often one did."""
        told = self.other.neighbor()
        return told["bgpTimerUpEstablishedEpoch"], told["connectionsEstablished"]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("fields")
    with routers(folder, 2) as (space, (first, other)), speaker_node(space, folder / "run") as node:
        space.ip("address", "add", "10.255.0.11/32", "dev", "lo")
        links = [links_of(each["ifname"], each) for each in space.ip_json("address", "show")]
        gateway = KernelRoute(
            default_prefix(Family.IPV4),
            STATIC,
            0,
            RouteKind.UNICAST,
            (NextHop(ip_address("10.0.1.1"), "eth1"),),
        )
        heard = HeardRouter("eth1", link_local(first))
        made = Story(node, first, other, Kernel(tuple(links), (gateway,), (heard,)))
        made.want({})
        node.agent.ready(first, 2)
        node.agent.ready(other, 2)
        yield made


def link_local(router: Router) -> Address:
    """Its link-local address towards the node."""
    told = router.space.ip_json("address", "show", "dev", "eth0")
    return next(ip_address(each["local"]) for each in told[0]["addr_info"] if each["scope"] == "link")


def links_of(name: str, told: dict[str, Any]) -> Link:
    interfaces = [ip_interface(f"{each['local']}/{each['prefixlen']}") for each in told["addr_info"]]
    addresses = tuple(LinkAddress(each.ip, each.network) for each in interfaces)
    return Link(told["ifindex"], name, up=True, carrier=True, mtu=1500, addresses=addresses)


@pytest.mark.parametrize("field", CHANGES)
def test_the_other_session_does_not_notice(story: Story, field: str) -> None:
    """Pain point 5: one change flaps every session."""
    story.want({})
    (since, ups), updates = story.age(), story.other.version()
    plan = story.want(CHANGES[field])
    now, ups_now = story.age()
    assert (ups_now, abs(now - since) <= 1) == (ups, True)  # the router makes the moment of an age, rounded
    assert story.other.version() == updates
    assert [each.ref.name for each in plan.sessions or ()][-1:] == ["other"] or field == "fromInterface"
    assert story.other.neighbor()["bgpState"] == "Established"
