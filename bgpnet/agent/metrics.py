"""The agent's metrics for Prometheus: made from the last outcome when somebody asks.

Labels are bounded: peers (at most `MAX_SESSIONS`), families, and the closed set of reasons. No prefix and no
text of an object is a label's value, but a BGPPeer's name and the node's own prefixes: they have a budget.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from bgpnet.agent.bfdmetrics import bfd_metrics
from bgpnet.agent.http import Answer
from bgpnet.agent.plantimes import PlanTimes
from bgpnet.agent.reconciler import Outcome
from bgpnet.model.cni import CniCode
from bgpnet.model.kernel import RouteKind
from bgpnet.model.net import Family, family_of
from bgpnet.model.peerstatus import ESTABLISHED, REJECTED, PeerStatus
from bgpnet.model.podledger import PodLedger
from bgpnet.model.rejection import Reason
from bgpnet.planner.diff import is_ours
from bgpnet.planner.nat import nat_status
from bgpnet.planner.peerstatus import peers_status
from bgpnet.planner.podstatus import block_status
from bgpnet.planner.status import by_policy, not_ready


class Metrics:
    """What there is to tell; `last` gives the last outcome, None before the first, `ledger` the pods."""

    def __init__(
        self,
        version: str,
        last: Callable[[], Outcome | None],
        ledger: Callable[[], PodLedger],
        planning: PlanTimes,
    ) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Node(version, last, ledger, planning))
        ProcessCollector(registry=self._registry)

    def page(self, _query: str) -> Answer:
        """Prometheus' text format."""
        return HTTPStatus.OK, CONTENT_TYPE_PLAIN_0_0_4, generate_latest(self._registry).decode()


class _Node(Collector):
    """Gauges and counters of one node."""

    def __init__(
        self,
        version: str,
        last: Callable[[], Outcome | None],
        ledger: Callable[[], PodLedger],
        planning: PlanTimes,
    ) -> None:
        self._version = version
        self._last = last
        self._ledger = ledger
        self._planning = planning

    def collect(self) -> Iterator[Metric]:
        """All of them."""
        build = GaugeMetricFamily("bgpnet_build_info", "The version of the agent.", labels=["version"])
        build.add_metric([self._version], 1)
        yield build
        planning = HistogramMetricFamily(
            "bgpnet_plan_duration_seconds", "Time that making the whole plan took."
        )
        planning.add_metric([], self._planning.buckets, self._planning.sum)
        yield planning
        outcome = self._last()
        ready = outcome is not None and not not_ready(outcome.snapshot, outcome.plan)
        yield GaugeMetricFamily(
            "bgpnet_node_ready", "Whether pods of this node can be reached: 1 or 0.", value=ready
        )
        if outcome is not None:
            peers = peers_status(outcome.snapshot, outcome.plan, outcome.failures, self._version).peers
            yield from _sessions(peers)
            yield from _prefixes([peer for peer in peers if peer.state != REJECTED])
            yield from bfd_metrics(peers)
            yield from _routes(outcome)
            yield from _nat(outcome)
            yield _rejections(outcome)
            yield from _pods(outcome, self._ledger())


def _sessions(peers: Iterable[PeerStatus]) -> Iterator[Metric]:
    up = _gauge("session_up", "Whether the BGP session is Established: 1 or 0.")
    info = GaugeMetricFamily(
        "bgpnet_bgp_session_info",
        "The peer's object, AS number and link.",
        labels=["peer", "name", "peer_asn", "link"],
    )
    since = _gauge("session_state_change_timestamp_seconds", "When the session entered its state.")
    flaps = CounterMetricFamily(
        "bgpnet_bgp_session_flaps",
        "Times that the session left Established since the agent first saw it.",
        labels=["peer"],
    )
    by_address = {peer.peer: peer for peer in reversed(list(peers)) if peer.peer}  # sessions come first
    for address, peer in sorted(by_address.items()):
        up.add_metric([address], peer.state == ESTABLISHED)
        info.add_metric([address, peer.name, str(peer.peer_asn), peer.link], 1)
        if peer.state != REJECTED:
            since.add_metric([address], peer.since)
            flaps.add_metric([address], peer.flaps)
    yield from (up, info, since, flaps)


