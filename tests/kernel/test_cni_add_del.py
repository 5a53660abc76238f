"""ADD, DEL and GC through the shim, judged by iproute2."""

import pytest

from bgpnet.drivers import podjournal
from tests.cninode import CONFIG, CniNode, finish, give, open_descriptors, pods, resident_kib
from tests.netns import Namespace

pytestmark = pytest.mark.kernel


def test_what_the_pod_has(node: CniNode, pod: Namespace) -> None:
    answer = node.add(pod)
    assert answer.addresses == ["10.244.1.1", "fd00:244:1::1"]
    [link] = pod.ip_json("address", "show", "dev", "eth0")
    addresses = [(one["family"], one["local"], one["prefixlen"], one["scope"]) for one in link["addr_info"]]
    assert addresses == [("inet", "10.244.1.1", 32, "global"), ("inet6", "fd00:244:1::1", 128, "global")]
    assert link["operstate"] == "UP"
    assert link["mtu"] == 1500
    assert (link["num_tx_queues"], link["num_rx_queues"]) == (1, 1)
    assert pod.ip_json("link", "show", "dev", "eth0")[0]["inet6_addr_gen_mode"] == "none"
    [default] = pod.ip_json("route", "show", "default")
    assert (default["gateway"], default["dev"]) == ("169.254.1.1", "eth0")
    [default] = pod.ip_json("-6", "route", "show", "default")
    assert (default["gateway"], default["dev"]) == ("fe80::1", "eth0")
    host_mac = answer.output["interfaces"][0]["mac"]
    for family, gateway in (("-4", "169.254.1.1"), ("-6", "fe80::1")):
        [neighbour] = pod.ip_json(family, "neighbour", "show", gateway)
        assert (neighbour["lladdr"], neighbour["state"]) == (host_mac, ["PERMANENT"])


def test_what_the_host_has(node: CniNode, pod: Namespace) -> None:
    result = node.add(pod).output
    host_end, pod_end = result["interfaces"]
    [link] = node.host.ip_json("address", "show", "type", "veth")
    assert link["ifname"] == host_end["name"]
    assert len(link["ifname"]) <= 15
    assert link["address"] == host_end["mac"]
    assert link["operstate"] == "UP"
    assert node.host.ip_json("link", "show", "type", "veth")[0]["inet6_addr_gen_mode"] == "none"
    assert link["addr_info"] == []
    assert link["ifalias"] == f"bgpnet/1 pods {pod.name} eth0 10.244.1.1,fd00:244:1::1"
    for family, address in (("-4", "10.244.1.1"), ("-6", "fd00:244:1::1")):
        [route] = node.host.ip_json(family, "route", "show", "proto", "180")
        assert (route["dst"], route["dev"], route["metric"]) == (address, host_end["name"], 178)
        [neighbour] = node.host.ip_json(family, "neighbour", "show", address)
        assert (neighbour["lladdr"], neighbour["state"]) == (pod_end["mac"], ["PERMANENT"])


def test_nobody_answers_arp_for_others(node: CniNode, pod: Namespace) -> None:
    node.add(pod)
    [link] = node.links()
    assert node.host.run("cat", f"/proc/sys/net/ipv4/conf/{link}/proxy_arp").stdout.strip() == "0"


def test_del_takes_everything_away(node: CniNode, pod: Namespace) -> None:
    node.add(pod)
    assert node.delete(pod.name).status == 0
    assert node.links_become(0)
    assert node.routes() == {}
    assert [link["ifname"] for link in pod.ip_json("link")] == ["lo"]


def test_del_of_what_is_not_there_succeeds(node: CniNode, pod: Namespace) -> None:
    node.add(pod)
    for netns in ("", "/run/netns/never-was", f"/run/netns/{pod.name}", "/etc/hostname"):
        assert node.delete("unknown", netns).status == 0
    assert len(node.links()) == 1
    assert node.delete(pod.name, "/run/netns/never-was").status == 0
    assert node.delete(pod.name).status == 0
    assert node.links_become(0)


def test_a_missing_namespace_is_not_made(node: CniNode) -> None:
    path = node.run_dir / "netns"
    answer = node.call(node.environment("ADD", "c1", str(path)))
    assert (answer.status, answer.output["code"]) == (1, 4)
    assert str(path) in answer.output["msg"]
    assert not path.exists()
    assert node.links() == []


