"""DEL: unreachable when it returns, gone within the second, and no crash in between leaves anything."""

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from bgpnet.drivers import podjournal
from bgpnet.drivers.podlink.detach import group_number
from bgpnet.model.cni import PodName
from tests.cninode import CONFIG, CniNode, cni_node, finish, pods
from tests.netns import Namespace, namespace
from tests.podspaces import podspaces

pytestmark = pytest.mark.kernel

NO_COOLING = {**CONFIG, "coolingSeconds": 0}


@pytest.fixture
def node() -> Iterator[CniNode]:
    with cni_node("10.244.1.0/24", "fd00:244:1::/64") as made:
        yield made


def test_a_pod_is_unreachable_when_del_returns(node: CniNode, pod: Namespace) -> None:
    addresses = node.add(pod).addresses
    for address in addresses:
        assert node.host.run("ping", "-c1", "-W1", address).returncode == 0
    assert node.delete(pod.name).status == 0
    assert node.routes() == {}
    for address in addresses:
        assert node.host.run("ping", "-c1", "-W1", address, check=False).returncode != 0
    assert node.links_become(0)


def test_links_go_in_groups(node: CniNode) -> None:
    """Each deletion waits for every processor: the pods of one moment share the wait."""
    with pods(40) as all_pods:
        for pod in all_pods:
            assert node.add(pod).status == 0
        watch = subprocess.Popen(
            ["ip", "-n", node.host.name, "-ts", "monitor", "link"], stdout=subprocess.PIPE, text=True
        )
        calls = [node.start_call(node.environment("DEL", pod.name)) for pod in all_pods]
        assert [finish(call).status for call in calls] == [0] * 40
        assert node.links_become(0)
        watch.terminate()
        events = watch.communicate(timeout=10)[0]
    times = [
        datetime.fromisoformat(line[1:27])
        for line in events.splitlines()
        if "Deleted" in line and "bgp" in line
    ]
    assert len(times) == 40
    # The links of one request are reported at once; the next one waits for the processors in between.
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert (
        sum(gap > timedelta(milliseconds=5) for gap in gaps) < 20
    )  # one by one they are 39; a busy machine adds some
    assert node.routes() == {}


def test_the_same_container_again_while_its_old_link_waits(node: CniNode, pod: Namespace) -> None:
    """Same name on the host, same name in the pod."""
    for _round in range(3):
        assert node.add(pod).status == 0
        assert node.delete(pod.name).status == 0
    assert node.add(pod).addresses == ["10.244.1.4", "fd00:244:1::4"]
    assert len(node.links()) == 1


def test_another_container_in_the_namespace_while_the_old_link_waits(node: CniNode, pod: Namespace) -> None:
    assert node.add(pod, "first").status == 0
    assert node.delete("first").status == 0
    assert node.add(pod, "second").status == 0
    assert node.links_become(1)


def test_another_interface_of_the_namespace_while_the_old_link_waits(node: CniNode, pod: Namespace) -> None:
    assert node.add(pod).status == 0
    assert node.delete(pod.name).status == 0
    assert node.add(pod, ifname="net1").status == 0
    assert node.links_become(1)
    assert pod.ip_json("route", "get", "192.0.2.1")[0]["dev"] == "net1"


def test_a_kill_between_del_and_deletion(node: CniNode) -> None:
    with pods(3) as [gone, stays, new]:
        node.add(gone)
        node.add(stays)
        node.delete(gone.name)
        node.kill()
        assert len(node.links()) == 2
        node.start()
        assert len(node.links()) == 1
        assert list(node.routes()) == ["10.244.1.2", "fd00:244:1::2"]
        assert node.add(gone).addresses == ["10.244.1.3", "fd00:244:1::3"]
        assert node.add(new).status == 0


def test_a_stop_leaves_nothing_to_delete(node: CniNode, pod: Namespace) -> None:
    node.add(pod)
    node.delete(pod.name)
    assert node.stop() == 0
    assert node.links() == []


def test_one_link_that_has_vanished_does_not_keep_the_others(node: CniNode) -> None:
    """The group of a DEL is deleted also when some of its links went with their pods' namespaces."""
    with pods(2) as [one, two]:
        with namespace("pod") as brief:
            node.add(one)
            node.add(brief)
            node.add(two)
            calls = [node.start_call(node.environment("DEL", pod.name)) for pod in (one, brief, two)]
        assert [finish(call).status for call in calls] == [0, 0, 0]
        assert node.links_become(0)
        assert node.routes() == {}


def test_a_link_deleted_by_hand_is_fine_to_del(node: CniNode, pod: Namespace) -> None:
    node.add(pod)
    assert node.server is not None
    node.server.send_signal(signal.SIGSTOP)  # it does not hear of it before the DEL
    node.host.ip("link", "del", node.links()[0])
    call = node.start_call(node.environment("DEL", pod.name))
    node.server.send_signal(signal.SIGCONT)
    assert finish(call).status == 0
    assert node.add(pod).status == 0


