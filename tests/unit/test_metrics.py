"""The agent's metrics, read by Prometheus' own parser."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bgpnet.agent.metrics import Metrics
from bgpnet.agent.plantimes import PlanTimes
from bgpnet.agent.reconciler import Outcome
from bgpnet.model.bgp import ObservedSession, Speaker
from bgpnet.model.declared import Declared
from bgpnet.model.kernel import Kernel
from bgpnet.model.podledger import PodLedger
from bgpnet.model.probe import ProbeResult, ProbeTarget
from bgpnet.model.rejection import ObjectRef, Reason, Rejection
from bgpnet.model.secret import Secret
from bgpnet.model.snapshot import Snapshot
from bgpnet.planner import make_plan
from tests.unit import facts
from tests.unit.test_peers import SILENT, UP
from tests.unit.test_podstatus import ledger

SECRET = "not-to-be-seen"
Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


def outcome(*sessions: ObservedSession, declared: Declared | None = None) -> Outcome:
    """Two sessions' worth of facts; tor1 announces four prefixes, of which one is taken."""
    cidrs = ("192.0.2.0/24", "198.51.100.0/24", "198.51.101.0/24", "127.0.0.0/8")
    paths = tuple(facts.path(cidr, "10.0.1.1") for cidr in cidrs)
    discard = facts.kernel_route("10.244.1.0/26")
    foreign = facts.kernel_route("203.0.113.0/24", ("10.0.1.1", "eth1"), protocol=4)
    declared = declared or facts.two_tors()
    keyed = tuple(replace(peer, password=Secret(SECRET)) for peer in declared.peers)
    snapshot = facts.snapshot(
        declared=replace(declared, peers=keyed), kernel=Kernel(facts.UPLINKS, (discard, foreign))
    )
    answer = ProbeResult(
        facts.address("10.244.1.0"), ProbeTarget(facts.address("10.0.1.1"), "eth1"), 100, 0.001, 0
    )
    snapshot = replace(snapshot, speaker=Speaker(sessions, paths), probes=(answer,))
    return Outcome(snapshot, make_plan(snapshot), plan_seconds=0.003)


def page(*outcomes: Outcome, ledger: PodLedger | None = None) -> str:
    planning = PlanTimes()
    for each in outcomes:
        planning.add(each.plan_seconds)
    last = outcomes[-1] if outcomes else None
    return Metrics("1.2.3", lambda: last, lambda: ledger or PodLedger(), planning).page("")[2]


def samples(text: str) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(found: Samples, metric: str, /, **labels: str) -> float:
    return found[metric, frozenset(labels.items())]


def test_addresses_that_are_left_and_pods_that_got_none() -> None:
    pods = ledger(3)
    pods.refuse(101, 4)
    found = samples(page(outcome(UP), ledger=pods))
    assert value(found, "bgpnet_block_addresses", prefix="10.244.1.0/26") == 63
    assert value(found, "bgpnet_block_addresses_used", prefix="10.244.1.0/26") == 3
    assert value(found, "bgpnet_cni_add_refused_total", code="101") == 4
    assert value(found, "bgpnet_cni_add_refused_total", code="11") == 0


