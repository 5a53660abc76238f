"""Who reaches a pod, and whom it reaches, each with its own address and as soon as ADD returns."""

import socket
from ipaddress import ip_address

import pytest

from tests.cninode import CniNode, pods
from tests.netns import Namespace, namespace

pytestmark = pytest.mark.kernel


def listener(where: Namespace, family: socket.AddressFamily) -> socket.socket:
    """A listening TCP socket on port 8080 of every address of a namespace."""
    with where.entered():
        sock = socket.socket(family, socket.SOCK_STREAM)
    sock.bind(("::" if family is socket.AF_INET6 else "0.0.0.0", 8080))
    sock.listen()
    sock.settimeout(5)
    return sock


def connect(where: Namespace, address: str) -> socket.socket:
    """A TCP connection from a namespace, within one second: no lost packet was sent again."""
    family = socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET
    with where.entered():
        sock = socket.socket(family, socket.SOCK_STREAM)
    sock.settimeout(0.9)
    try:
        sock.connect((address, 8080))
    except OSError:
        sock.close()
        raise
    return sock


@pytest.mark.parametrize("number", [0, 1], ids=["ipv4", "ipv6"])
def test_a_pod_is_reached_from_its_host_as_soon_as_add_returns(
    node: CniNode, pod: Namespace, number: int
) -> None:
    """Also over IPv6: no duplicate address detection holds the address back."""
    family = (socket.AF_INET, socket.AF_INET6)[number]
    with listener(pod, family) as server, connect(node.host, node.add(pod).addresses[number]):
        call, peer = server.accept()
        call.close()
        assert peer[0] == ("192.0.2.1", "2001:db8::1")[number]


@pytest.mark.parametrize("number", [0, 1], ids=["ipv4", "ipv6"])
def test_two_pods_reach_each_other_with_their_own_addresses(node: CniNode, number: int) -> None:
    forward(node.host)
    with pods(2) as [one, two]:
        first, second = node.add(one).addresses[number], node.add(two).addresses[number]
        with listener(two, (socket.AF_INET, socket.AF_INET6)[number]) as server, connect(one, second):
            call, peer = server.accept()
            call.close()
            assert peer[0] == first


@pytest.mark.parametrize("number", [0, 1], ids=["ipv4", "ipv6"])
def test_a_pod_and_the_outside_see_each_others_own_addresses(
    node: CniNode, pod: Namespace, number: int
) -> None:
    forward(node.host)
    family = (socket.AF_INET, socket.AF_INET6)[number]
    with namespace("vm") as vm:
        node.host.ip("link", "add", "up0", "type", "veth", "peer", "name", "vm0", "netns", vm.name)
        for flag, near, far in (
            ("-4", "198.51.100.1/24", "198.51.100.2/24"),
            ("-6", "2001:db8:1::1/64", "2001:db8:1::2/64"),
        ):
            node.host.ip(flag, "address", "add", near, "dev", "up0", *nodad(flag))
            vm.ip(flag, "address", "add", far, "dev", "vm0", *nodad(flag))
        node.host.ip("link", "set", "up0", "up")
        vm.ip("link", "set", "vm0", "up")
        vm.ip("route", "add", "default", "via", "198.51.100.1")
        vm.ip("-6", "route", "add", "default", "via", "2001:db8:1::1")
        address = node.add(pod).addresses[number]
        outside = ("198.51.100.2", "2001:db8:1::2")[number]
        with listener(pod, family) as server, connect(vm, address):
            call, peer = server.accept()
            call.close()
            assert peer[0] == outside
        with listener(vm, family) as server, connect(pod, outside):
            call, peer = server.accept()
            call.close()
            assert peer[0] == address


def nodad(flag: str) -> list[str]:
    return ["nodad"] if flag == "-6" else []


def forward(host: Namespace) -> None:
    for path in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
        host.run("sh", "-c", f"echo 1 > /proc/sys/net/{path}")