def test_add_twice_is_an_error_and_changes_nothing(node: CniNode, pod: Namespace) -> None:
    node.add(pod)
    routes = node.routes()
    answer = node.add(pod)
    assert (answer.status, answer.output["code"]) == (1, 100)
    assert "10.244.1.1" in answer.output["msg"]
    assert node.routes() == routes
    node.delete(pod.name)
    assert node.add(pod).addresses == ["10.244.1.2", "fd00:244:1::2"]


def test_an_interface_that_the_pod_has_already(node: CniNode, pod: Namespace) -> None:
    pod.ip("link", "add", "eth0", "type", "bridge")
    answer = node.add(pod)
    assert (answer.status, answer.output["code"]) == (1, 100)
    assert "eth0" in answer.output["msg"]
    assert node.links() == []
    pod.ip("link", "del", "eth0")
    assert node.add(pod).status == 0


def test_a_default_route_that_the_pod_has_already_counts(node: CniNode, pod: Namespace) -> None:
    """As of a plug-in before ours, where ours makes a second interface."""
    for family in ("-4", "-6"):
        pod.ip(family, "route", "add", "default", "dev", "lo")
    assert node.add(pod).status == 0
    for probe, gateway in (("192.0.2.1", "169.254.1.1"), ("2001:db8::1", "fe80::1")):
        assert pod.ip_json("route", "get", probe)[0]["dev"] == "lo"
        family = "-6" if ":" in probe else "-4"
        pod.ip(family, "route", "del", "default", "dev", "lo")
        assert pod.ip_json("route", "get", probe)[0]["gateway"] == gateway


def test_a_step_that_the_kernel_refuses_leaves_nothing(node: CniNode, pod: Namespace) -> None:
    pod.run("sysctl", "-q", "-w", "net.ipv6.conf.default.disable_ipv6=1")
    answer = node.add(pod)
    assert (answer.status, answer.output["code"]) == (1, 102)
    assert "fd00:244:1::1" in answer.output["msg"]
    assert node.links() == []
    assert node.routes() == {}
    node.hand_over("10.244.1.0/26")
    assert node.add(pod).addresses == ["10.244.1.2"]


def test_the_hosts_own_namespace_is_refused(node: CniNode) -> None:
    answer = node.add(node.host)
    assert (answer.status, answer.output["code"]) == (1, 4)
    assert "host's own" in answer.output["msg"]
    assert node.links() == []


def test_a_container_with_two_interfaces(node: CniNode, pod: Namespace) -> None:
    """The specification has it, and Multus does it: the first default route counts while it is there."""
    assert node.add(pod).addresses == ["10.244.1.1", "fd00:244:1::1"]
    second = node.add(pod, ifname="net1")
    assert second.addresses == ["10.244.1.2", "fd00:244:1::2"]
    check = node.environment("CHECK", pod.name, f"/run/netns/{pod.name}", "net1")
    assert node.call(check, {**CONFIG, "prevResult": second.output}).status == 0
    assert len(node.links()) == 2
    for probe in ("192.0.2.1", "2001:db8::1"):
        assert pod.ip_json("route", "get", probe)[0]["dev"] == "eth0"
    node.delete(pod.name)
    assert node.links_become(1)
    for probe in ("192.0.2.1", "2001:db8::1"):
        assert pod.ip_json("route", "get", probe)[0]["dev"] == "net1"
    assert list(node.routes()) == ["10.244.1.2", "fd00:244:1::2"]


def test_a_container_whose_link_vanished_without_del_may_come_again(node: CniNode, pod: Namespace) -> None:
    node.add(pod)
    node.host.ip("link", "del", node.links()[0])
    assert node.add(pod).status == 0
    assert len(node.links()) == 1


def test_a_full_block_says_so_and_a_vanished_pod_makes_room(node: CniNode) -> None:
    node.hand_over("10.244.1.0/30")
    with pods(4) as [one, two, three, four]:
        assert [node.add(pod).addresses for pod in (one, two, three)] == [
            *(["10.244.1.1"], ["10.244.1.2"], ["10.244.1.3"])
        ]
        answer = node.add(four)
        assert (answer.status, answer.output["code"]) == (1, 101)
        assert "all 3 of 10.244.1.0/30 are in use" in answer.output["msg"]
        assert len(node.links()) == 3
        node.host.ip("link", "del", node.routes()["10.244.1.2"])
        node.settle()
        answer = node.add(four)
        assert (answer.status, answer.output["code"]) == (1, 11)
        assert "2 are in use and 1 were freed less than 5 s ago" in answer.output["msg"]
        assert node.add(four, config={**CONFIG, "coolingSeconds": 0}).addresses == ["10.244.1.2"]
        node.kill()
        node.start()
        # What the agent tells of in status and metrics.
        assert podjournal.read(node.run_dir / "cni" / "pods.jsonl").refused == {101: 1, 11: 1}


