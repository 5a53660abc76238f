"""A burst of pods uses a block up before the agent has claimed the next one: they wait for it."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.bgprouter import until
from tests.cninode import Answer, CniNode, cni_node, finish, give, open_descriptors, pods
from tests.netns import Namespace

pytestmark = pytest.mark.kernel

FIRST, SECOND = "10.1.0.0/30", "10.2.0.0/26"


@pytest.fixture
def full() -> Iterator[CniNode]:
    """A node that will get another block, and whose only one is used up."""
    with cni_node() as node, pods(3) as there:
        node.hand_over(FIRST, growing=True)
        for number, pod in enumerate(there):
            assert node.add(pod, f"first{number}").status == 0
        yield node


@contextmanager
def waiting(node: CniNode, there: list[Namespace]) -> Iterator[list[subprocess.Popen[bytes]]]:
    """ADDs of these pods, for which there is no address yet."""
    with ExitStack() as stack:
        calls = []
        for pod in there:
            environment = node.environment("ADD", pod.name, f"/run/netns/{pod.name}")
            call = stack.enter_context(node.start_call(environment))
            stack.callback(call.kill)
            give(call)
            assert node.says(f'ADD waits for another block" container={pod.name}'), node.log
            calls.append(call)
        yield calls


def answer(call: subprocess.Popen[bytes]) -> Answer:
    return finish(call, b"")


def test_they_get_addresses_of_the_next_block(full: CniNode) -> None:
    with pods(5) as there, waiting(full, there) as calls:
        full.hand_over(FIRST, SECOND, growing=True)
        answers = [answer(call) for call in calls]
    assert [each.addresses for each in answers] == [[f"10.2.0.{number}"] for number in range(1, 6)]


def test_those_who_came_first_are_served_first_and_the_others_wait_on(full: CniNode) -> None:
    with pods(3) as there, waiting(full, there) as (one, two, three):
        full.hand_over("10.3.0.1/32", growing=True)
        assert answer(one).addresses == ["10.3.0.1"]
        full.hand_over("10.3.0.1/32", "10.4.0.1/32", growing=True)
        assert answer(two).addresses == ["10.4.0.1"]
        full.hand_over("10.3.0.1/32", "10.4.0.1/32", SECOND)
        assert answer(three).addresses == ["10.2.0.1"]


def test_a_pod_that_goes_is_not_kept_waiting_and_who_gave_up_leaves_nothing(full: CniNode) -> None:
    assert full.server is not None
    server = full.server.pid
    full.settle()
    before = open_descriptors(server)
    with pods(1) as there, waiting(full, there) as (call,):
        call.kill()
        assert full.delete("first0").status == 0
        assert full.links_become(2)
    until(lambda: open_descriptors(server) == before, "its descriptors are closed")
    full.hand_over(FIRST, SECOND)
    with pods(1) as (pod,):
        assert full.add(pod).addresses == ["10.2.0.1"]


def test_nobody_waits_for_ever(full: CniNode) -> None:
    with pods(1) as there, waiting(full, there) as (call,):
        refused = answer(call)
    assert (refused.status, refused.output["code"]) == (1, 101)
    assert FIRST in refused.output["msg"]


def test_where_no_block_comes_nobody_waits(full: CniNode) -> None:
    full.hand_over(FIRST)
    with pods(1) as (pod,):
        assert full.add(pod).output["code"] == 101
    assert not any("waits" in line for line in full.log)
