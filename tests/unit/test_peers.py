"""What `bgpnet peers` tells."""

import json
from dataclasses import asdict, replace
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from bgpnet.cli import main
from bgpnet.model.bgp import Capabilities, LearnedPath, ObservedSession, RouteRefresh, SessionState, Speaker
from bgpnet.model.declared import Declared, DeclaredFilter, FilterRule, LabelRequirement, Selector
from bgpnet.model.kernel import HeardRouter, Kernel
from bgpnet.model.net import Family
from bgpnet.model.peerstatus import PeersStatus, PeerStatus
from bgpnet.model.rejection import ObjectRef, Reason, Rejection
from bgpnet.model.secret import Secret
from bgpnet.planner import make_plan
from bgpnet.planner.peerstatus import peers_status
from bgpnet.render.peers import peer_text, peers_text
from tests.unit import facts
from tests.unit.test_cli import answering

CAPABILITIES = Capabilities(
    hold_time=9,
    families=(Family.IPV4,),
    router_id=IPv4Address("192.0.2.1"),
    four_byte_asn=True,
    route_refresh=RouteRefresh.ENHANCED,
    graceful_restart=True,
    restart_time=77,
    extended_next_hop=False,
)
UP = ObservedSession(
    facts.address("10.0.1.1"),
    SessionState.ESTABLISHED,
    100.0,
    "hold timer expired",
    1,
    (facts.prefix("10.244.1.0/26"),),
    end_of_rib_sent=True,
    last_error_at=90.0,
    capabilities=CAPABILITIES,
)
SILENT = ObservedSession(
    facts.address("10.0.2.1"),
    SessionState.CONNECT,
    100.0,
    "no answer from 10.0.2.1 port 179",
    0,
    (),
    end_of_rib_sent=False,
    silent=True,
)


def told(
    *sessions: ObservedSession,
    declared: Declared | None = None,
    paths: tuple[LearnedPath, ...] = (),
    failures: tuple[Rejection, ...] = (),
) -> PeersStatus:
    snapshot = replace(facts.snapshot(declared=declared), speaker=Speaker(sessions, paths))
    return peers_status(snapshot, make_plan(snapshot), failures, "1")


def one(status: PeersStatus, wanted: str) -> PeerStatus:
    (peer,) = status.only(wanted).peers
    return peer


def with_password(key: str | None) -> Declared:
    declared = facts.two_tors()
    secret = Secret(key) if key else None
    return replace(declared, peers=tuple(replace(peer, password=secret) for peer in declared.peers))


def test_an_established_session_with_all_that_it_has() -> None:
    paths = (
        facts.path("192.0.2.0/24", "10.0.1.1"),
        facts.path("198.51.100.0/24", "10.0.1.1"),
        facts.path("198.51.101.0/24", "10.0.1.1"),
        facts.path("127.0.0.0/8", "10.0.1.1"),
        facts.path("10.244.1.0/26", "10.0.2.1"),
    )
    status = told(UP, SILENT, paths=paths)
    assert one(status, "tor2").refused == {"OwnPrefix": 1}
    peer = one(status, "tor1")
    assert (peer.received, peer.accepted, peer.refused) == (4, 1, {"NotRequested": 2, "Martian": 1})
    assert (peer.announced, peer.pending, peer.reason) == (("10.244.1.0/26",), (), "")
    text = peer_text(peer, 145.0)
    for line in (
        "10.0.1.1 (BGPPeer/tor1), AS 65001",
        "State:            Established for 45s",
        "Last lost:        55s ago: hold timer expired",
        "Local:            10.0.1.11 on link eth1, AS 64512",
        "Hold time:        9 s agreed, 9 s configured",
        "Families:         ipv4",
        "Router id:        192.0.2.1",
        "4-byte AS:        yes",
        "Graceful restart: yes: the peer keeps our routes for 120 s, and asks 77 s for its own",
        "Route refresh:    enhanced",
        "Ext. next hop:    no",
        "Refused:          1 Martian, 2 NotRequested",
        "Announced:        10.244.1.0/26",
    ):
        assert f"{line}\n" in text


def test_a_table_that_is_still_being_read_is_told() -> None:
    snapshot = replace(facts.snapshot(), speaker=Speaker((UP, SILENT), (), (facts.address("10.0.1.1"),)))
    status = peers_status(snapshot, make_plan(snapshot), (), "1")
    assert [peer.table_read for peer in status.peers] == [False, True]
    assert "  Received:         0, and its table is still being read\n" in peer_text(
        one(status, "tor1"), 145.0
    )
    assert "  Received:         0\n" in peer_text(one(status, "tor2"), 145.0)