def test_sessions_prefixes_routes_and_rejections() -> None:
    failure = Rejection(ObjectRef("Route", "192.0.2.0/24"), "", "", Reason.KERNEL_REFUSED, "EPERM")
    found = samples(page(replace(outcome(UP, SILENT), failures=(failure,))))
    tor1, tor2 = {"peer": "10.0.1.1"}, {"peer": "10.0.2.1"}
    assert value(found, "bgpnet_build_info", version="1.2.3") == 1
    assert value(found, "bgpnet_node_ready") == 1
    assert [value(found, "bgpnet_bgp_session_up", **tor) for tor in (tor1, tor2)] == [1, 0]
    assert value(found, "bgpnet_bgp_session_info", **tor1, name="tor1", peer_asn="65001", link="eth1") == 1
    assert value(found, "bgpnet_bgp_session_state_change_timestamp_seconds", **tor1) == 100
    assert value(found, "bgpnet_bgp_session_flaps_total", **tor1) == 1
    told = [value(found, f"bgpnet_bgp_prefixes_{what}", **tor1) for what in ("received", "accepted")]
    assert told == [4, 1]
    assert value(found, "bgpnet_bgp_prefixes_refused", **tor1, reason="NotRequested") == 2
    assert value(found, "bgpnet_bgp_prefixes_refused", **tor1, reason="Martian") == 1
    for tor, announced, pending in ((tor1, 1, 0), (tor2, 0, 1)):
        assert value(found, "bgpnet_bgp_prefixes_announced", **tor) == announced
        assert value(found, "bgpnet_bgp_prefixes_pending", **tor) == pending
    for name, kind, count in (
        ("installed", "unicast", 0),
        ("planned", "unicast", 1),
        ("installed", "blackhole", 1),
        ("planned", "blackhole", 1),
    ):
        assert value(found, f"bgpnet_routes_{name}", family="ipv4", kind=kind) == count
    assert value(found, "bgpnet_rejections", reason="KernelRefused") == 1
    assert sum(number for (name, _), number in found.items() if name == "bgpnet_rejections") == 1
    assert value(found, "process_resident_memory_bytes") > 1e6


def test_the_plans_time_is_counted_once_a_step() -> None:
    found = samples(page(outcome(UP), outcome(UP), outcome(UP)))
    assert value(found, "bgpnet_plan_duration_seconds_count") == 3
    assert value(found, "bgpnet_plan_duration_seconds_sum") == pytest.approx(0.009)
    assert value(found, "bgpnet_plan_duration_seconds_bucket", le="0.0025") == 0
    assert value(found, "bgpnet_plan_duration_seconds_bucket", le="0.005") == 3


@pytest.mark.parametrize(
    "last",
    [
        None,
        Outcome(Snapshot("n1", None, None, None), make_plan(Snapshot("n1", None, None, None))),
    ],
)
def test_before_anything_is_known_there_is_a_page(last: Outcome | None) -> None:
    found = samples(page(*((last,) if last else ())))
    assert value(found, "bgpnet_node_ready") == 0
    assert not [name for name, _ in found if name == "bgpnet_bgp_session_up"]


def test_a_rejected_peer_is_a_session_that_is_not_up() -> None:
    tors = facts.two_tors()
    twin = replace(facts.peer("twin", "10.0.1.1"), created="2026-01-01T00:00:00Z")
    declared = replace(tors, peers=(*tors.peers, facts.peer("far", "203.0.113.9", 65009), twin))
    found = samples(page(outcome(UP, SILENT, declared=declared)))
    assert value(found, "bgpnet_bgp_session_up", peer="203.0.113.9") == 0
    assert value(found, "bgpnet_bgp_session_up", peer="10.0.1.1") == 1
    assert value(found, "bgpnet_rejections", reason="NotConnected") == 1
    assert value(found, "bgpnet_rejections", reason="DuplicatePeer") == 1


def test_names_follow_the_conventions_and_labels_are_few() -> None:
    text = page(outcome(UP, SILENT))
    families = list(text_string_to_metric_families(text))
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert len({line.rpartition(" ")[0] for line in lines}) == len(lines)
    for family in families:
        assert family.documentation
        assert family.name.startswith(("bgpnet_", "process_"))
        assert (family.type == "counter") == any(each.name.endswith("_total") for each in family.samples)
        labels = {label for sample in family.samples for label in sample.labels}
        own = {"prefix", "code"}  # as many as the node has blocks, and CNI has codes
        bgp = {"peer", "name", "peer_asn", "link", "reason", "family", "kind", "version", "le"}
        assert labels <= own | bgp
    assert SECRET not in text
