"""Packets: a pod that calls itself by a service address, strict filters, many pods, silent neighbours."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address

import pytest

from tests.cninode import CONFIG, CniNode, cni_node, pods
from tests.netns import Namespace, namespace
from tests.podspaces import podspaces

pytestmark = pytest.mark.kernel

SERVICES = ("10.96.0.10", "fd00:96::a")
FAMILIES = (socket.AF_INET, socket.AF_INET6)


@pytest.fixture
def node() -> Iterator[CniNode]:
    with cni_node("10.244.0.0/22", "fd00:244:1::/64") as made:
        for path in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
            write(made.host, path, "1")
        yield made


def write(where: Namespace, path: str, value: str) -> None:
    where.run("sh", "-c", f"echo {value} > /proc/sys/net/{path}")


@contextmanager
def listening(where: Namespace, family: socket.AddressFamily) -> Iterator[socket.socket]:
    with where.entered():
        sock = socket.create_server(("::" if family is socket.AF_INET6 else "0.0.0.0", 8080), family=family)
    with sock:
        sock.settimeout(5)
        yield sock


def connect(where: Namespace, address: str, port: int) -> socket.socket:
    """A TCP connection within a second: no lost packet was sent again."""
    with where.entered():
        sock = socket.socket(FAMILIES[ip_address(address).version == 6], socket.SOCK_STREAM)
    sock.settimeout(0.9)
    sock.connect((address, port))
    return sock


@pytest.mark.parametrize("number", [0, 1], ids=["ipv4", "ipv6"])
def test_a_pod_reaches_itself_through_a_service_address(node: CniNode, pod: Namespace, number: int) -> None:
    """As kube-proxy does it: the service's address becomes the pod's, the pod's own the host's."""
    address, service = node.add(pod).addresses[number], SERVICES[number]
    family = ("ip", "ip6")[number]
    rules = f"""table {family} nat {{
        chain prerouting {{
            type nat hook prerouting priority dstnat
            {family} daddr {service} tcp dport 80 dnat to {f"[{address}]" if number else address}:8080
        }}
        chain postrouting {{
            type nat hook postrouting priority srcnat
            ct status dnat {family} saddr {address} {family} daddr {address} masquerade
        }}
    }}"""
    argv = ["ip", "netns", "exec", node.host.name, "nft", "-f", "-"]
    subprocess.run(argv, input=rules, text=True, check=True, timeout=10)
    with listening(pod, FAMILIES[number]) as server, connect(pod, service, 80) as call:
        accepted, peer = server.accept()
        with accepted:
            assert peer[0] == ("192.0.2.1", "2001:db8::1")[number]
            call.sendall(b"myself")
            assert accepted.recv(10) == b"myself"


@pytest.mark.parametrize("number", [0, 1], ids=["ipv4", "ipv6"])
def test_strict_reverse_path_filters_let_pods_talk(node: CniNode, number: int) -> None:
    """And a pod cannot pass for another one."""
    for name in ("all", "default"):
        write(node.host, f"ipv4/conf/{name}/rp_filter", "1")
    with pods(2) as [one, two]:
        first, second = node.add(one).addresses, node.add(two).addresses
        with listening(two, FAMILIES[number]) as server, connect(one, second[number], 8080):
            accepted, peer = server.accept()
            accepted.close()
            assert peer[0] == first[number]
        one.ip("address", "add", "10.244.3.99/32", "dev", "eth0")
        spoofed = one.run("ping", "-c1", "-W1", "-I", "10.244.3.99", second[0], check=False)
        assert spoofed.returncode != 0


def test_nobody_answers_for_others(node: CniNode, pod: Namespace) -> None:
    """The pod's neighbours are set for good: neither side ever asks who has an address."""
    addresses = node.add(pod).addresses
    [link] = node.links()
    heard = subprocess.Popen(
        ["ip", "netns", "exec", node.host.name, "tcpdump", "-lni", link, "arp or icmp6[0] = 135"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert heard.stderr is not None
    while "listening on" not in heard.stderr.readline():
        pass
    for address in addresses:
        node.host.run("ping", "-c2", "-i0.2", "-W1", address)
    node.host.ip("route", "add", "198.51.100.0/24", "dev", "lo")
    pod.run("ping", "-c1", "-W1", "198.51.100.7", check=False)
    heard.terminate()
    assert heard.communicate(timeout=10)[0].strip() == ""


def test_the_sender_is_told_of_a_smaller_mtu(node: CniNode) -> None:
    with pods(2) as [large, small]:
        source = node.add(large).addresses
        target = node.add(small, config={**CONFIG, "mtu": 1400}).addresses
        assert source
        for address in target:
            refused = large.run("ping", "-c1", "-W1", "-Mdo", "-s1450", address, check=False)
            assert refused.returncode != 0
            routes = large.ip_json("route", "get", address)
            assert "1400" in str(routes), routes


def test_300_pods_on_a_node(node: CniNode) -> None:
    """Links, routes and addresses of each are its own; one more of each when one more comes."""
    with podspaces(300) as spaces:
        given = []
        for number, space in enumerate(spaces):
            given += node.call(node.environment("ADD", f"c{number}", space)).addresses
        assert len(set(given)) == 600
        assert set(node.routes()) == set(given)
        assert len(node.links()) == 300
        assert node.server is not None
        node.kill()
        node.start()
        again = node.call(node.environment("ADD", "c7", spaces[7]))
        assert again.output["code"] == 100
        for number in range(300):
            assert node.delete(f"c{number}").status == 0
        assert node.links_become(0)
        assert node.routes() == {}


def test_a_namespace_that_goes_while_it_is_being_attached(node: CniNode) -> None:
    """Its link goes with it, whatever ADD answered, and its address comes back."""
    node.hand_over("10.244.1.0/32")
    for _round in range(5):
        with podspaces(1) as [space]:
            call = node.start_call(node.environment("ADD", "brief", space))
            assert call.stdin is not None
            call.stdin.write(b'{"cniVersion": "1.1.0", "name": "pods", "coolingSeconds": 0}')
            call.stdin.close()
        call.wait(10)
        assert call.stdout is not None
        call.stdout.close()
    deadline = time.monotonic() + 10
    with namespace("pod") as pod:
        while node.add(pod, config={**CONFIG, "coolingSeconds": 0}).status != 0:
            assert time.monotonic() < deadline
        assert len(node.links()) == 1
