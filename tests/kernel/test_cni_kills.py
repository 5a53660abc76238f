"""Server and shims killed at random instants, again and again: nothing twice, nothing lost, nothing left.

BGPNET_KILL_OPERATIONS is the number of ADDs and DELs, 400 by default; BGPNET_KILL_SEED repeats a run.
"""

import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from subprocess import Popen

import pytest

from tests.cniaudit import audit
from tests.cninode import CONFIG, CniNode, cni_node, finish, give, pods
from tests.netns import Namespace

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(3600)]

OPERATIONS = int(os.environ.get("BGPNET_KILL_OPERATIONS", "400"))
SEED = os.environ.get("BGPNET_KILL_SEED") or str(time.time_ns())
AT_ONCE = 4
BETWEEN_AUDITS = 100
SERVER_KILLED = 0.15  # of the batches
SHIM_KILLED = 0.3
LATEST_KILL = 0.006  # seconds from the start of a batch; it takes about that long

NO_COOLING = {**CONFIG, "coolingSeconds": 0}


@pytest.fixture
def node() -> Iterator[CniNode]:
    # 15 addresses for 14 pods: two that leak are missed by somebody soon.
    with cni_node("10.244.1.0/28", "fd00:244:1::/124") as made:
        yield made


@dataclass
class Runtime:
    """What a runtime knows of its containers: nothing of one whose last call failed or was killed."""

    node: CniNode
    spaces: dict[str, Namespace]
    dice: random.Random
    attached: dict[str, frozenset[str]] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    kills: int = 0

    def batch(self) -> None:
        """Some calls at once, with or without a kill among them."""
        chosen = self.dice.sample(sorted(self.spaces), AT_ONCE)
        calls = {container: self._start(container) for container in chosen}
        killed = self._kill(calls)
        for container, (command, call) in calls.items():
            answer = finish(call, NO_COOLING)
            assert answer.output or answer.status <= 0, "an error without JSON"
            if answer.status == 0 and command == "ADD":
                self.attached[container] = frozenset(answer.addresses)
                held = [address for one in self.attached.values() for address in one]
                assert len(set(held)) == len(held), f"an address twice: {self.attached}"
            elif answer.status == 0:
                self.unknown.discard(container)
            else:
                # A kill is the one excuse; an address that leaked would be another error: 101.
                assert killed, answer
                assert answer.status < 0 or answer.output["code"] in {11, 100}, answer
                self.unknown.add(container)
        if self.node.server is None:
            self.node.start()

    def _start(self, container: str) -> tuple[str, Popen[bytes]]:
        known = container in self.attached or container in self.unknown
        command = "DEL" if known else "ADD"
        self.attached.pop(container, None)
        netns = f"/run/netns/{self.spaces[container].name}"
        return command, self.node.start_call(self.node.environment(command, container, netns))

    def _kill(self, calls: dict[str, tuple[str, Popen[bytes]]]) -> bool:
        """Give the calls their configuration, and kill the server or some of them while they work."""
        server = self.dice.random() < SERVER_KILLED
        shims = [call for _, call in calls.values() if self.dice.random() < SHIM_KILLED / AT_ONCE]
        until = time.perf_counter() + self.dice.uniform(0, LATEST_KILL)
        if not server and not shims:
            return False
        for _, call in calls.values():
            give(call, NO_COOLING)
        while time.perf_counter() < until:
            pass  # a sleep is not that exact
        for call in shims:
            call.send_signal(signal.SIGKILL)
        if server:
            self.node.kill()
        self.kills += len(shims) + server
        return True

    def reconcile(self) -> None:
        """What a runtime does now and then: GC with what it knows; then everything has to fit."""
        valid = [{"containerID": container, "ifname": "eth0"} for container in self.attached]
        config = {**CONFIG, "cni.dev/valid-attachments": valid}
        assert self.node.call(self.node.environment("GC", ""), config).status == 0
        assert self.node.links_become(len(self.attached))
        assert audit(self.node, self.spaces) == self.attached
        self.unknown.clear()


def test_kills_at_random_instants(node: CniNode) -> None:
    print(f"seed {SEED}")
    with pods(14) as spaces:
        runtime = Runtime(node, {pod.name: pod for pod in spaces}, random.Random(SEED))
        for operation in range(0, OPERATIONS, AT_ONCE):
            runtime.batch()
            if operation % BETWEEN_AUDITS == 0:
                runtime.reconcile()
        runtime.reconcile()
        print(f"{OPERATIONS} operations, {runtime.kills} kills")
        assert runtime.kills > OPERATIONS / 40
        for container in runtime.attached:
            assert node.delete(container).status == 0
        assert node.links_become(0)
        assert audit(node, runtime.spaces) == {}
        # Every address is there to be given.
        given = [node.add(pod, config=NO_COOLING).addresses for pod in spaces]
        assert len({address for pair in given for address in pair}) == 28
