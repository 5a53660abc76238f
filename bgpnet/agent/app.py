"""The agent's process: wires sources, drivers, loop and socket together, and ends on a signal."""

import asyncio
import json
import logging
import os
import signal
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import bgpnet
from bgpnet.agent import http, journal, sources
from bgpnet.agent.conflist import Conflist
from bgpnet.agent.contention import Contention
from bgpnet.agent.drain import Draining
from bgpnet.agent.drainpage import DrainPage
from bgpnet.agent.loop import Loop
from bgpnet.agent.plantimes import PlanTimes
from bgpnet.agent.reconciler import Doors, Outcome, step
from bgpnet.agent.settings import Settings
from bgpnet.drivers import podjournal, rundirectory
from bgpnet.drivers.bfd import BfdDriver
from bgpnet.drivers.blocks import BlocksFile
from bgpnet.drivers.exabgp.speaker import SpeakerDriver
from bgpnet.drivers.netlink import Netlink
from bgpnet.drivers.nft import Nft
from bgpnet.drivers.probe import Prober
from bgpnet.drivers.readiness import Readiness
from bgpnet.drivers.sysctl import Sysctls
from bgpnet.model.bfd import Bfd
from bgpnet.model.cni_chain import CONFLIST
from bgpnet.model.plan import Plan
from bgpnet.model.podledger import PodLedger
from bgpnet.model.rejection import Rejection
from bgpnet.model.snapshot import Snapshot
from bgpnet.model.status import NodeStatus
from bgpnet.planner.peerstatus import peers_status
from bgpnet.planner.podstatus import block_status, pod_status, refused_pods
from bgpnet.planner.routestatus import routes_status, wanted_of
from bgpnet.planner.status import node_status
from bgpnet.planner.whystatus import asked_of, why_status
from bgpnet.render.conflist import conflist_text

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_Asked = TypeVar("_Asked")

log = logging.getLogger(__name__)


def run(settings: Settings) -> int:
    """Run the agent until SIGTERM or SIGINT. Neither withdraws anything: a stop looks like an upgrade.

    Raises:
        UsageError: another agent works on this run directory: two would undo each other's routes.
    """
    with rundirectory.held(settings.run_dir, "agent"):
        asyncio.run(_run(settings))
    return 0


class _Agent:
    """The last outcome, and what is told of it."""

    def __init__(self, readiness: Readiness, pods: Path, bfd: Callable[[], Bfd | None]) -> None:
        self.outcome: Outcome | None = None
        self._planning = PlanTimes()
        self._metrics: Callable[[str], http.Answer] | None = None
        self._bfd = bfd
        self._pods = pods
        self._readiness = readiness
        self._was_ready = False
        self._trouble = ""

    def done(self, outcome: Outcome) -> None:
        journal.write(self.outcome, outcome)
        self.outcome = outcome
        self._planning.add(outcome.plan_seconds)
        self._tell_shim()

    def _tell_shim(self) -> None:
        try:
            self._readiness.beat()
            if not self._was_ready:
                status = self.status()
                if status is not None and status.ready:
                    self._readiness.mark_ready()
                    self._was_ready = True
            self._trouble = ""
        except OSError as error:
            if self._trouble != str(error):
                log.warning("CNI STATUS not told error=%r", str(error))
            self._trouble = str(error)

    def _present(self) -> Outcome | None:
        """The last outcome with BFD's counters as of now: a step is only taken when a state changes."""
        if self.outcome is None:
            return None
        return replace(self.outcome, snapshot=replace(self.outcome.snapshot, bfd=self._bfd()))

    def status(self) -> NodeStatus | None:
        if self.outcome is None:
            return None
        return node_status(
            self.outcome.snapshot, self.outcome.plan, self.outcome.failures, bgpnet.__version__
        )

    def metrics(self, query: str) -> http.Answer:
        if self._metrics is None:
            # Memory that a node need not have whose metrics nobody asks for (docs/decisions.md)
            from bgpnet.agent.metrics import Metrics  # noqa: PLC0415

            self._metrics = Metrics(bgpnet.__version__, self._present, self._ledger, self._planning).page
        return self._metrics(query)

    def healthz(self, _query: str) -> http.Answer:
        return HTTPStatus.OK, "text/plain", "ok\n"

    def readyz(self, _query: str) -> http.Answer:
        status = self.status()
        if status is not None and status.ready:
            return HTTPStatus.OK, "text/plain", "ready\n"
        missing = status.not_ready_because if status else ("the first step is not done",)
        return HTTPStatus.SERVICE_UNAVAILABLE, "text/plain", "\n".join(missing) + "\n"

    def settled(self, query: str) -> http.Answer:
        """Ready, or out of service as somebody wants it: an upgrade goes on to the next node."""
        status = self.status()
        if status is not None and status.drain:
            return HTTPStatus.OK, "text/plain", f"{status.drain}\n"
        return self.readyz(query)

    def status_json(self, _query: str) -> http.Answer:
        status = self.status()
        if status is None or self.outcome is None:
            return _not_yet()
        ledger = self._ledger()
        status = replace(
            status,
            blocks=block_status(self.outcome.plan.own_prefixes, ledger, self.outcome.plan.blocks),
            pods=pod_status(ledger),
            refused_pods=refused_pods(ledger),
        )
        return _told(status)

    def peers_json(self, _query: str) -> http.Answer:
        outcome = self._present()
        if outcome is None:
            return _not_yet()
        return _told(peers_status(outcome.snapshot, outcome.plan, outcome.failures, bgpnet.__version__))

    def routes_json(self, query: str) -> http.Answer:
        return self._about(query, wanted_of, routes_status)

    def why_json(self, query: str) -> http.Answer:
        return self._about(query, asked_of, why_status)

    def _about(
        self,
        query: str,
        read: Callable[[str], _Asked],
        status: Callable[[Snapshot, Plan, tuple[Rejection, ...], str, _Asked], "DataclassInstance"],
    ) -> http.Answer:
        """What is told of that which the query asks for."""
        outcome = self.outcome
        if outcome is None:
            return _not_yet()
        try:
            asked = read(query)
        except ValueError as error:
            return HTTPStatus.BAD_REQUEST, "text/plain", f"{error}\n"
        return _told(status(outcome.snapshot, outcome.plan, outcome.failures, bgpnet.__version__, asked))

    def _ledger(self) -> PodLedger:
        try:
            return podjournal.read(self._pods)
        except OSError as error:
            log.warning("pods not named path=%s error=%r", self._pods, error.strerror)
            return PodLedger()


