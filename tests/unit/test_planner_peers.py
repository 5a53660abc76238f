"""Which sessions a node has, and why it has not the others."""

from dataclasses import replace
from ipaddress import IPv4Address

from bgpnet.model.bgp import Speaker
from bgpnet.model.declared import Declared, DeclaredNode, DeclaredPeer, LabelRequirement, Selector
from bgpnet.model.kernel import Kernel
from bgpnet.model.net import Family
from bgpnet.model.rejection import Reason
from bgpnet.model.secret import Secret
from bgpnet.model.snapshot import Snapshot
from bgpnet.planner import make_plan
from bgpnet.planner.peers import MAX_SESSIONS, no_address, sessions
from tests.unit import facts

NODE = facts.node("n1", "10.244.1.0/26")


def judged(
    *peers: DeclaredPeer, node: DeclaredNode = NODE, local_asn: int | None = 64512
) -> tuple[list[str], list[tuple[str, str, str, str]]]:
    configuration = facts.configuration(local_asn) if local_asn else None
    made, refused = sessions(node, Declared(configuration, (node,), (), peers), Kernel(facts.UPLINKS, ()))
    return [str(session.peer) for session in made or ()], [
        (r.object.name, r.field, r.found, r.reason) for r in refused
    ]


def test_a_connected_peer_gets_a_session_from_the_address_of_its_subnet() -> None:
    declared = Declared(facts.configuration(), (NODE,), (), (facts.peer("tor2", "10.0.2.1", 65002),))
    made, refused = sessions(NODE, declared, Kernel(facts.UPLINKS, ()))
    assert made is not None
    (session,) = made
    assert refused == ()
    assert (session.local_address, session.link) == (facts.address("10.0.2.11"), "eth2")
    assert (session.local_asn, session.peer_asn, session.hold_time) == (64512, 65002, 9)
    assert session.router_id == IPv4Address("10.0.1.11")


def test_an_address_that_nodes_hand_each_other_moves_no_session_and_is_no_next_hop() -> None:
    """As keepalived gives the link, here a smaller one than the node's own: it may be gone any moment."""
    shared = (
        facts.link(2, "eth1", "10.0.1.11/24", "10.0.1.5/24", "fd00:1::11/64", "fd00:1::5/64"),
        facts.link(3, "eth2", "10.0.2.11/24", "fd00:2::11/64", passing=("10.0.2.5/24", "fd00:2::5/64")),
    )
    node = replace(NODE, addresses=(facts.address("10.0.1.11"), facts.address("fd00:1::11")))
    peers = tuple(
        replace(facts.peer(f"tor{n}", f"10.0.{n}.1", 65000 + n), families=(Family.IPV4, Family.IPV6))
        for n in (1, 2)
    )
    node = replace(node, pod_cidrs=(*node.pod_cidrs, facts.prefix("fd00:244:1::/64")))
    declared = Declared(facts.configuration(), (node,), (), peers)
    plan = make_plan(Snapshot("n1", declared, Kernel(shared, ()), Speaker((), ())))
    assert [str(each.local_address) for each in plan.sessions or ()] == ["10.0.1.11", "10.0.2.11"]
    hops = {str(each.next_hop) for each in plan.announcements or ()}
    assert hops == {"10.0.1.11", "10.0.2.11", "fd00:1::11", "fd00:2::11"}


def test_a_peer_with_our_own_address_is_refused() -> None:
    assert judged(facts.peer("self", "10.0.2.11"), facts.peer("tor", "10.0.1.1")) == (
        ["10.0.1.1"],
        [("self", "spec.peerAddress", "10.0.2.11", Reason.OWN_ADDRESS)],
    )


def test_a_duplicate_peer_is_refused_and_the_first_stays() -> None:
    assert judged(facts.peer("b", "10.0.1.1"), facts.peer("a", "10.0.1.1")) == (
        ["10.0.1.1"],
        [("b", "spec.peerAddress", "10.0.1.1", Reason.DUPLICATE_PEER)],
    )


