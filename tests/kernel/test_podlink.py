"""The pod's link, made straight through the driver: what needs a finer hand than the shim's."""

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from ipaddress import ip_address

import pytest

from bgpnet.drivers.podlink import attach, requests
from bgpnet.drivers.podlink.attach import LinkPlan, plan_link
from bgpnet.drivers.podlink.channel import Channel
from bgpnet.drivers.podlink.names import link_name
from bgpnet.drivers.podlink.observe import ObservedLink, exists, observe
from bgpnet.drivers.podlink.packing import Message
from bgpnet.model.cni import Attachment, PodLink
from bgpnet.model.errors import KernelError
from tests.netns import Namespace, namespace

pytestmark = pytest.mark.kernel

WHOSE = Attachment("pods", "4f0c", "eth0")
NAME = link_name(WHOSE, 0)
INDEX = 70000


@dataclass(frozen=True)
class Rig:
    """Two namespaces with a channel to each, and a descriptor of the pod's."""

    host: Namespace
    pod: Namespace
    to_host: Channel
    to_pod: Channel
    netns: int

    def plan(self, *addresses: str, index: int = INDEX) -> LinkPlan:
        link = PodLink(WHOSE, NAME, index, tuple(ip_address(text) for text in addresses))
        return plan_link(link, self.netns, 1500, ipv6=True)

    def attach(self, *addresses: str) -> None:
        plan = self.plan(*addresses)
        attach.create(self.to_host, plan)
        attach.connect(self.to_host, self.to_pod, plan)

    def links(self) -> list[str]:
        return [link["ifname"] for link in self.host.ip_json("link", "show", "type", "veth")]


@pytest.fixture
def rig() -> Iterator[Rig]:
    with ExitStack() as stack:
        host, pod = (stack.enter_context(namespace(label)) for label in ("host", "pod"))
        host.own("192.0.2.1")
        host.own("2001:db8::1")
        with host.entered():
            to_host = stack.enter_context(Channel.open())
        with pod.entered():
            to_pod = stack.enter_context(Channel.open())
        netns = os.open(f"/run/netns/{pod.name}", os.O_RDONLY | os.O_CLOEXEC)
        stack.callback(os.close, netns)
        yield Rig(host, pod, to_host, to_pod, netns)


@pytest.mark.parametrize("address", ["10.244.1.1", "fd00:244:1::1"])
def test_not_one_packet_is_lost_right_after(rig: Rig, address: str) -> None:
    """Neither to the carrier's work item nor, with IPv6, to the one that makes the address local."""
    family = socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET
    with rig.host.entered():
        sender = socket.socket(family, socket.SOCK_DGRAM)
    with rig.pod.entered():
        receiver = socket.socket(family, socket.SOCK_DGRAM)
    with sender, receiver:
        receiver.bind(("::" if family is socket.AF_INET6 else "0.0.0.0", 9000))
        for end in (sender, receiver):
            end.settimeout(0.5)
        for _round in range(40):
            rig.attach(address)
            sender.sendto(b"there", (address, 9000))
            message, back = receiver.recvfrom(10)
            receiver.sendto(b"back", back)
            assert (message, sender.recv(10)) == (b"there", b"back")
            attach.delete(rig.to_host, NAME)


def test_the_stand_in_for_the_local_route_expires(rig: Rig) -> None:
    rig.attach("fd00:244:1::1")
    routes = rig.pod.ip_json("-6", "route", "show", "table", "local", "proto", "180")
    assert [(route["dst"], 0 < route["expires"] <= 5) for route in routes] == [("fd00:244:1::1", True)]


def test_a_failure_in_the_pod_leaves_nothing(rig: Rig) -> None:
    rig.pod.run("sysctl", "-q", "-w", "net.ipv6.conf.default.disable_ipv6=1")
    with pytest.raises(KernelError, match=r"adding address fd00:244:1::1 to eth0: .*denied") as raised:
        rig.attach("fd00:244:1::1")
    assert raised.value.errno == errno.EACCES
    assert rig.links() == []
    assert rig.host.ip_json("route", "show", "proto", "180") == []