def _not_yet() -> http.Answer:
    return HTTPStatus.SERVICE_UNAVAILABLE, "text/plain", "the first step is not done\n"


def _told(status: "DataclassInstance") -> http.Answer:
    return HTTPStatus.OK, "application/json", json.dumps(asdict(status)) + "\n"


async def _run(settings: Settings) -> None:
    run_dir = settings.run_dir
    readiness = Readiness(Path(run_dir.ready), Path(run_dir.heartbeat), time.monotonic)

    def bfd_now() -> Bfd | None:
        return bfd.observed()

    agent = _Agent(readiness, Path(run_dir.pods), bfd_now)

    contention = Contention()

    async def take_step() -> Outcome:
        return await step(settings.node_name, doors, time.monotonic, contention, agent.outcome)

    def done(outcome: Outcome) -> None:
        agent.done(outcome)
        origin.tell()

    loop = Loop(take_step, done)
    origin = sources.made(settings, agent.status, loop.wake)
    netlink = Netlink(loop.wake)
    speaker = SpeakerDriver(run_dir, time.monotonic, time.time, loop.wake)
    bfd = BfdDriver(run_dir, loop.wake)
    sysctls = Sysctls(Path(run_dir.sysctls), settings.sysctl_dir)
    nft = Nft(loop.wake)
    prober = Prober(sysctls, time.monotonic, time.time, os.urandom, loop.wake)
    draining = Draining(Path(run_dir.drain), time.monotonic, loop.wake_in)
    drain = DrainPage(settings.node_name, draining, lambda: agent.outcome, loop.wake)
    blocks = BlocksFile(Path(run_dir.blocks))
    doors = Doors(origin.source, netlink, sysctls, nft, blocks, speaker, prober, draining, bfd, origin.claims)
    health = {"/healthz": agent.healthz, "/readyz": agent.readyz, "/settled": agent.settled}
    pages = health | {
        "/status": agent.status_json,
        "/peers": agent.peers_json,
        "/routes": agent.routes_json,
        "/why": agent.why_json,
        "/metrics": agent.metrics,
        "/drain": drain.show,
    }
    log.info("agent starts node=%s source=%s run_dir=%s", settings.node_name, settings.source, run_dir.root)
    tasks = [netlink.run(), origin.run(), speaker.run(), prober.run(), bfd.run(), loop.run()]
    tasks.append(http.serve(run_dir.agent_socket, pages, {"/drain": drain.order}))
    if settings.health_listen is not None:
        tasks.append(http.serve_tcp(settings.health_listen, health))
    if settings.metrics_listen is not None:
        tasks.append(http.serve_tcp(settings.metrics_listen, {"/metrics": agent.metrics}))
    if settings.conflist is not None:
        text = conflist_text(settings.conflist.chain, run_dir.cni_socket)
        tasks.append(Conflist(settings.conflist.folder / CONFLIST, text, run_dir).run())
    work = asyncio.gather(*tasks)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    try:
        await work
    except asyncio.CancelledError:
        log.info("agent stops; sessions, announcements and routes stay as they are")
    finally:
        nft.close()
