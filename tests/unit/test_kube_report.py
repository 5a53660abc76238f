"""What is told to the API server of a node."""

from bgpnet.drivers.kube.report import event, of_node, report, since
from bgpnet.model.status import NodeStatus, RejectionStatus, SessionStatus

PEER = RejectionStatus("BGPPeer/tor", "spec.peerASN", "0", "InvalidField", "write another")

POD = RejectionStatus("Pod/10.1.2.3/32", "", "", "StrandedPod", "delete it")


def status(*rejections: RejectionStatus) -> NodeStatus:
    session = SessionStatus(
        peer="192.0.2.1", object="BGPPeer/tor", peer_asn=65001, local_address="192.0.2.9", local_asn=64512,
        link="eth1", state="Established", since=1.7e9, reason="", flaps=0, announced=("10.1.0.0/24",),
        pending=(), received=3,
    )  # fmt: skip
    return NodeStatus(
        node="n1", version="1", ready=True, not_ready_because=(), prefixes=("10.1.0.0/24",),
        sessions=(session,), routes=(), rejections=rejections, refused_paths=(),
    )  # fmt: skip


def test_a_report_is_the_same_while_nothing_changes() -> None:
    first = since((PEER,), {}, 100.0)
    later = since((PEER, POD), first, 200.0)
    assert later == {PEER: 100.0, POD: 200.0}
    assert report(status(PEER), first) == report(status(PEER), since((PEER,), first, 150.0))
    told = report(status(PEER, POD), later)
    assert (told["sessionsUp"], told["sessionsWanted"], told["refused"]) == (1, 1, 2)
    assert [each["since"] for each in told["rejections"]] == ["1970-01-01T00:01:40Z", "1970-01-01T00:03:20Z"]
    assert since((), later, 300.0) == {}


def test_texts_and_lists_are_bounded() -> None:
    many = tuple(RejectionStatus(f"Pod/{n}", "", "x" * 5000, "StrandedPod", "y" * 5000) for n in range(500))
    told = report(status(*many), since(many, {}, 0.0))
    assert len(told["rejections"]) == 100
    assert told["refused"] == 500
    assert len(told["rejections"][0]["found"]) == 1024


def test_an_event_about_an_object_is_one_whoever_tells_it_and_of_a_node_its_own() -> None:
    about = {"apiVersion": "bgpnet.io/v1alpha1", "kind": "BGPPeer", "name": "tor", "uid": "u"}
    of_peer = [event(node, about, PEER, 0.0) for node in ("n1", "n2")]
    assert of_peer[0]["metadata"]["name"] == of_peer[1]["metadata"]["name"]
    assert of_peer[0]["regarding"]["name"] == "tor"
    assert of_peer[0]["note"] == "spec.peerASN is 0: write another"
    of_pod = [event(node, of_node(node), POD, 0.0) for node in ("n1", "n2")]
    assert of_pod[0]["metadata"]["name"] != of_pod[1]["metadata"]["name"]
    assert of_pod[0]["regarding"]["kind"] == "Node"
