"""A node's BGP half for kernel tests: the supervisor in the node's namespace, and an agent's driver."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import IPv4Address, ip_address, ip_network
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from bgpnet.drivers.exabgp import control
from bgpnet.drivers.exabgp.speaker import SpeakerDriver
from bgpnet.model.bgp import ObservedSession, SessionState, Speaker
from bgpnet.model.net import Address, Family, Prefix
from bgpnet.model.plan import Announcement, Session
from bgpnet.model.rejection import ObjectRef, Rejection
from bgpnet.model.rundir import RunDir
from tests.bgprouter import Router, until
from tests.netns import Namespace

T = TypeVar("T")

MAIN = """
import sys
from pathlib import PurePosixPath
from bgpnet.drivers import logs
from bgpnet.model.rundir import RunDir
from bgpnet.speaker import supervisor
logs.setup("speaker", "info")
sys.exit(supervisor.run(RunDir(PurePosixPath(sys.argv[1]))))
"""


def session(router: Router, **changes: Any) -> Session:  # noqa: ANN401 - any field
    """The node's session with a router."""
    made = Session(
        ref=ObjectRef("BGPPeer", f"tor{router.number}"),
        peer=ip_address(router.address),
        peer_asn=router.asn,
        local_address=ip_address(router.node),
        local_asn=64512,
        router_id=IPv4Address("10.0.1.2"),
        hold_time=9,
        restart_time=120,
        families=(Family.IPV4, Family.IPV6),
        password=None,
        link=f"eth{router.number}",
    )
    return replace(made, **changes)


def pod_prefix(number: int) -> Prefix:
    """Some prefix of the node's; every fourth is IPv6."""
    if number % 4 == 3:
        return ip_network(f"2001:db8:a:{number:x}::/64")
    return ip_network(f"10.{100 + number // 256}.{number % 256}.0/24")


def next_hop(router: Router, prefix: Prefix, host: int = 2) -> Address:
    """An address of the node's on the router's link."""
    return ip_address(
        f"2001:db8:{router.number}::{host}" if prefix.version == 6 else f"10.0.{router.number}.{host}"
    )


def announcements(router_list: list[Router], *numbers: int, host: int = 2) -> tuple[Announcement, ...]:
    """These prefixes to each of the routers."""
    return tuple(
        Announcement(ip_address(router.address), prefix, next_hop(router, prefix, host))
        for router in router_list
        for prefix in map(pod_prefix, numbers)
    )


class Agent:
    """The driver on an event loop of its own, as in the agent's process."""

    def __init__(self, run_dir: RunDir) -> None:
        self.run_dir = run_dir
        self.changes = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._driver = SpeakerDriver(run_dir, time.monotonic, time.time, self._changed)
        self._task = asyncio.run_coroutine_threadsafe(self._driver.run(), self._loop)

    def want(
        self,
        sessions: tuple[Session, ...] | None,
        routes: tuple[Announcement, ...] | None,
        advertise: tuple[str, ...] = (),
    ) -> None:
        self._call(lambda: self._driver.want(sessions, routes, advertise))

    def in_force(self) -> tuple[Session, ...]:
        """The sessions that ExaBGP was seen to run with."""
        return self._call(lambda: self._driver._configurator._accepted)  # noqa: SLF001 - what it was told

    def observed(self) -> Speaker | None:
        return self._call(self._driver.observed)

    def rejections(self) -> tuple[Rejection, ...]:
        return self._call(lambda: self._driver.rejections)

    def session(self, router: Router) -> ObservedSession | None:
        """The session with a router, as observed."""
        told = self.observed()
        found = [s for s in told.sessions if str(s.peer) == router.address] if told else []
        return found[0] if found else None

    def ready(self, router: Router, announced: int, patience: float = 15.0) -> ObservedSession:
        """The session with a router, as soon as it is up, with so many routes and End-of-RIB.

        What ExaBGP took is only on its way: the router has it, too.
        """

        def state() -> ObservedSession | None:
            told = self.session(router)
            up = told is not None and told.state is SessionState.ESTABLISHED and told.end_of_rib_sent
            return told if told and up and len(told.announced) == announced else None

        what = f"{router.address} has {announced} routes and End-of-RIB"
        told = until(state, f"{what}, by the agent's word", patience) or self.fail()
        until(lambda: router.accepted() == announced, f"{what}, by its own word", patience)
        return told

    def learned(self, router: Router) -> set[str]:
        """What a router announces, as learned."""
        told = self.observed()
        return {str(p.prefix) for p in told.paths if str(p.peer) == router.address} if told else set()

    def complete(self) -> bool:
        told = self.observed()
        return told is not None and not told.unread

    def kill(self) -> None:
        """End it as its death would: sockets close, nothing is sent."""
        self._task.cancel()
        self._call(lambda: None)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    def _changed(self) -> None:
        self.changes += 1

    def _call(self, function: Callable[[], T]) -> T:
        async def call() -> T:
            return function()

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(10)

    @staticmethod
    def fail() -> ObservedSession:
        raise AssertionError


class Node:
    """The supervisor in a namespace, and agents as they come and go."""

    def __init__(self, space: Namespace, folder: Path) -> None:
        self.space = space
        self.run_dir = RunDir(PurePosixPath(folder))
        self.supervisor = self.start_supervisor()
        self.agent = Agent(self.run_dir)

    def start_supervisor(self) -> subprocess.Popen[bytes]:
        argv = [sys.executable, "-c", MAIN, str(self.run_dir.root)]
        return subprocess.Popen(["ip", "netns", "exec", self.space.name, *argv])

    def restart_supervisor(self) -> None:
        """Kill it, and start another as a container runtime would."""
        self.supervisor.kill()
        self.supervisor.wait()
        self.supervisor = self.start_supervisor()

    def restart_agent(self) -> None:
        self.agent.kill()
        self.agent = Agent(self.run_dir)

    def pid(self, what: str) -> int:
        """Process number of `exabgp` or `relay`, as the supervisor tells it."""

        def told() -> int | None:
            answer = asyncio.run(control._ask(self.run_dir.speaker_socket, {"request": "status"}, 5.0))  # noqa: SLF001 - the raw answer
            return answer[what] if isinstance(answer[what], int) else None

        return until(told, f"{what} runs") or 0

    def kill(self, what: str) -> int:
        """Kill -9 `exabgp` or `relay`."""
        pid = self.pid(what)
        os.kill(pid, signal.SIGKILL)
        return pid


@contextmanager
def speaker_node(space: Namespace, folder: Path) -> Iterator[Node]:
    """A running node, ended with everything it started."""
    node = Node(space, folder)
    try:
        yield node
    finally:
        node.agent.kill()
        node.supervisor.kill()  # ExaBGP and the relay go with it
        node.supervisor.wait()