def test_what_filters_leave_out_is_told_by_rule() -> None:
    """Both ways: of what comes in, and of what is kept from the peer."""
    inside = FilterRule((facts.accept("10.244.0.0/16", 26),), (), accept=False)
    vms = FilterRule((facts.accept("192.0.2.0/24"),), (), accept=True)
    declared = facts.two_tors(facts.node("n1", "10.244.1.0/26", "10.244.9.0/26"))
    made = DeclaredFilter(ObjectRef("BGPFilter", "vms"), (inside, vms), (inside,))
    tor1 = replace(declared.peers[0], accept=(), import_filters=("vms",), export_filters=("vms",))
    declared = replace(declared, peers=(tor1, declared.peers[1]), filters=(made,))
    offered = ("192.0.2.0/24", "10.244.2.0/26", "10.244.3.0/26", "198.51.100.0/24", "127.0.0.0/8")
    status = told(UP, SILENT, declared=declared, paths=tuple(facts.path(p, "10.0.1.1") for p in offered))
    peer = one(status, "tor1")
    assert peer.refused == {"Filtered": 3, "Martian": 1}
    assert peer.filtered == {"BGPFilter/vms rule 1": 2, "BGPFilter/vms, no rule": 1}
    assert peer.withheld == {"BGPFilter/vms rule 1": 2}
    text = peer_text(peer, 145.0).splitlines()
    refused, withheld = (
        text.index(f"  {line}") for line in ("Refused:          3 Filtered, 1 Martian", "Withheld:         2")
    )
    assert [line.split() for line in text[refused + 1 : refused + 3]] == [
        ["2", "by", "BGPFilter/vms", "rule", "1"],
        ["1", "by", "BGPFilter/vms,", "no", "rule"],
    ]
    assert text[withheld + 1].split() == ["2", "by", "BGPFilter/vms", "rule", "1"]
    assert one(status, "tor2").withheld == {}


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("s3cret", "if it has none or another one, both sides see only silence"),
        (
            None,
            "(this node has none: spec.passwordFile or passwordSecret), both sides see only silence",
        ),
    ],
)
def test_silence_may_be_an_md5_mismatch(key: str | None, hint: str) -> None:
    """Pain point 15: why is the session not up."""
    status = told(UP, SILENT, declared=with_password(key))
    peer = one(status, "10.0.2.1")
    assert peer.reason.startswith("no answer from 10.0.2.1 port 179; is the address right")
    assert peer.reason.endswith(hint)
    assert peer.password is (key is not None)
    assert not status.fine
    assert f"10.0.2.1 (BGPPeer/tor2) is not up: {peer.reason}" in peers_text(status, 145.0)
    shown = peers_text(status, 145.0) + peer_text(peer, 145.0) + json.dumps(asdict(status))
    assert "s3cret" not in shown


def test_another_cause_is_not_taken_for_silence() -> None:
    refused = replace(SILENT, last_error="TCP connection refused", silent=False)
    assert one(told(UP, refused), "tor2").reason == "TCP connection refused"


def test_a_declared_peer_without_session_shows_its_rejection() -> None:
    tors = facts.two_tors()
    far = facts.peer("far", "203.0.113.9", 65009)
    elsewhere = replace(
        facts.peer("elsewhere", "10.0.1.77"),
        node_selector=Selector((LabelRequirement("rack", "In", ("9",)),)),
    )
    broken = Rejection(
        ObjectRef("BGPPeer", "tor1", "11.yaml", 1), "spec.peerASN", "0", Reason.INVALID_FIELD, "!"
    )
    status = told(
        UP,
        replace(UP, peer=facts.address("10.0.2.1")),
        declared=replace(tors, peers=(*tors.peers, far, elsewhere), rejections=(broken,)),
    )
    assert [(peer.object, peer.state) for peer in status.peers] == [
        ("BGPPeer/tor1", "Established"),
        ("BGPPeer/tor2", "Established"),
        ("BGPPeer/far", "Rejected"),
    ]
    assert (one(status, "far").peer, one(status, "far").peer_asn) == ("203.0.113.9", 65009)
    assert [each.reason for each in one(status, "far").rejections] == ["NotConnected"]
    assert [each.reason for each in one(status, "tor1").rejections] == ["InvalidField"]
    assert [peer.fine for peer in status.peers] == [False, True, False]
    text = peers_text(status, 145.0)
    assert "203.0.113.9  65009  Rejected" in text
    assert "NotConnected  BGPPeer/far  spec.peerAddress = 203.0.113.9" in text


