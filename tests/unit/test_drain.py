"""A drain: away with the traffic first, then with the prefixes. Nothing else withdraws any."""

from dataclasses import replace
from pathlib import Path

from bgpnet.agent.drain import SETTLING, Draining
from bgpnet.model.bgp import ObservedSession, SessionState, Speaker
from bgpnet.model.community import GRACEFUL_SHUTDOWN
from bgpnet.model.drain import Drain
from bgpnet.model.kernel import LinkAddress
from bgpnet.model.snapshot import Snapshot
from bgpnet.planner import make_plan
from bgpnet.planner.drain import asked_by_label
from bgpnet.planner.status import node_status
from tests.unit import facts

BLOCK = "10.244.1.0/26"


def up(peer: str, *announced: str) -> ObservedSession:
    prefixes = tuple(map(facts.prefix, announced))
    state = SessionState.ESTABLISHED
    return ObservedSession(facts.address(peer), state, 1, "", 0, prefixes, end_of_rib_sent=True)


def node(drain: Drain | None, *sessions: ObservedSession) -> Snapshot:
    """A node with an address on lo, in a range that is announced."""
    declared = facts.two_tors()
    assert declared.configuration is not None
    configuration = replace(declared.configuration, loopbacks=(facts.prefix("10.255.0.0/24"),))
    lo = replace(
        facts.link(1, "lo"),
        addresses=(LinkAddress(facts.address("10.255.0.1"), facts.prefix("10.255.0.1/32")),),
    )
    snapshot = facts.snapshot(declared=replace(declared, configuration=configuration))
    assert snapshot.kernel is not None
    kernel = replace(snapshot.kernel, links=(*snapshot.kernel.links, lo))
    speaker = Speaker(sessions, ())
    return replace(snapshot, kernel=kernel, speaker=speaker, drain=drain)


def told(snapshot: Snapshot) -> set[tuple[str, str, bool]]:
    """Peer, prefix, and whether it asks to be left alone, of each announcement."""
    plan = make_plan(snapshot)
    assert plan.announcements is not None
    return {
        (str(each.peer), str(each.prefix), GRACEFUL_SHUTDOWN in each.attributes.communities)
        for each in plan.announcements
    }


BOTH = (up("10.0.1.1", BLOCK, "10.255.0.1/32"), up("10.0.2.1", "10.255.0.1/32"))
LOOPBACK = {("10.0.1.1", "10.255.0.1/32", False), ("10.0.2.1", "10.255.0.1/32", False)}


def test_a_leaving_node_asks_to_be_left_alone_and_tells_nobody_anything_new() -> None:
    """Pain point 8: a drained node still attracts traffic, or withdraws under live flows."""
    assert told(node(Drain(), *BOTH)) == {("10.0.1.1", BLOCK, True), *LOOPBACK}


def test_a_drained_node_announces_no_pods_and_is_still_reached_itself() -> None:
    drained = node(Drain(withdrawn=True), *BOTH)
    assert told(drained) == LOOPBACK
    plan = make_plan(drained)
    assert plan.sessions is not None
    assert len(plan.sessions) == 2
    status = node_status(drained, plan, (), "1")
    assert (status.ready, status.drain) == (False, "drained")
    assert "the node is drained" in status.not_ready_because[0]


def test_sessions_end_only_where_that_was_asked_for() -> None:
    plan = make_plan(node(Drain(withdrawn=True, ended=True), *BOTH))
    assert plan.sessions == ()
    assert plan.announcements == ()


def test_discard_routes_stay_for_packets_under_way() -> None:
    routes = make_plan(node(Drain(withdrawn=True), *BOTH)).routes
    assert routes is not None
    assert facts.prefix(BLOCK) in {route.prefix for route in routes}


def test_the_label_asks_for_it() -> None:
    said = {"true": "true", "": "", "false": None, "False": None, "sessions": "sessions"}
    for value, asked in said.items():
        labelled = replace(facts.node("n1", BLOCK), labels=(("bgpnet.io/drain", value),))
        assert asked_by_label(facts.two_tors(labelled), "n1") == asked
    assert asked_by_label(facts.two_tors(), "n1") is None
    assert asked_by_label(None, "n1") is None


class Life:
    """A drain and its clock."""

    def __init__(self, folder: Path) -> None:
        self.now = 100.0
        self.due: list[float] = []
        self.marker = folder / "drain"
        self.started()

    def started(self) -> None:
        self.draining = Draining(self.marker, lambda: self.now, self.due.append)


def test_the_steps_of_a_drain(tmp_path: Path) -> None:
    life = Life(tmp_path)
    assert life.draining.stage(None, 10) is None
    life.draining.ask("sessions")
    assert life.draining.stage(None, 10) == Drain()
    assert life.due == [10]
    life.now += 10
    assert life.draining.stage(None, 10) == Drain(withdrawn=True)
    assert life.due == [10, SETTLING]
    life.now += SETTLING
    assert life.draining.stage(None, 10) == Drain(withdrawn=True, ended=True)
    life.draining.undo()
    assert life.draining.stage(None, 10) is None
    life.draining.undo()


def test_without_being_asked_for_sessions_stay(tmp_path: Path) -> None:
    life = Life(tmp_path)
    life.draining.ask("withdraw")
    life.draining.stage(None, 10)
    life.now += 1000
    assert life.draining.stage(None, 10) == Drain(withdrawn=True)


def test_it_outlives_the_agent(tmp_path: Path) -> None:
    """The new one begins anew, and what it finds withdrawn stays so: see the leaving node above."""
    life = Life(tmp_path)
    life.draining.ask("withdraw")
    life.started()
    assert life.draining.stage(None, 10) == Drain()


def test_the_label_counts_more_than_the_command(tmp_path: Path) -> None:
    life = Life(tmp_path)
    life.draining.ask("withdraw")
    life.draining.stage("sessions", 1)
    life.now += 10
    assert life.draining.stage("sessions", 1) == Drain(withdrawn=True, ended=True)


def test_who_cannot_look_does_not_put_the_node_back_in_service(tmp_path: Path) -> None:
    """For lack of descriptors, say: not knowing is not emptiness."""
    life = Life(tmp_path)
    life.draining.ask("withdraw")
    assert life.draining.stage(None, 10) == Drain()
    life.marker.unlink()
    life.marker.mkdir()
    assert life.draining.stage(None, 10) == Drain()
