"""What `bgpnet why` tells of a prefix: "why is my prefix not announced?"."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from bgpnet.cli import main
from bgpnet.model.bgp import LearnedPath, ObservedSession, Speaker
from bgpnet.model.declared import Advertise, Declared, DeclaredFilter, FilterRule
from bgpnet.model.drain import Drain
from bgpnet.model.kernel import Kernel, KernelRoute
from bgpnet.model.net import Family
from bgpnet.model.rejection import ObjectRef, Reason, Rejection
from bgpnet.model.whystatus import WhyStatus
from bgpnet.planner import make_plan
from bgpnet.planner.whystatus import why_status
from bgpnet.render.why import why_text
from tests.unit import facts
from tests.unit.test_cli import answering
from tests.unit.test_peers import SILENT, UP

BLOCK, VM = "10.244.1.0/26", "192.0.2.0/24"
DISCARD = facts.kernel_route(BLOCK)


def up(tor: str, *announced: str) -> ObservedSession:
    return replace(UP, peer=facts.address(tor), announced=tuple(map(facts.prefix, announced)))


def told(
    asked: str,
    *sessions: ObservedSession,
    paths: tuple[LearnedPath, ...] = (),
    routes: tuple[KernelRoute, ...] = (DISCARD,),
    declared: Declared | None = None,
    failures: tuple[Rejection, ...] = (),
    drain: Drain | None = None,
) -> WhyStatus:
    snapshot = facts.snapshot(declared=declared, kernel=Kernel(facts.UPLINKS, routes))
    snapshot = replace(snapshot, speaker=Speaker(sessions, paths), drain=drain)
    return why_status(snapshot, make_plan(snapshot), failures, "1", facts.prefix(asked))


def tellings(status: WhyStatus) -> list[tuple[str, str]]:
    return [(each.object, each.telling) for each in status.sessions]


def filtered(*rules: FilterRule) -> Declared:
    tors = facts.two_tors()
    made = DeclaredFilter(ObjectRef("BGPFilter", "quiet"), (), rules)
    asking = replace(tors.peers[1], export_filters=("quiet",))
    return replace(tors, peers=(tors.peers[0], asking), filters=(made,))


def test_an_announced_block_is_fine() -> None:
    status = told(BLOCK, up("10.0.1.1", BLOCK), up("10.0.2.1", BLOCK))
    assert status.fine
    assert why_text(status).splitlines() == [
        "10.244.1.0/26 is a prefix of node n1",
        "",
        "Announced as 10.244.1.0/26",
        "  announced  10.0.1.1  BGPPeer/tor1",
        "  announced  10.0.2.1  BGPPeer/tor2",
        "",
        "In the kernel, and learned",
        "  10.244.1.0/26  own, installed: discard",
    ]


def test_a_session_that_is_not_up_is_the_reason() -> None:
    down = replace(SILENT, last_error="connection refused", silent=False)
    status = told(BLOCK, up("10.0.1.1", BLOCK), down)
    assert tellings(status) == [("BGPPeer/tor1", "announced"), ("BGPPeer/tor2", "pending")]
    assert status.sessions[1].because == "connection refused"
    assert not status.fine


def test_a_filter_is_named_with_its_rule() -> None:
    reject = FilterRule((), (), accept=False)
    status = told(BLOCK, up("10.0.1.1", BLOCK), up("10.0.2.1"), declared=filtered(reject))
    assert tellings(status) == [("BGPPeer/tor1", "announced"), ("BGPPeer/tor2", "withheld")]
    assert "BGPFilter/quiet" in status.sessions[1].because
    assert status.fine  # somebody asked for it


def test_a_filter_that_is_missing_decides_nothing() -> None:
    declared = replace(filtered(), filters=())
    status = told(BLOCK, up("10.0.1.1", BLOCK), up("10.0.2.1"), declared=declared)
    assert tellings(status)[1] == ("BGPPeer/tor2", "undecided")
    assert not status.fine


def test_a_session_of_the_other_family_does_not_carry_it() -> None:
    tors = facts.two_tors()
    other = replace(tors.peers[1], families=(Family.IPV6,))
    status = told(BLOCK, up("10.0.1.1", BLOCK), declared=replace(tors, peers=(tors.peers[0], other)))
    assert tellings(status)[1] == ("BGPPeer/tor2", "withheld")
    assert status.sessions[1].because == "the session does not carry ipv4 (spec.families)"


def test_a_drained_node_says_so() -> None:
    status = told(BLOCK, up("10.0.1.1"), up("10.0.2.1"), drain=Drain(withdrawn=True))
    assert tellings(status) == [("BGPPeer/tor1", "withheld"), ("BGPPeer/tor2", "withheld")]
    assert status.sessions[0].because == "the node is taken out of service: drained"
    assert not status.fine


def test_a_pods_address_is_in_its_block() -> None:
    pod = facts.pod_route("10.244.1.7/32")
    status = told("10.244.1.7/32", up("10.0.1.1", BLOCK), up("10.0.2.1", BLOCK), routes=(DISCARD, pod))
    assert (status.own, status.offered, status.pod) == (BLOCK, BLOCK, "bgp10.244.1.7/32")
    assert why_text(status).startswith("10.244.1.7/32 is a pod of node n1, on link bgp10.244.1.7/32\n")


def test_a_pool_that_is_not_advertised_is_the_reason() -> None:
    pool = replace(facts.pool("pods", "10.244.0.0/16"), advertise=Advertise.NONE)
    status = told(BLOCK, up("10.0.1.1"), up("10.0.2.1"), declared=facts.two_tors(pools=(pool,)))
    assert (status.own, status.offered, status.sessions) == (BLOCK, "", ())
    assert [each.reason for each in status.rejections] == ["NotAdvertised"]
    assert "Announced to nobody" in why_text(status)
    assert not status.fine


def test_a_learned_prefix_tells_its_paths() -> None:
    paths = (facts.path(VM, "10.0.1.1", 65001), facts.path("192.0.0.0/16", "10.0.1.1", 65001))
    routes = (DISCARD, facts.kernel_route(VM, ("10.0.1.1", "eth1")))
    status = told("192.0.2.10/32", up("10.0.1.1", BLOCK), paths=paths, routes=routes)
    assert status.route is not None
    assert (status.route.prefix, status.own, status.sessions, status.fine) == (VM, "", (), True)
    assert "192.0.2.10/32 is not of node n1" in why_text(status)
    refused = told("192.0.9.9/32", up("10.0.1.1", BLOCK), paths=paths, routes=routes)
    assert refused.route is not None
    assert [path.reason for path in refused.route.paths] == ["NotRequested"]
    assert not refused.fine


def test_what_the_kernel_refused_of_it_is_told() -> None:
    failures = (
        Rejection(ObjectRef("Route", VM), "", "", Reason.KERNEL_REFUSED, "ENOSPC"),
        Rejection(ObjectRef("Route", "198.51.100.0/24"), "", "", Reason.KERNEL_REFUSED, "ENOSPC"),
    )
    paths = (facts.path(VM, "10.0.1.1", 65001),)
    status = told("192.0.2.10/32", up("10.0.1.1"), paths=paths, failures=failures)
    assert [each.object for each in status.rejections] == [f"Route/{VM}"]


def test_nothing_is_said_of_what_nobody_knows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = told("203.0.113.0/24", up("10.0.1.1", BLOCK))
    assert not status.known
    with answering(tmp_path, json.dumps(asdict(status)).encode()):
        assert main(["why", "203.0.113.0/24", "--run-dir", str(tmp_path)]) == 1
    assert "no router told of one" in capsys.readouterr().err


def test_nothing_is_decided_while_the_node_is_not_declared() -> None:
    status = told(BLOCK, up("10.0.1.1", BLOCK), declared=replace(facts.two_tors(), nodes=()))
    assert (status.undecided, status.fine) == ("the node is not declared", False)


def test_json_reads_back_as_the_same() -> None:
    status = told(BLOCK, up("10.0.1.1", BLOCK), paths=(facts.path(BLOCK, "10.0.1.1"),))
    assert TypeAdapter(WhyStatus).validate_json(json.dumps(asdict(status))) == status


@pytest.mark.parametrize(("argument", "hint"), [("10.244.1.7/26", "did you mean"), ("here", "neither")])
def test_what_is_no_prefix_is_a_usage_error(
    argument: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["why", argument, "--run-dir", "/nonexistent"]) == 2
    assert hint in capsys.readouterr().err
