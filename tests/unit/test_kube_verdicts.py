"""What all nodes together say of an object that a user wrote."""

from typing import Any

from bgpnet.drivers.kube.verdicts import Verdict, kept, of_user, status, verdicts

TOR = ("BGPPeer", "tor")

NO_LINK = ("BGPPeer/tor", "spec.peerAddress", "192.0.2.1", "NotConnected", "add a link")


def report(node: str, *refused: tuple[str, str, str, str, str], up: int = 0, wanted: int = 0) -> Any:  # noqa: ANN401 - decoded JSON
    """A BGPNodeStatus as the API server tells it, trimmed."""
    names = ("object", "field", "found", "reason", "remedy")
    sessions = [
        {"object": "BGPPeer/tor", "state": "Established" if number < up else "Active", "peer": "192.0.2.1"}
        for number in range(wanted)
    ]
    rejections = [dict(zip(names, each, strict=True)) | {"since": "x"} for each in refused]
    metadata = {"name": node, "resourceVersion": "7", "managedFields": ["many"]}
    return kept({"metadata": metadata, "status": {"sessions": sessions, "rejections": rejections}})


def test_what_is_kept_of_a_report_is_little() -> None:
    told = report("n1", ("Pod/10.1.2.3/32", "", "", "StrandedPod", "delete it"), NO_LINK, up=1, wanted=2)
    assert told["sessions"] == {"BGPPeer/tor": [1, 2]}
    assert [each["object"] for each in told["rejections"]] == ["BGPPeer/tor"]
    assert "managedFields" not in told["metadata"]


def test_an_object_is_accepted_that_no_node_refuses() -> None:
    verdict = verdicts([report("n1", up=1, wanted=1), report("n2", up=0, wanted=1)])[TOR]
    assert (verdict.sessions_up, verdict.sessions_wanted) == (1, 2)
    told = status(TOR, verdict, {"generation": 3}, "then")
    (condition,) = told["conditions"]
    assert (condition["type"], condition["status"], condition["reason"]) == ("Accepted", "True", "Accepted")
    assert condition["observedGeneration"] == 3
    assert (told["sessionsUp"], told["sessionsWanted"]) == (1, 2)
    assert "sessionsUp" not in status(("IPPool", "pods"), Verdict(), {}, "then")


def test_one_node_that_refuses_is_named_with_what_to_do() -> None:
    other = (*NO_LINK[:3], "PasswordUnreadable", "make the Secret")
    many = [report(f"n{number}", NO_LINK) for number in range(5)]
    verdict = verdicts([*many, report("n7", other), report("n8")])[TOR]
    assert verdict.reason == "NotConnected"
    assert verdict.message == (
        "spec.peerAddress is 192.0.2.1: add a link (5 of 7 nodes: n0, n1, n2, …); "
        "spec.peerAddress is 192.0.2.1: make the Secret (1 of 7 nodes: n7)"
    )


def test_a_verdict_does_not_hang_on_the_order_of_the_reports() -> None:
    reports = [report("n1", NO_LINK), report("n2", NO_LINK), report("n3", (*NO_LINK[:3], "A", "b"))]
    assert verdicts(reports)[TOR] == verdicts(reversed(reports))[TOR]


def test_a_message_is_bounded() -> None:
    reports = [
        report(f"n{number}", (*NO_LINK[:2], "x" * 400, "NotConnected", str(number))) for number in range(9)
    ]
    message = verdicts(reports)[TOR].message
    assert len(message) <= 1024
    few = [report(f"n{number}", (*NO_LINK[:4], str(number))) for number in range(6)]
    assert verdicts(few)[TOR].message.endswith("and 2 more")


def test_only_what_users_write_has_a_verdict() -> None:
    assert of_user("IPPool/pods")
    assert of_user("BGPPeer/tor (file.yaml:3)")
    assert not any(map(of_user, ("Pod/10.1.2.3/32", "IPBlock/10.1.2.0-26", "Node/n1", "BGPPeer/", "API")))