def test_a_failure_on_the_host_leaves_nothing_and_no_stranger_is_touched(rig: Rig) -> None:
    rig.host.ip("link", "add", "stranger", "type", "bridge")
    rig.host.ip("link", "set", "stranger", "up")
    rig.host.ip("route", "add", "10.244.1.1/32", "dev", "stranger", "metric", "178")
    with pytest.raises(KernelError, match=r"adding route 10\.244\.1\.1/32 dev bgp"):
        rig.attach("10.244.1.1")
    assert rig.links() == []
    [route] = rig.host.ip_json("route", "show", "10.244.1.1")
    assert route["dev"] == "stranger"


@pytest.mark.parametrize("address", ["10.244.1.1", "fd00:244:1::1"])
def test_a_foreign_route_of_another_metric_is_no_obstacle(rig: Rig, address: str) -> None:
    rig.host.ip("route", "add", "blackhole", address, "metric", "179")
    rig.attach(address)
    [route] = rig.host.ip_json("route", "get", address)
    assert route["dev"] == NAME


def test_a_taken_index_touches_nothing_of_its_owner(rig: Rig) -> None:
    rig.host.ip("link", "add", "stranger", "index", str(INDEX), "alias", "mine", "type", "bridge")
    with pytest.raises(KernelError) as raised:
        attach.create(rig.to_host, rig.plan("10.244.1.1"))
    assert raised.value.errno == errno.EEXIST
    [link] = rig.host.ip_json("link", "show", "stranger")
    assert link["ifindex"] == INDEX


def test_the_peer_up_before_it_has_a_peer_is_what_the_kernel_refuses(rig: Rig) -> None:
    """Why the pod's end is set up by a message of its own."""
    plan = rig.plan()
    message = requests.create_pair(plan.host, plan.pod, rig.netns, 1500)
    down_peer = requests.LINK.pack(0, 0, plan.pod.index, 0, 0)
    up_peer = requests.LINK.pack(0, 0, plan.pod.index, 1, 1)
    assert down_peer in message.body
    eager = Message(message.kind, message.flags, message.body.replace(down_peer, up_peer), message.doing)
    with pytest.raises(KernelError) as raised:
        rig.to_host.execute(eager)
    assert raised.value.errno == errno.ENOTCONN


def test_deleting_what_is_gone_is_fine(rig: Rig) -> None:
    rig.attach("10.244.1.1")
    attach.delete(rig.to_host, NAME)
    attach.delete(rig.to_host, NAME)
    assert rig.links() == []


def test_a_refused_request_does_not_stop_those_behind_it(rig: Rig) -> None:
    rig.attach("10.244.1.1")
    with pytest.raises(KernelError, match=r"deleting link bgp000000000000: .*No such device"):
        rig.to_host.execute(requests.delete_link("bgp000000000000"), requests.delete_link(NAME))
    assert rig.links() == []


def test_many_refusals_in_one_batch_are_all_read(rig: Rig) -> None:
    with pytest.raises(KernelError, match="No such device"):
        rig.to_host.execute(*(requests.delete_link(f"bgp{number:012x}") for number in range(450)))
    assert not exists(rig.to_host, name=NAME)


def test_observing_tells_pods_cut_off_adds_and_strangers_apart(rig: Rig) -> None:
    rig.attach("10.244.1.1", "fd00:244:1::1")
    rig.host.ip("link", "add", "bgp00000000000a", "type", "veth", "peer", "name", "x0")
    rig.host.ip("link", "add", "bgp00000000000b", "type", "bridge")
    rig.host.ip("link", "add", "stranger", "type", "veth", "peer", "name", "x1")
    rig.host.ip("route", "add", "blackhole", "10.244.9.9", "proto", "180")
    found = {link.name: link for link in observe(rig.to_host)}
    assert set(found) == {NAME, "bgp00000000000a"}
    assert found[NAME] == ObservedLink(
        NAME,
        INDEX,
        "bgpnet/1 pods 4f0c eth0 10.244.1.1,fd00:244:1::1",
        (ip_address("10.244.1.1"), ip_address("fd00:244:1::1")),
    )
    assert (found["bgp00000000000a"].alias, found["bgp00000000000a"].routed) == ("", ())
    assert exists(rig.to_host, name=NAME)
    assert exists(rig.to_host, index=INDEX)
    assert not exists(rig.to_host, index=INDEX + 1)
