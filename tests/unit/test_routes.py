"""What `bgpnet routes` tells."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from bgpnet.cli import main
from bgpnet.model.bgp import LearnedPath, Origin, Speaker
from bgpnet.model.declared import Declared
from bgpnet.model.kernel import Kernel, KernelRoute, Link
from bgpnet.model.rejection import ObjectRef, Reason, Rejection
from bgpnet.model.routestatus import RouteDetail, RoutesStatus
from bgpnet.planner import make_plan
from bgpnet.planner.routestatus import PAGE, routes_status, wanted_of
from bgpnet.render.routes import routes_text
from tests.unit import facts
from tests.unit.test_cli import answering
from tests.unit.test_peers import UP

VM = "192.0.2.0/24"
TOR1, TOR2 = ("10.0.1.1", "eth1"), ("10.0.2.1", "eth2")
BOTH = (facts.path(VM, "10.0.1.1", 65001), facts.path(VM, "10.0.2.1", 65002))
DISCARD = facts.kernel_route("10.244.1.0/26")


def told(
    *paths: LearnedPath,
    kernel: tuple[KernelRoute, ...] = (DISCARD,),
    declared: Declared | None = None,
    links: tuple[Link, ...] = facts.UPLINKS,
    wanted: str = "",
    failures: tuple[Rejection, ...] = (),
) -> RoutesStatus:
    snapshot = facts.snapshot(declared=declared, kernel=Kernel(links, kernel))
    snapshot = replace(snapshot, speaker=Speaker((UP,), paths))
    return routes_status(snapshot, make_plan(snapshot), failures, "1", wanted_of(wanted))


def route(status: RoutesStatus, prefix: str = VM) -> RouteDetail:
    (found,) = (route for route in status.routes if route.prefix == prefix)
    return found


def verdicts(status: RoutesStatus, prefix: str = VM) -> list[tuple[str, str, str]]:
    return [(path.peer, path.verdict, path.reason) for path in route(status, prefix).paths]


def test_two_equal_paths_make_one_route() -> None:
    status = told(*BOTH, kernel=(DISCARD, facts.kernel_route(VM, TOR1, TOR2)))
    assert verdicts(status) == [("10.0.1.1", "best", ""), ("10.0.2.1", "multipath", "PeerAddress")]
    assert (route(status).state, route(status).next_hops) == (
        "installed",
        ("10.0.1.1 via eth1", "10.0.2.1 via eth2"),
    )
    assert status.fine
    why = "PeerAddress: as good; address 10.0.2.1 is above 10.0.1.1, the best's"
    assert routes_text(status).splitlines() == [
        "10.244.1.0/26  own, installed: discard",
        "192.0.2.0/24  learned, installed: 10.0.1.1 via eth1, 10.0.2.1 via eth2",
        "  * best       10.0.1.1  AS path 65001, igp",
        f"  = multipath  10.0.2.1  AS path 65002, igp  {why}",
    ]


def test_the_attributes_that_decide_are_shown() -> None:
    """What a router said, and what an import rule made of it."""
    told_so = replace(BOTH[0], local_preference=50, communities=((65001, 1, 2), (65535, 0xFF01), (65001, 7)))
    status = told(told_so)
    (path,) = route(status).paths
    assert path.communities == ("65001:1:2", "65001:7", "no-export")
    words = "10.0.1.1  AS path 65001, igp, LOCAL_PREF 50, communities 65001:1:2 65001:7 no-export"
    assert words in routes_text(status)


def test_a_route_that_is_kept_until_a_table_is_read_says_so() -> None:
    snapshot = facts.snapshot(
        kernel=Kernel(facts.UPLINKS, (facts.kernel_route(VM, TOR2),)), unread=("10.0.2.1",)
    )
    status = routes_status(snapshot, make_plan(snapshot), (), "1", wanted_of(VM))
    assert routes_text(status).splitlines() == [
        "192.0.2.0/24  learned, installed: 10.0.2.1 via eth2",
        "  kept as it was found until the table of 10.0.2.1 is read",
    ]


def test_a_path_that_is_worse_says_by_which_step() -> None:
    status = told(BOTH[0], facts.path(VM, "10.0.2.1", 65002, 65010))
    assert verdicts(status) == [("10.0.1.1", "best", ""), ("10.0.2.1", "worse", "AsPathLength")]
    assert "AsPathLength: 2 numbers in its AS_PATH, the best has 1" in routes_text(status)


@pytest.mark.parametrize(
    ("other", "reason", "words"),
    [
        ({"local_preference": 50}, "LocalPreference", "LOCAL_PREF 50, the best has 100"),
        ({"origin": Origin.EGP}, "Origin", "ORIGIN egp, the best has igp"),
        ({"as_path": (65001,), "med": 7}, "Med", "MED 7, another path from AS 65001 has a lower one"),
        ({"internal": True}, "External", "learned over iBGP, the best over eBGP"),
    ],
)
def test_every_step_has_words(other: dict[str, object], reason: str, words: str) -> None:
    status = told(BOTH[0], replace(BOTH[1], **other))  # type: ignore[arg-type]  # fields of several types
    assert verdicts(status)[1] == ("10.0.2.1", "worse", reason)
    assert route(status).paths[1].because == words


def test_a_refused_path_has_the_policys_reason_and_remedy() -> None:
    paths = (facts.path("198.51.100.0/24", "10.0.1.1"), facts.path("10.244.1.0/26", "10.0.1.1"))
    status = told(*paths)
    assert verdicts(status, "198.51.100.0/24") == [("10.0.1.1", "refused", "NotRequested")]
    assert verdicts(status, "10.244.1.0/26") == [("10.0.1.1", "refused", "OwnPrefix")]
    assert route(status, "198.51.100.0/24").state == "none"
    assert "spec.accept" in route(status, "198.51.100.0/24").paths[0].because
    assert status.fine


def test_a_path_over_a_dead_link_is_unusable() -> None:
    links = (replace(facts.UPLINKS[0], carrier=False), facts.UPLINKS[1])
    status = told(*BOTH, links=links)
    assert verdicts(status) == [("10.0.2.1", "best", ""), ("10.0.1.1", "unusable", "")]
    status = told(BOTH[0], links=links)
    assert (route(status).state, route(status).because) == ("none", "no path is usable")
    assert not status.fine


@pytest.mark.parametrize(
    ("kernel", "state"),
    [
        ((), "pending"),
        ((facts.kernel_route(VM, TOR1),), "pending"),
        ((facts.kernel_route(VM, TOR1, TOR2),), "installed"),
        ((facts.kernel_route(VM, TOR1, protocol=4),), "foreign"),
        ((facts.kernel_route(VM, TOR1, TOR2), facts.kernel_route(VM, TOR1, protocol=4, metric=0)), "hidden"),
    ],
)
def test_what_the_kernel_has(kernel: tuple[KernelRoute, ...], state: str) -> None:
    status = told(*BOTH, kernel=(DISCARD, *kernel))
    assert route(status).state == state
    assert status.fine == (state == "installed")
    assert ("static, metric" in route(status).because) == (state in ("foreign", "hidden"))


def test_a_route_of_ours_without_any_path_is_left_over() -> None:
    status = told(kernel=(DISCARD, facts.kernel_route(VM, TOR1)))
    assert (route(status).state, route(status).next_hops) == ("leftover", ("10.0.1.1 via eth1",))


def test_what_the_kernel_refused_is_told() -> None:
    failure = Rejection(ObjectRef("Route", VM), "", "", Reason.KERNEL_REFUSED, "EPERM; it is tried again")
    status = told(*BOTH, failures=(failure,))
    assert (route(status).state, route(status).because) == ("pending", "EPERM; it is tried again")


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [
        (VM, [VM]),
        ("192.0.2.0/25", []),
        ("192.0.2.10", ["192.0.2.0/24"]),
        ("10.244.1.7", ["10.244.1.0/26"]),
        ("10.244.3.7", ["10.244.0.0/16"]),
        ("8.8.8.8", []),
        ("2001:db8::1", []),
    ],
)
def test_one_prefix_or_the_one_that_holds_an_address(wanted: str, shown: list[str]) -> None:
    status = told(*BOTH, facts.path("10.244.0.0/16", "10.0.1.1"), wanted=wanted)
    assert [route.prefix for route in status.routes] == shown


def test_a_long_table_comes_in_pages() -> None:
    many = [
        facts.path(f"198.18.{number // 64}.{number % 64 * 4}/30", "10.0.1.1") for number in range(PAGE + 7)
    ]
    first = told(*many)
    assert (len(first.routes), first.more) == (PAGE, True)
    second = told(*many, wanted=f"after={first.routes[-1].prefix}")
    whole = first.joined(second)
    assert not whole.more
    shown = [route.prefix for route in whole.routes]
    assert shown == ["10.244.1.0/26", *(str(path.prefix) for path in many)]


@pytest.mark.parametrize("text", ["after=", "after=10.0.0.1/8", "x=1", "10.0.0.0/8/8"])
def test_a_query_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - its words are the standard library's
        wanted_of(text)


def test_nothing_is_judged_while_nothing_may_be() -> None:
    status = told(*BOTH, declared=replace(facts.two_tors(), nodes=()))
    assert [verdict for _, verdict, _ in verdicts(status)] == ["undecided"] * 2
    assert not status.fine
    assert routes_text(status).startswith("Routes stay as they are: the node is not declared\n")


def test_a_path_of_a_peer_that_is_gone_is_told_as_such() -> None:
    tors = facts.two_tors()
    status = told(*BOTH, declared=replace(tors, peers=tors.peers[:1]))
    assert verdicts(status)[1] == ("10.0.2.1", "undecided", "")


def test_json_reads_back_as_the_same() -> None:
    status = told(*BOTH)
    assert TypeAdapter(RoutesStatus).validate_json(json.dumps(asdict(status))) == status


@pytest.mark.parametrize(
    ("argument", "hint"),
    [
        ("192.0.2.1/24", "did you mean 192.0.2.0/24?"),
        ("here", "'here' is neither a prefix nor an address"),
        ("::/129", "'::/129' is neither a prefix nor an address"),
    ],
)
def test_what_is_no_prefix_is_a_usage_error(
    argument: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["routes", argument, "--run-dir", "/nonexistent"]) == 2
    assert hint in capsys.readouterr().err


def test_a_prefix_that_is_not_there_exits_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with answering(tmp_path, json.dumps(asdict(told(wanted="9.9.9.0/24"))).encode()):
        assert main(["routes", "9.9.9.0/24", "--run-dir", str(tmp_path)]) == 1
    assert "no route and no path to 9.9.9.0/24 on this node" in capsys.readouterr().err