def test_a_peer_in_no_subnet_of_ours_is_refused() -> None:
    assert judged(facts.peer("far", "10.9.9.9")) == (
        [],
        [("far", "spec.peerAddress", "10.9.9.9", Reason.NOT_CONNECTED)],
    )


def test_a_node_has_only_so_many_sessions_and_the_older_stay() -> None:
    old = replace(facts.peer("zz", "10.0.1.1"), created="2026-01-01")
    many = [replace(facts.peer(f"p{n:03}", f"10.0.2.{n}"), created="2026-01-02") for n in range(12, 255)]
    made, refused = judged(*many, old)
    assert len(made) == MAX_SESSIONS
    assert "10.0.1.1" in made
    assert len(refused) == len(many) + 1 - MAX_SESSIONS
    assert refused[0] == ("p139", "spec.peerAddress", "10.0.2.139", Reason.OVER_BUDGET)


def test_a_source_address_that_the_node_has_not_is_refused() -> None:
    far = replace(facts.peer("tor", "10.0.1.1"), source_address=facts.address("10.0.1.99"))
    assert judged(far) == ([], [("tor", "spec.sourceAddress", "10.0.1.99", Reason.NOT_CONNECTED)])


def test_a_node_without_any_as_is_left_as_it_is() -> None:
    """Its BGPConfiguration is gone: as likely a mistake as an order."""
    declared = replace(facts.two_tors(), configuration=None)
    made, refused = sessions(NODE, declared, Kernel(facts.UPLINKS, ()))
    assert made is None
    assert [(r.object.name, r.field, r.found, r.reason) for r in refused] == [
        ("tor1", "spec.localASN", "not set", Reason.NO_LOCAL_ASN),
        ("tor2", "spec.localASN", "not set", Reason.NO_LOCAL_ASN),
    ]


def test_a_peer_without_an_as_harms_no_peer_that_has_one() -> None:
    with_as = replace(facts.peer("tor1", "10.0.1.1"), local_asn=64513)
    assert judged(with_as, facts.peer("tor2", "10.0.2.1"), local_asn=None) == (
        ["10.0.1.1"],
        [("tor2", "spec.localASN", "not set", Reason.NO_LOCAL_ASN)],
    )


def test_a_password_that_cannot_be_read_stops_its_peer_alone() -> None:
    locked = replace(facts.peer("tor1", "10.0.1.1"), password_error="secret.txt: permission denied")
    assert judged(locked, facts.peer("tor2", "10.0.2.1")) == (
        ["10.0.2.1"],
        [("tor1", "spec.passwordFile", "", Reason.PASSWORD_UNREADABLE)],
    )


def test_a_password_never_shows() -> None:
    peer = replace(facts.peer("tor1", "10.0.1.1"), password=Secret("hunter2"))
    made, _ = sessions(NODE, Declared(facts.configuration(), (NODE,), (), (peer,)), Kernel(facts.UPLINKS, ()))
    assert made is not None
    (session,) = made
    assert session.password is not None
    assert session.password.reveal() == "hunter2"
    assert "hunter2" not in f"{session} {session!r} {peer}"


def test_a_node_without_addresses_is_left_as_it_is_and_says_so() -> None:
    bare = facts.node("n1", "10.244.1.0/26", addresses=())
    assert sessions(bare, facts.two_tors(), Kernel(facts.UPLINKS, ())) == (None, ())
    assert [(r.object.name, r.reason) for r in no_address((bare, NODE))] == [("n1", Reason.NO_ADDRESS)]


def test_a_peer_is_for_the_nodes_it_selects() -> None:
    rack_b = Selector((LabelRequirement("rack", "In", ("b",)),))
    assert judged(facts.peer("tor", "10.0.1.1", selector=rack_b)) == ([], [])
    assert judged(
        facts.peer("tor", "10.0.1.1", selector=rack_b), node=facts.node("n1", "10.244.1.0/26", rack="b")
    ) == (["10.0.1.1"], [])
