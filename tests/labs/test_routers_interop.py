"""Generated routers of four systems with one real node: sessions with MD5 and GTSM, and just what is intended.

The node announces more than the routers were told of, and asks for more than they were told to send: what goes
over the sessions is the routers' doing alone, and is judged by their own word and by the node's kernel.
"""

import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pytest

from bgpnet.cli import main
from tests.netlab import demo, life, reading
from tests.netlab.errors import LabRunError
from tests.netlab.lab import REPOSITORY, Lab
from tests.netlab.node import RunningNode

pytestmark = pytest.mark.lab

T = TypeVar("T")

FOLDER = REPOSITORY / "tests" / "labs" / "interop"
SYSTEMS = ("frr", "bird", "openbgpd", "gobgp")
NODES = {system: f"10.0.{number}.11" for number, system in enumerate(SYSTEMS, 1)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lab with its generated routers, and the node's own manifests."""
    copy = shutil.copytree(FOLDER, tmp_path_factory.mktemp("interop") / "lab")
    (copy / "manifests" / "key").write_text("S3cret.key\n")
    assert (
        main(["routers", "render", str(copy / "manifests"), "--reveal", "-o", str(copy / "generated")]) == 0
    )
    for base in (copy / "configs").glob("*.base"):
        (path,) = (copy / "generated").glob(f"{base.stem}.[ct]o*")
        path.write_text(base.read_text() + path.read_text())
    # Its one list of policies is also that of the router's own routes: the operator adds what lets those in.
    gobgp_file = copy / "generated" / "gobgp.toml"
    gobgp_file.write_text(
        gobgp_file.read_text().replace("import-policy-list = [", 'import-policy-list = ["OWN", ')
    )
    shutil.copytree(copy / "manifests", copy / "live")
    live = copy / "live" / "all.yaml"
    text = live.read_text()
    more = "'fd00:10:0:1::/64', 10.244.9.0/24, 10.99.0.0/26, 'fd00:10:0:9::/72', 'fd00:99::/64']}"
    text = text.replace("'fd00:10:0:1::/64']}", more)
    text = text.replace("cidr: 10.244.0.0/16", "cidr: 10.0.0.0/8").replace("fd00:10::/48", "fd00::/16")
    text = text.replace("{prefix: '2001:db8::/48'}", "{prefix: '2001:db8::/48'}, {prefix: '2001:db8:1::/48'}")
    text = text.replace("localASN: 64512", "localASN: 64512\n  drainWait: 600")
    text = text.replace('["64512:100"]', '["64512:100", "64512:666", "64512:6:6"]')
    live.write_text(
        text.replace("{prefix: 192.0.2.0/24}", "{prefix: 192.0.2.0/24}, {prefix: 198.51.100.0/24}")
    )
    return copy


@pytest.fixture(scope="module")
def lab(folder: Path) -> Iterator[Lab]:
    options = reading.Options(folder / "out", os.environ, name_prefix=f"io{os.getpid()}-")
    with life.running(reading.read(folder, options), folder / "out", print) as up:
        yield up


def vtysh(router: RunningNode, what: str, family: str = "ipv4") -> Any:  # noqa: ANN401 - JSON
    return json.loads(router.run("vtysh", "-c", f"show bgp {family} unicast {what} json").stdout)


def gobgp(router: RunningNode, *what: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads(router.run("gobgp", "-j", *what).stdout) or {}


def bgpctl(router: RunningNode, *what: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads(router.run("bgpctl", "-j", "show", *what).stdout)


def bird_protocol(router: RunningNode, *, v6: bool = False) -> str:
    """The name of the dynamic session; empty while there is none."""
    found = re.search(
        r"^(k8s_(?:bird|linked_link_eth1)_\d+) +BGP .*Established"
        if not v6
        else r"^(k8s_bird_v6_\d+) +BGP .*Established",
        router.run("birdc", "show", "protocols").stdout,
        re.MULTILINE,
    )
    return found[1] if found else ""


UP: Mapping[str, Callable[[RunningNode], bool]] = {
    "frr": lambda router: (
        vtysh(router, "summary").get("peers", {}).get(NODES["frr"], {}).get("state") == "Established"
    ),
    "bird": lambda router: bool(bird_protocol(router)),
    "openbgpd": lambda router: any(
        each["remote_addr"] == NODES["openbgpd"] and each["state"] == "Established"
        for each in bgpctl(router, "neighbor")["neighbors"]
    ),
    "gobgp": lambda router: any(
        each["state"]["neighbor_address"] == NODES["gobgp"] and each["state"]["session_state"] == 6
        for each in gobgp(router, "neighbor")
    ),
}

ACCEPTED: Mapping[str, Callable[[RunningNode], set[str]]] = {
    "frr": lambda router: set(vtysh(router, f"neighbors {NODES['frr']} routes").get("routes", {})),
    "bird": lambda router: set(
        re.findall(r"^([0-9.]+/\d+)", router.run("birdc", "show", "route", "protocol", bird_protocol(router)).stdout, re.MULTILINE)
    ),
    "openbgpd": lambda router: {
        each["prefix"] for each in bgpctl(router, "rib", "neighbor", NODES["openbgpd"]).get("rib", [])
    },
    "gobgp": lambda router: {
        prefix
        for prefix, paths in gobgp(router, "global", "rib").items()
        if any(path.get("neighbor-ip") == NODES["gobgp"] for path in paths)
    },
}  # fmt: skip

SENT: Mapping[str, Callable[[RunningNode], set[str]]] = {
    "frr": lambda router: set(
        vtysh(router, f"neighbors {NODES['frr']} advertised-routes").get("advertisedRoutes", {})
    ),
    "bird": lambda router: set(
        re.findall(
            r"^([0-9.]+/\d+)",
            router.run("birdc", "show", "route", "export", bird_protocol(router)).stdout,
            re.MULTILINE,
        )
    ),
    "openbgpd": lambda router: {
        each["prefix"] for each in bgpctl(router, "rib", "out", "neighbor", NODES["openbgpd"]).get("rib", [])
    },
    "gobgp": lambda router: set(gobgp(router, "neighbor", NODES["gobgp"], "adj-out")),
}


NODES6 = {system: f"fd00:{number}::11" for number, system in enumerate(SYSTEMS, 1)}


def _bird6(router: RunningNode, way: str) -> set[str]:
    name = bird_protocol(router, v6=True)
    shown = router.run("birdc", "show", "route", way, name).stdout if name else ""
    return set(re.findall(r"^([0-9a-f:]+/\d+)", shown, re.MULTILINE))


ACCEPTED6: Mapping[str, Callable[[RunningNode], set[str]]] = {
    "frr": lambda router: set(vtysh(router, f"neighbors {NODES6['frr']} routes", "ipv6").get("routes", {})),
    "bird": lambda router: _bird6(router, "protocol"),
    "openbgpd": lambda router: {
        each["prefix"] for each in bgpctl(router, "rib", "neighbor", NODES6["openbgpd"]).get("rib", [])
    },
    "gobgp": lambda router: {
        prefix
        for prefix, paths in gobgp(router, "global", "rib", "-a", "ipv6").items()
        if any(path.get("neighbor-ip") == NODES6["gobgp"] for path in paths)
    },
}
SENT6: Mapping[str, Callable[[RunningNode], set[str]]] = {
    "frr": lambda router: set(
        vtysh(router, f"neighbors {NODES6['frr']} advertised-routes", "ipv6").get("advertisedRoutes", {})
    ),
    "bird": lambda router: _bird6(router, "export"),
    "openbgpd": lambda router: {
        each["prefix"] for each in bgpctl(router, "rib", "out", "neighbor", NODES6["openbgpd"]).get("rib", [])
    },
    "gobgp": lambda router: set(gobgp(router, "neighbor", NODES6["gobgp"], "adj-out", "-a", "ipv6")),
}


BLOCK = "10.244.1.0/26"
LONGER = "10.244.2.0/26"
"""The node's AS stands three times in its path, by an export filter."""
BLOCKS = (BLOCK, LONGER)

LOCAL_PREFERENCE: Mapping[str, Callable[[RunningNode], int | None]] = {
    "frr": lambda router: _only(path.get("locPrf") for path in vtysh(router, BLOCK).get("paths", [])),
    "bird": lambda router: _only(
        map(
            int,
            re.findall(r"BGP.local_pref: (\d+)", router.run("birdc", f"show route for {BLOCK} all").stdout),
        )
    ),
    "openbgpd": lambda router: _only(
        path.get("localpref") for path in bgpctl(router, "rib", BLOCK).get("rib", [])
    ),
    "gobgp": lambda router: _only(
        next((each["value"] for each in path["attrs"] if each["type"] == 5), None)  # RFC 4271 §5.1.5
        for path in gobgp(router, "global", "rib").get(BLOCK, [])
    ),
}
"""Of the router's path to the node's block; None: the router's default, or there is no path."""


def _only(values: Iterable[int | None]) -> int | None:
    return next(iter(values), None)


def eventually(look: Callable[[], T], wanted: T) -> None:
    """Look until it is so; what was seen last is told when it never is."""
    seen: list[T] = []

    def so() -> bool:
        seen[:] = [look()]
        return seen == [wanted]

    try:
        demo.until(f"{wanted}", so)
    except LabRunError:
        assert seen == [wanted]


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_session_comes_up(lab: Lab, system: str) -> None:
    demo.until(f"{system} has a session with the node", lambda: UP[system](lab.node(system)))


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_router_takes_the_node_s_blocks_and_nothing_else(lab: Lab, system: str) -> None:
    eventually(lambda: ACCEPTED[system](lab.node(system)), set(BLOCKS))
    status = json.loads(lab.node("node1").run(demo.BGPNET, "status", "-o", "json").stdout)
    (session,) = (each for each in status["sessions"] if each["peer"] == NODES[system].replace(".11", ".1"))
    assert set(session["announced"]) == {*BLOCKS, "10.244.9.0/24", "10.99.0.0/26"}, "it was told more"


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_router_sends_what_is_asked_for_and_nothing_else(lab: Lab, system: str) -> None:
    eventually(lambda: SENT[system](lab.node(system)), {"192.0.2.0/24"})


@pytest.mark.parametrize("system", SYSTEMS)
def test_over_ipv6_just_what_is_intended_goes_both_ways(lab: Lab, system: str) -> None:
    eventually(lambda: ACCEPTED6[system](lab.node(system)), {"fd00:10:0:1::/64"})
    eventually(lambda: SENT6[system](lab.node(system)), {"2001:db8::/48"})


def test_over_a_link_without_addresses_bird_and_the_node_tell_each_other_the_same(lab: Lab) -> None:
    linked, node = lab.node("linked"), lab.node("node1")
    demo.until("a session", lambda: bool(bird_protocol(linked)))
    eventually(lambda: ACCEPTED["bird"](linked), set(BLOCKS))
    eventually(lambda: SENT["bird"](linked), {"192.0.2.0/24"})

    def hops() -> set[str]:
        (route,) = node.ip_json("route", "show", "192.0.2.0/24", "proto", "179")
        return {hop["via"]["host"][:6] for hop in route["nexthops"] if "via" in hop}

    eventually(hops, {"fe80::"})


def test_paths_in_which_the_node_s_as_stands_more_than_once_are_taken_as_they_are(lab: Lab) -> None:
    def paths() -> tuple[str, list[str]]:
        (frr,) = vtysh(lab.node("frr"), LONGER)["paths"]
        bird = lab.node("bird").run("birdc", f"show route for {LONGER} all").stdout
        return frr["aspath"]["string"], re.findall(r"BGP.as_path: (.*)", bird)

    both = ("frr", "bird")
    demo.until("both have it", lambda: all(LONGER in ACCEPTED[each](lab.node(each)) for each in both))
    eventually(paths, ("64512 64512 64512", ["64512 64512 64512"]))


def test_the_node_learns_what_they_send_five_ways_and_nothing_else(lab: Lab) -> None:
    """Four by their addresses, one over the link without any."""

    def learned() -> dict[str, set[str]]:
        routes = lab.node("node1").ip_json("route", "show", "proto", "179")
        return {
            each["dst"]: {
                hop.get("gateway") or hop["via"]["host"][:6] for hop in each.get("nexthops", [each])
            }
            for each in routes
            if each.get("type") != "blackhole"
        }

    eventually(learned, {"192.0.2.0/24": {"fe80::", *(hop.replace(".11", ".1") for hop in NODES.values())}})


def test_a_node_that_is_drained_has_the_lowest_local_preference_with_every_router(lab: Lab) -> None:
    """RFC 8326 §4.2, by each router's own word; and what was taken back is as before."""

    def preferences() -> dict[str, int | None]:
        return {system: LOCAL_PREFERENCE[system](lab.node(system)) for system in SYSTEMS}

    node = lab.node("node1")
    demo.until("all have the block", lambda: all(BLOCK in ACCEPTED[each](lab.node(each)) for each in SYSTEMS))
    before = preferences()
    drain = node.spawn(demo.BGPNET, "drain", "node1")
    try:
        leaving: dict[str, int | None] = {**dict.fromkeys(SYSTEMS, 0), "gobgp": 1}  # it cannot set 0
        eventually(preferences, leaving)
    finally:
        node.run(demo.BGPNET, "drain", "node1", "--undo").checked("bgpnet drain --undo")
        drain.kill()
        drain.wait()
    eventually(preferences, before)
    assert not {0, 1} & set(before.values())


FORGED = "10.244.3.0/26"
"""Of a speaker that sends longer prefixes, wider ones, a default route and paths of others, too: configs/forger.conf."""

FORGERS_ROUTES: Mapping[str, Callable[[RunningNode], set[str]]] = {
    "frr": lambda router: set(vtysh(router, "neighbors 10.1.1.11 routes").get("routes", {})),
    "bird": lambda router: set(
        re.findall(
            r"^([0-9.]+/\d+)",
            router.run("birdc", "show", "route", "protocol", "k8s_forged_bird_10_1_2_11").stdout,
            re.MULTILINE,
        )
    ),
    "openbgpd": lambda router: {
        each["prefix"] for each in bgpctl(router, "rib", "neighbor", "10.1.3.11").get("rib", [])
    },
}


@pytest.mark.parametrize("system", FORGERS_ROUTES)
def test_of_a_speaker_that_sends_everything_the_router_takes_a_block_and_what_was_agreed_on(
    lab: Lab, system: str
) -> None:
    """Extended communities, too, go: a forged mark of OpenBGPD's filter, a bandwidth that draws traffic."""
    eventually(lambda: FORGERS_ROUTES[system](lab.node(system)), {FORGED})
    eventually(lambda: COMMUNITIES[system](lab.node(system)), ["64512:100"])


def _frr_communities(router: RunningNode) -> list[str]:
    (path,) = vtysh(router, FORGED)["paths"]
    assert not {"largeCommunity", "extendedCommunity"} & set(path)
    return path["community"]["list"]  # type: ignore[no-any-return]


def _bird_communities(router: RunningNode) -> list[str]:
    shown = router.run("birdc", f"show route for {FORGED} all").stdout
    assert set(re.findall(r"BGP\.(\w*community): \S", shown)) == {"community"}
    return [each.strip("()").replace(",", ":") for each in re.findall(r"BGP\.community: (.*)", shown)]


def _openbgpd_communities(router: RunningNode) -> list[str]:
    told = bgpctl(router, "rib", "neighbor", "10.1.3.11", "detail")["rib"]
    assert not {"large_communities", "extended_communities"} & set(told[0])
    return told[0]["communities"]  # type: ignore[no-any-return]


COMMUNITIES: Mapping[str, Callable[[RunningNode], list[str]]] = {
    "frr": _frr_communities,
    "bird": _bird_communities,
    "openbgpd": _openbgpd_communities,
}


def test_communities_that_were_not_agreed_on_are_taken_off(lab: Lab) -> None:
    three = ("frr", "bird", "openbgpd")
    demo.until("all have the block", lambda: all(BLOCK in ACCEPTED[each](lab.node(each)) for each in three))
    (path,) = vtysh(lab.node("frr"), BLOCK)["paths"]
    assert path["community"]["list"] == ["64512:100"]
    assert "largeCommunity" not in path
    shown = lab.node("bird").run("birdc", f"show route for {BLOCK} all").stdout
    assert re.findall(r"BGP.community: (.*)", shown) == ["(64512,100)"]
    assert "(64512, 6, 6)" not in shown
    told = bgpctl(lab.node("openbgpd"), "rib", "neighbor", NODES["openbgpd"], "detail")["rib"]
    (path,) = (each for each in told if each["prefix"] == BLOCK)
    assert path["communities"] == ["64512:100"]
    assert "large_communities" not in path