def _prefixes(peers: Iterable[PeerStatus]) -> Iterator[Metric]:
    received = _gauge("prefixes_received", "Prefixes that the peer announces.")
    accepted = _gauge("prefixes_accepted", "Of those the ones that the import policy took.")
    refused = GaugeMetricFamily(
        "bgpnet_bgp_prefixes_refused",
        "Of those the ones that the import policy left out, by reason.",
        labels=["peer", "reason"],
    )
    announced = _gauge("prefixes_announced", "Prefixes that are announced to the peer.")
    pending = _gauge("prefixes_pending", "Prefixes that ought to be announced to the peer and are not yet.")
    withheld = _gauge("prefixes_withheld", "Prefixes of ours that export filters keep from the peer.")
    for peer in peers:
        received.add_metric([peer.peer], peer.received)
        accepted.add_metric([peer.peer], peer.accepted)
        announced.add_metric([peer.peer], len(peer.announced))
        pending.add_metric([peer.peer], len(peer.pending))
        withheld.add_metric([peer.peer], sum(peer.withheld.values()))
        for reason, count in sorted(peer.refused.items()):
            refused.add_metric([peer.peer, reason], count)
    yield from (received, accepted, refused, announced, pending, withheld)


def _routes(outcome: Outcome) -> Iterator[Metric]:
    kernel, plan = outcome.snapshot.kernel, outcome.plan
    found = (route for route in (kernel.routes if kernel else ()) if is_ours(route))
    for name, text, routes in (
        ("bgpnet_routes_installed", "Routes of ours in the kernel.", found),
        ("bgpnet_routes_planned", "Routes of ours that ought to be there.", iter(plan.routes or ())),
    ):
        counts = Counter((family_of(route.prefix), route.kind) for route in routes)
        metric = GaugeMetricFamily(name, text, labels=["family", "kind"])
        for family in Family:
            for kind in (RouteKind.UNICAST, RouteKind.BLACKHOLE):
                metric.add_metric([family, kind], counts[family, kind])
        yield metric


def _rejections(outcome: Outcome) -> Metric:
    refused = {each for each in (*outcome.plan.rejections, *outcome.failures) if not by_policy(each)}
    counts = Counter(each.reason for each in refused)
    metric = GaugeMetricFamily(
        "bgpnet_rejections", "Objects and routes that are refused: something to mend.", labels=["reason"]
    )
    for reason in Reason:
        metric.add_metric([reason], counts[reason])
    return metric


def _nat(outcome: Outcome) -> Iterator[Metric]:
    prefixes = GaugeMetricFamily(
        "bgpnet_nat_prefixes",
        "Prefixes of the node whose pods' connections are translated.",
        labels=["family"],
    )
    in_place = GaugeMetricFamily(
        "bgpnet_nat_in_place", "Whether these translations are in the kernel: 1 or 0.", labels=["family"]
    )
    for nat in nat_status(outcome.plan, outcome.failures):
        prefixes.add_metric([nat.family], len(nat.pods))
        in_place.add_metric([nat.family], nat.in_place)
    yield from (prefixes, in_place)


def _pods(outcome: Outcome, ledger: PodLedger) -> Iterator[Metric]:
    size = GaugeMetricFamily(
        "bgpnet_block_addresses", "Addresses that pods can have of the node's prefix.", labels=["prefix"]
    )
    used = GaugeMetricFamily(
        "bgpnet_block_addresses_used", "Of those the ones that pods have.", labels=["prefix"]
    )
    for block in block_status(outcome.plan.own_prefixes, ledger):
        size.add_metric([block.prefix], block.size)
        used.add_metric([block.prefix], block.used)
    refused = CounterMetricFamily(
        "bgpnet_cni_add_refused",
        "Pods that were refused their network, by the code of the CNI answer.",
        labels=["code"],
    )
    for code in CniCode:
        refused.add_metric([str(int(code))], ledger.refused.get(code, 0))
    yield from (size, used, refused)


def _gauge(name: str, text: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"bgpnet_bgp_{name}", text, labels=["peer"])