def test_what_the_speaker_refused_is_shown_with_its_peer() -> None:
    failure = Rejection(
        ObjectRef("BGPPeer", "tor2"), "password", "90 bytes", Reason.SPEAKER_REFUSED, "shorten"
    )
    status = told(UP, failures=(failure,))
    assert [each.reason for each in one(status, "BGPPeer/tor2").rejections] == ["SpeakerRefused"]


def test_sessions_that_nobody_may_judge_are_told_and_are_not_fine() -> None:
    status = told(UP, declared=replace(facts.two_tors(), nodes=()))
    assert [(peer.peer, peer.state, peer.object) for peer in status.peers] == [
        ("10.0.1.1", "Established", "")
    ]
    assert not status.fine
    assert peers_text(status, 145.0).startswith("Sessions stay as they are: the node is not declared\n")
    assert "Established for 45s" in peer_text(status.peers[0], 145.0)


def test_a_node_without_peers_says_so_and_is_fine() -> None:
    status = told(declared=replace(facts.two_tors(), peers=()))
    assert (peers_text(status, 1.0), status.fine) == ("Node n1 has no BGP peer\n", True)


def test_json_reads_back_as_the_same() -> None:
    status = told(UP, SILENT, paths=(facts.path("127.0.0.0/8", "10.0.1.1"),))
    assert TypeAdapter(PeersStatus).validate_json(json.dumps(asdict(status))) == status


@pytest.mark.parametrize(
    ("wanted", "code"), [((), 1), (("tor1",), 0), (("10.0.1.1",), 0), (("tor2",), 1), (("tor9",), 1)]
)
def test_the_command_answers_for_all_or_for_one(
    wanted: tuple[str, ...], code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with answering(tmp_path, json.dumps(asdict(told(UP, SILENT))).encode()):
        assert main(["peers", *wanted, "-o", "json", "--run-dir", str(tmp_path)]) == code
    out, err = capsys.readouterr()
    if "tor9" in wanted:
        assert (out, err) == ("", "bgpnet: no peer tor9 on this node; there are: 10.0.1.1, 10.0.2.1\n")
    else:
        assert len(json.loads(out)["peers"]) == (1 if wanted else 2)


def test_without_an_agent_it_exits_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["peers", "--run-dir", "/nonexistent/bgpnet"]) == 3
    assert "cannot reach the agent" in capsys.readouterr().err


def test_the_sessions_of_one_object_are_told_apart() -> None:
    """Each by address and link; a link without a router is a line of its own, and spoils no session."""
    tors = replace(
        facts.peer("tors", "10.0.1.1", 0), peer_address=None, families=(), interfaces=("eth*",), multihop=1
    )
    links = tuple(facts.link(n, f"eth{n}", f"fe80::a{n}/64") for n in (1, 2, 3))
    heard = tuple(HeardRouter(f"eth{n}", facts.address("fe80::1")) for n in (1, 2))
    up = ObservedSession(
        facts.address("fe80::1%eth1"),
        SessionState.ESTABLISHED,
        90.0,
        "",
        0,
        (),
        end_of_rib_sent=True,
        capabilities=replace(CAPABILITIES, extended_next_hop=True),
        peer_asn=65001,
    )
    snapshot = replace(
        facts.snapshot(
            declared=Declared(facts.configuration(), (facts.node("n1", "10.244.1.0/26"),), (), (tors,)),
            kernel=Kernel(links, (), heard),
        ),
        speaker=Speaker((up,), ()),
    )
    told = peers_status(snapshot, make_plan(snapshot), (), "0")
    assert [(peer.peer, peer.link, peer.peer_asn, peer.state, peer.fine) for peer in told.peers] == [
        ("fe80::1%eth1", "eth1", 65001, "Established", True),
        ("fe80::1%eth2", "eth2", 0, "Unknown", False),
        ("", "eth3", 0, "Rejected", False),
    ]
    text = peers_text(told, 100.0)
    assert "fe80::1%eth1  65001  Established  10s" in text
    assert "BGPPeer/tors  eth3" in text
    assert "NoNeighbour" in text
    assert len(told.only("tors").peers) == 3
    assert [peer.link for peer in told.only("eth3").peers] == ["eth3"]
    assert told.only("fe80::1%eth1").fine
    assert "up to 1" in peer_text(told.peers[0], 100.0)