def test_a_name_that_is_taken_is_evaded(node: CniNode, pod: Namespace) -> None:
    first = node.add(pod).output["interfaces"][0]["name"]
    node.delete(pod.name)
    assert node.links_become(0)
    node.host.ip("link", "add", first, "type", "bridge")
    second = node.add(pod).output["interfaces"][0]["name"]
    assert second != first
    assert sorted(node.routes().values()) == [second, second]


def test_indexes_that_are_taken_are_evaded(node: CniNode, pod: Namespace) -> None:
    node.host.ip("link", "add", "stranger0", "index", "65536", "type", "bridge")
    pod.ip("link", "add", "stranger1", "index", "65539", "type", "bridge")
    assert node.add(pod).status == 0
    [link] = node.host.ip_json("link", "show", "type", "veth")
    assert link["ifindex"] == 65540
    assert set(node.routes().values()) == {link["ifname"]}


def test_mtu_of_the_node_and_of_the_configuration(node: CniNode) -> None:
    node.hand_over("10.244.1.0/26", "fd00:244:1::/64", mtu=8950)
    with pods(2) as [one, two]:
        for pod, mtu, config in ((one, 8950, CONFIG), (two, 1400, {**CONFIG, "mtu": 1400})):
            result = node.add(pod, config=config).output
            assert [interface["mtu"] for interface in result["interfaces"]] == [mtu, mtu]
            assert pod.ip_json("link", "show", "eth0")[0]["mtu"] == mtu
            assert node.host.ip_json("link", "show", result["interfaces"][0]["name"])[0]["mtu"] == mtu


def test_an_mtu_below_ipv6s_least(node: CniNode, pod: Namespace) -> None:
    answer = node.add(pod, config={**CONFIG, "mtu": 1279})
    assert (answer.status, answer.output["code"]) == (1, 7)
    node.hand_over("10.244.1.0/26")
    assert node.add(pod, config={**CONFIG, "mtu": 1279}).addresses == ["10.244.1.1"]


def test_64_adds_at_once_for_one_container(node: CniNode, pod: Namespace) -> None:
    environment = node.environment("ADD", "c1", f"/run/netns/{pod.name}")
    calls = [node.start_call(environment) for _ in range(64)]
    for call in calls:
        give(call)
    answers = [finish(call) for call in calls]
    assert sorted(answer.status for answer in answers) == [0] + [1] * 63
    assert {answer.output.get("code") for answer in answers} == {None, 100}
    assert len(node.links()) == 1
    assert len(node.routes()) == 2


def test_many_pods_leave_no_descriptor_and_little_memory(node: CniNode) -> None:
    assert node.server is not None
    node.settle()
    before = open_descriptors(node.server.pid)
    with pods(10) as all_pods:
        for pod in all_pods:
            assert node.add(pod).status == 0
        for pod in all_pods:
            assert node.delete(pod.name).status == 0
    node.settle()
    assert open_descriptors(node.server.pid) == before
    assert resident_kib(node.server.pid) < 20 * 1024


def test_gc_removes_what_the_runtime_no_longer_lists(node: CniNode) -> None:
    with pods(3) as [kept, gone, other]:
        addresses = [node.add(pod).addresses[0] for pod in (kept, gone)]
        addresses.append(node.add(other, config={**CONFIG, "name": "other"}).addresses[0])
        config = {
            **CONFIG,
            "cni.dev/valid-attachments": [{"containerID": kept.name, "ifname": "eth0"}],
        }
        assert node.call(node.environment("GC", ""), config).status == 0
        assert {addresses[0], addresses[2]} == {dst for dst in node.routes() if ":" not in dst}


def test_gc_without_a_list_removes_nothing(node: CniNode, pod: Namespace) -> None:
    node.add(pod)
    answer = node.call(node.environment("GC", ""))
    assert (answer.status, answer.output["code"]) == (1, 7)
    assert len(node.links()) == 1
