"""Server, shim or runtime end when nobody expects it: no address twice, nothing left behind."""

import os
import signal
import socket
from contextlib import closing

import pytest

from bgpnet.cni import wire
from bgpnet.drivers.podlink.names import link_name
from bgpnet.model.cni import Attachment
from tests.cninode import CniNode, finish, pods
from tests.netns import Namespace

pytestmark = pytest.mark.kernel


def test_no_address_twice_when_the_server_is_killed_between_adds(node: CniNode) -> None:
    given: list[str] = []
    with pods(6) as all_pods:
        for pod in all_pods:
            given += node.add(pod).addresses
            node.kill()
            node.start()
        assert len(set(given)) == 12
        assert set(node.routes()) == set(given)
        for pod in all_pods:
            assert node.delete(pod.name).status == 0
    assert node.links_become(0)


def test_a_restart_knows_who_is_attached(node: CniNode, pod: Namespace) -> None:
    node.add(pod)
    routes = node.routes()
    assert node.stop() == 0
    assert node.routes() == routes
    node.start()
    assert node.add(pod).output["code"] == 100
    assert node.delete(pod.name).status == 0
    assert node.routes() == {}


def test_sigterm_changes_nothing_and_takes_the_socket_away(node: CniNode, pod: Namespace) -> None:
    node.add(pod)
    before = (node.links(), node.routes())
    assert node.stop() == 0
    assert (node.links(), node.routes()) == before
    assert not (node.run_dir / "cni.sock").exists()


def test_a_socket_that_a_killed_server_left_is_replaced(node: CniNode, pod: Namespace) -> None:
    node.kill()
    assert (node.run_dir / "cni.sock").is_socket()
    answer = node.add(pod)
    assert (answer.status, answer.output["code"]) == (1, 11)
    node.start()
    assert node.add(pod).status == 0


def test_a_second_server_is_refused(node: CniNode, pod: Namespace) -> None:
    with pytest.raises(AssertionError, match=r"another bgpnet cni holds .*/cni/lock: stop it"):
        CniNode(node.host, node.run_dir).start()
    assert node.add(pod).status == 0


def test_the_socket_is_for_its_owner_alone(node: CniNode) -> None:
    assert (node.run_dir / "cni.sock").stat().st_mode & 0o777 == 0o600


def test_a_link_without_an_alias_is_a_cut_off_add_and_goes_at_start(node: CniNode, pod: Namespace) -> None:
    node.kill()
    name = link_name(Attachment("pods", pod.name, "eth0"), 0)
    node.host.ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", pod.name)
    node.host.ip("link", "add", "veth0", "type", "veth", "peer", "name", "veth1")
    node.start()
    assert sorted(node.links()) == ["veth0", "veth1"]
    assert node.add(pod).addresses == ["10.244.1.1", "fd00:244:1::1"]


def test_late_news_of_a_swept_link_do_not_free_the_address_of_its_heir(node: CniNode, pod: Namespace) -> None:
    """The same container has the same name; were its index the same too, nobody could tell the two apart."""
    node.kill()
    name = link_name(Attachment("pods", pod.name, "eth0"), 0)
    node.host.ip(
        *("link", "add", name, "index", "65536", "type", "veth"),
        *("peer", "name", "eth0", "netns", pod.name, "index", "65537"),
    )
    node.start()
    assert node.add(pod).status == 0
    [link] = node.host.ip_json("link", "show", "type", "veth")
    assert (link["ifname"], link["ifindex"]) == (name, 65538)


def test_a_shim_that_gave_up_leaves_nothing(node: CniNode, pod: Namespace) -> None:
    """The server is stopped meanwhile: it finds a request whose shim has gone, and nobody to answer."""
    assert node.server is not None
    node.server.send_signal(signal.SIGSTOP)
    environment = node.environment("ADD", "c1", f"/run/netns/{pod.name}")
    answer = node.call(environment | {"BGPNET_CNI_DEADLINE_MS": "200"})
    assert (answer.status, answer.output["code"]) == (1, 11)
    assert "did not answer in time" in answer.output["msg"]
    node.server.send_signal(signal.SIGCONT)
    node.settle()
    assert node.links_become(0)
    assert node.add(pod).addresses == ["10.244.1.2", "fd00:244:1::2"]


def test_an_answer_that_nobody_read_is_undone(node: CniNode, pod: Namespace) -> None:
    with ask(node, pod) as call:
        wait_readable(call)
        assert len(node.links()) == 1
    node.settle()
    assert node.links_become(0)


def test_an_answer_that_was_read_stays(node: CniNode, pod: Namespace) -> None:
    with ask(node, pod) as call:
        wait_readable(call)
        call.recv(100)
    node.settle()
    assert len(node.links()) == 1


def test_a_late_end_of_an_old_call_does_not_undo_a_new_attachment(node: CniNode, pod: Namespace) -> None:
    with ask(node, pod) as call:
        wait_readable(call)
        assert node.delete("c1").status == 0
        assert node.add(pod, "c1").status == 0
    node.settle()
    assert len(node.links()) == 1


def test_calls_that_never_ask_harm_nobody(node: CniNode, pod: Namespace) -> None:
    idle = [connected(node) for _ in range(100)]
    assert node.add(pod).status == 0
    for call in idle:
        call.close()
    assert node.delete(pod.name).status == 0


def test_more_calls_than_are_open_at_once_wait(node: CniNode) -> None:
    """The table of open calls is bounded; it takes new ones when old ones end."""
    idle = [connected(node) for _ in range(300)]
    waiting = node.start_call(node.environment("DEL", "unknown"))
    for call in idle:
        call.close()
    assert finish(waiting).status == 0


def test_a_rebuilt_table_keeps_addresses_of_blocks_that_are_gone(node: CniNode) -> None:
    with pods(2) as [one, two]:
        node.hand_over("10.244.9.0/30")
        assert node.add(one).addresses == ["10.244.9.1"]
        node.hand_over("10.244.1.0/26")
        node.kill()
        node.start()
        assert node.add(two).addresses == ["10.244.1.1"]
        node.hand_over("10.244.9.0/30")
        assert node.delete(two.name).status == 0
        assert node.add(two).addresses == ["10.244.9.2"]


def connected(node: CniNode) -> socket.socket:
    call = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    call.connect(str(node.run_dir / "cni.sock"))
    return call


def ask(node: CniNode, pod: Namespace) -> closing[socket.socket]:
    """Ask for an ADD of container c1 as the shim does, and leave the answer unread."""
    config = os.memfd_create("config")
    os.write(config, b'{"cniVersion": "1.1.0", "name": "pods"}')
    netns = os.open(f"/run/netns/{pod.name}", os.O_RDONLY)
    with pod.entered():
        route = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    environment = [f"{name}={value}" for name, value in node.environment("ADD", "c1", "x").items()]
    call = connected(node)
    message = wire.MAGIC + "\0".join([*environment, ""]).encode()
    socket.send_fds(call, [message], [config, netns, route.fileno()])
    route.close()
    os.close(config)
    os.close(netns)
    return closing(call)


def wait_readable(call: socket.socket) -> None:
    call.settimeout(10)
    assert call.recv(1, socket.MSG_PEEK)