def test_strangers_in_no_group_of_ours_stay(node: CniNode, pod: Namespace) -> None:
    node.host.ip("link", "add", "stranger", "group", str(group_number(1) - 2), "type", "bridge")
    node.add(pod)
    node.delete(pod.name)
    assert node.links_become(0)
    assert node.host.ip_json("link", "show", "stranger")


def test_a_pod_whose_namespace_is_gone_gives_its_addresses_back(node: CniNode) -> None:
    """Nobody ever calls DEL, and no ADD has to fail first."""
    node.hand_over("10.244.1.0/31")
    with namespace("pod") as stays:
        assert node.add(stays).addresses == ["10.244.1.0"]
        with namespace("pod") as brief:
            assert node.add(brief).addresses == ["10.244.1.1"]
        with namespace("pod") as new:
            deadline = time.monotonic() + 10  # the kernel takes namespaces down in its own time
            while (answer := node.add(new, config=NO_COOLING)).status != 0:
                assert answer.output["code"] == 101
                assert time.monotonic() < deadline
            assert answer.addresses == ["10.244.1.1"]


def test_more_links_gone_than_can_be_heard_of(node: CniNode) -> None:
    """What the kernel could not tell is found by looking: every address comes back."""
    assert node.server is not None
    with podspaces(200) as spaces:
        for number, space in enumerate(spaces):
            assert node.call(node.environment("ADD", f"c{number}", space)).status == 0
        node.settle()
        node.server.send_signal(signal.SIGSTOP)
    deadline = time.monotonic() + 20
    while node.links():
        assert time.monotonic() < deadline
    node.server.send_signal(signal.SIGCONT)
    assert node.says("more links or routes gone than could be heard of")
    node.settle()
    with podspaces(100) as spaces:
        for number, space in enumerate(spaces):
            assert node.call(node.environment("ADD", f"c{number}", space), NO_COOLING).status == 0


def test_a_freed_address_cools_down_also_over_a_restart(node: CniNode) -> None:
    node.hand_over("10.244.1.0/31")
    with pods(3) as [one, two, three]:
        node.add(one)
        node.add(two)
        node.delete(one.name)
        node.kill()
        node.start()
        answer = node.add(three, config={**CONFIG, "coolingSeconds": 3600})
        assert (answer.status, answer.output["code"]) == (1, 11)
        assert "1 are in use and 1 were freed less than 3600 s ago" in answer.output["msg"]
        assert node.add(three, config=NO_COOLING).addresses == ["10.244.1.0"]


def test_the_journal_names_the_pods_that_there_are(node: CniNode) -> None:
    with pods(2) as [one, two]:
        for pod in (one, two):
            environment = node.environment("ADD", pod.name, f"/run/netns/{pod.name}")
            arguments = f"IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME={pod.name};K8S_POD_UID=u1"
            assert node.call(environment | {"CNI_ARGS": arguments}).status == 0
        node.delete(one.name)
        node.kill()
        node.start()
        found = podjournal.read(node.run_dir / "cni" / "pods.jsonl").pods
        assert {str(address): record.pod for address, record in found.items()} == {
            "10.244.1.2": PodName("shop", two.name, "u1"),
            "fd00:244:1::2": PodName("shop", two.name, "u1"),
        }


def empty_run_directory(node: CniNode) -> None:
    """As a boot does; blocks come when the agent has started again."""
    node.kill()
    shutil.rmtree(node.run_dir)
    node.run_dir.mkdir()
    node.start()


def test_a_boot_gives_every_address_back(node: CniNode) -> None:
    """Links went with the old kernel: nothing of the run directory is left, and no address has leaked."""
    node.hand_over("10.244.1.0/30")
    with pods(3) as before:
        assert all(node.add(pod).status == 0 for pod in before)
    assert node.links_become(0)
    empty_run_directory(node)
    with pods(3) as after:
        assert node.add(after[0]).output["code"] == 11, "the agent has told no blocks yet"
        node.hand_over("10.244.1.0/30")
        given = [node.add(pod).addresses[0] for pod in after]
    assert given == ["10.244.1.1", "10.244.1.2", "10.244.1.3"]


def test_a_run_directory_that_was_emptied_costs_no_pod_its_address(node: CniNode) -> None:
    with pods(3) as [one, two, three]:
        given = [node.add(pod).addresses for pod in (one, two)]
        empty_run_directory(node)
        node.hand_over("10.244.1.0/26", "fd00:244:1::/64")
        given.append(node.add(three).addresses)
        assert len({address for pair in given for address in pair}) == 6
        assert set(node.routes()) == {address for pair in given for address in pair}
