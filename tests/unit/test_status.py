"""What `bgpnet status` tells."""

import json
from dataclasses import asdict, replace

from pydantic import TypeAdapter

from bgpnet.model.bgp import ObservedSession, SessionState, Speaker
from bgpnet.model.kernel import Kernel
from bgpnet.model.probe import ProbeResult, ProbeTarget
from bgpnet.model.rejection import ObjectRef, Reason, Rejection
from bgpnet.model.snapshot import Snapshot
from bgpnet.model.status import NodeStatus
from bgpnet.planner import make_plan
from bgpnet.planner.status import node_status
from bgpnet.render.status import duration, status_text
from tests.unit import facts


def up(peer: str, *announced: str) -> ObservedSession:
    prefixes = tuple(facts.prefix(each) for each in announced)
    return ObservedSession(
        facts.address(peer), SessionState.ESTABLISHED, 100.0, "", 0, prefixes, end_of_rib_sent=True
    )


def down(peer: str, error: str = "") -> ObservedSession:
    return ObservedSession(
        facts.address(peer), SessionState.ACTIVE, 100.0, error, 1, (), end_of_rib_sent=False
    )


def told(
    *sessions: ObservedSession, snapshot: Snapshot | None = None, failures: tuple[Rejection, ...] = ()
) -> NodeStatus:
    answers = tuple(
        ProbeResult(
            facts.address("10.244.1.0"), ProbeTarget(facts.address(f"10.0.{n}.1"), f"eth{n}"), 1, 0.001, 0
        )
        for n in (1, 2)
    )
    snapshot = replace(snapshot or facts.snapshot(), speaker=Speaker(sessions, ()), probes=answers)
    return node_status(snapshot, make_plan(snapshot), failures, "1")


def test_ready_when_one_session_was_told_everything() -> None:
    status = told(up("10.0.1.1", "10.244.1.0/26"), down("10.0.2.1", "no answer"))
    assert status.ready
    assert not status.fine
    assert [session.reason for session in status.sessions] == ["", "no answer"]


def test_fine_when_all_sessions_are_up_and_nothing_is_rejected() -> None:
    assert told(up("10.0.1.1", "10.244.1.0/26"), up("10.0.2.1", "10.244.1.0/26")).fine


def test_not_ready_while_a_prefix_is_pending() -> None:
    status = told(up("10.0.1.1"))
    assert status.not_ready_because == ("no session for ipv4 is up with every prefix announced",)
    assert status.sessions[0].pending == ("10.244.1.0/26",)


def test_a_dead_link_is_named_as_the_reason() -> None:
    links = (replace(facts.UPLINKS[0], carrier=False), facts.UPLINKS[1])
    status = told(down("10.0.1.1", "no answer"), snapshot=facts.snapshot(kernel=Kernel(links, ())))
    assert status.sessions[0].reason.startswith("link eth1 is without carrier")


def test_nothing_known_yet_is_said_plainly() -> None:
    snapshot = Snapshot("n1", None, None, None)
    status = node_status(snapshot, make_plan(snapshot), (), "1")
    assert status.not_ready_because == ("the source of objects has not been read yet",)


def test_a_source_that_cannot_be_read_is_named() -> None:
    gone = Rejection(
        ObjectRef("", "", "/etc/m"), "", "ENOENT: No such file or directory", Reason.SOURCE_GONE, "make it"
    )
    for kernel in (None, Kernel((), ())):
        snapshot = Snapshot("n1", None, kernel, None, (gone,))
        status = node_status(snapshot, make_plan(snapshot), (), "1")
        assert [(each.object, each.reason) for each in status.rejections] == [("/etc/m", "SourceGone")]
        assert not status.fine


def test_a_node_without_addresses_says_why_it_is_not_ready() -> None:
    bare = facts.two_tors(facts.node("n1", "10.244.1.0/26", addresses=()))
    status = told(snapshot=facts.snapshot(declared=bare))
    assert status.not_ready_because == ("the node has no router-id or no AS number",)
    assert [each.reason for each in status.rejections] == ["NoAddress"]


def test_failures_and_refused_paths_are_told_apart() -> None:
    failure = Rejection(
        ObjectRef("Route", "192.0.2.0/24"), "", "", Reason.KERNEL_REFUSED, "EPERM; it is tried again"
    )
    status = told(up("10.0.1.1", "10.244.1.0/26"), failures=(failure,))
    assert [each.reason for each in status.rejections] == ["KernelRefused"]
    snapshot = facts.snapshot(paths=(facts.path("198.51.100.0/24", "10.0.1.1"),))
    status = node_status(snapshot, make_plan(snapshot), (), "1")
    assert status.rejections == ()
    assert [each.reason for each in status.refused_paths] == ["NotRequested"]


def test_json_reads_back_as_the_same_status() -> None:
    status = told(up("10.0.1.1", "10.244.1.0/26"), down("10.0.2.1", "no answer"))
    assert TypeAdapter(NodeStatus).validate_json(json.dumps(asdict(status))) == status


def test_the_text_names_sessions_routes_and_rejections() -> None:
    failure = Rejection(
        ObjectRef("Route", "192.0.2.0/24"), "", "", Reason.KERNEL_REFUSED, "EPERM; it is tried again"
    )
    text = status_text(
        told(up("10.0.1.1", "10.244.1.0/26"), down("10.0.2.1", "no answer"), failures=(failure,)), 145
    )
    assert "Node n1: ready" in text
    assert "10.0.2.1 (BGPPeer/tor2) is not up: no answer" in text
    assert "45s" in text
    assert "Announced: 10.244.1.0/26 to 10.0.1.1" in text
    assert "KernelRefused  Route/192.0.2.0/24" in text


def test_rejections_stand_in_columns_each_with_its_remedy_below() -> None:
    failures = (
        Rejection(ObjectRef("BGPPeer", "x", "x.yaml", 3), "spec.peerASN", "0", Reason.INVALID_FIELD, "AS 0"),
        Rejection(ObjectRef("", "", "y.yaml", 7), "", "a tab", Reason.BROKEN_FILE, "correct the file"),
        Rejection(ObjectRef("BGPPeer", "z"), "", "", Reason.SPEAKER_REFUSED, "it is tried again"),
    )
    text = status_text(told(up("10.0.1.1", "10.244.1.0/26"), failures=failures), 145)
    assert text.endswith(
        """
Rejected, something to mend:
  BrokenFile      y.yaml:7  a tab
                  correct the file
  InvalidField    BGPPeer/x (x.yaml:3)  spec.peerASN = 0
                  AS 0
  SpeakerRefused  BGPPeer/z
                  it is tried again
"""
    )


def test_durations_are_short() -> None:
    assert [duration(s) for s in (0, 59, 61, 3700, 200_000)] == ["0s", "59s", "1m01s", "1h01m", "2d07h"]
