"""Attributes of announcements, from the plan through real ExaBGP, as real FRR has them in its table."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bgpnet.model.attributes import Attributes
from bgpnet.model.plan import Announcement
from tests.bgprouter import Router, routers, until
from tests.kernel.speakernode import announcements, pod_prefix, session, speaker_node

pytestmark = pytest.mark.kernel

EVERYTHING = Attributes(
    communities=((64512, 100), (64512, 1, 2), (65535, 0), (65535, 65281), (4200000000, 4294967295, 0)),
    med=7,
    as_path=(64512, 64512, 64512),
)
SEEN = {
    "as_path": "64512 64512 64512",
    "med": 7,
    "communities": "64512:100 graceful-shutdown no-export",
    "large": "64512:1:2 4200000000:4294967295:0",
}
NOTHING: dict[str, Any] = {"as_path": "64512", "med": None, "communities": None, "large": None}


def table(router: Router) -> dict[str, dict[str, Any]]:
    """What the router has of the node's: prefix -> attributes."""
    found = {}
    for prefix in router.routes():
        family = "ipv6" if ":" in prefix else "ipv4"
        (path,) = router.show(f"bgp {family} unicast {prefix}")["paths"]
        found[prefix] = {
            "as_path": path["aspath"]["string"],
            "med": path.get("metric"),
            "communities": path.get("community", {}).get("string"),
            "large": path.get("largeCommunity", {}).get("string"),
        }
    return found


def told(router: Router, by_number: dict[int, Attributes]) -> tuple[Announcement, ...]:
    """These prefixes, each with its attributes."""
    return tuple(
        replace(announcement, attributes=attributes)
        for number, attributes in by_number.items()
        for announcement in announcements([router], number)
    )


def changed_prefixes(router: Router, since: dict[str, int]) -> set[str]:
    """Prefixes whose entry the router touched since it had these versions, or that it has no more."""
    now = versions(router)
    return {prefix for prefix in now | since if now.get(prefix) != since.get(prefix)}


def versions(router: Router) -> dict[str, int]:
    """The version of each prefix's entry: a route that was withdrawn in between has another."""
    return {
        prefix: json.loads(
            router.vtysh(f"show bgp {'ipv6' if ':' in prefix else 'ipv4'} unicast {prefix} json")
        )["version"]
        for prefix in router.routes()
    }


def test_a_router_has_exactly_what_was_set_and_a_change_touches_nothing_else(tmp_path: Path) -> None:
    with routers(tmp_path) as (space, [tor]), speaker_node(space, tmp_path / "run") as node:
        wanted = {n: EVERYTHING if n in (1, 3) else Attributes() for n in range(6)}
        expected = {str(pod_prefix(n)): SEEN if n in (1, 3) else NOTHING for n in range(6)}
        node.agent.want((session(tor),), told(tor, wanted))
        node.agent.ready(tor, 6)
        until(lambda: table(tor) == expected, "the router has these attributes")
        before = versions(tor)
        wanted[4] = replace(EVERYTHING, med=0)
        expected[str(pod_prefix(4))] = SEEN | {"med": 0}
        node.agent.want((session(tor),), told(tor, wanted))
        until(lambda: table(tor) == expected, "the router has the changed attributes")
        assert changed_prefixes(tor, before) == {str(pod_prefix(4))}
        wanted[4] = Attributes()
        expected[str(pod_prefix(4))] = NOTHING
        node.agent.want((session(tor),), told(tor, wanted))
        until(lambda: table(tor) == expected, "the attributes are gone, the prefix is not")
        assert changed_prefixes(tor, before) == {str(pod_prefix(4))}


def test_a_change_of_an_attribute_is_no_withdrawal(tmp_path: Path) -> None:
    with routers(tmp_path) as (space, [tor]), speaker_node(space, tmp_path / "run") as node:
        tor.vtysh("configure terminal", "debug bgp updates in")
        node.agent.want((session(tor),), told(tor, {0: EVERYTHING, 1: EVERYTHING}))
        node.agent.ready(tor, 2)
        until(lambda: str(pod_prefix(1)) in table(tor), "the router has it")
        node.agent.want((session(tor),), told(tor, {0: EVERYTHING, 1: Attributes()}))
        until(lambda: table(tor)[str(pod_prefix(1))] == NOTHING, "the attributes are gone")
        log = (tor.folder / "log").read_text()
        assert f"rcvd {pod_prefix(1)}" in log
        assert "withdrawn" not in log
        node.agent.want((session(tor),), told(tor, {0: EVERYTHING}))
        until(lambda: "withdrawn" in (tor.folder / "log").read_text(), "FRR logs a withdrawal so")


def test_an_agents_restart_changes_nothing_whatever_the_attributes(tmp_path: Path) -> None:
    """ExaBGP repeats its table when the router answers the new agent's refresh; nothing else is sent."""
    with routers(tmp_path) as (space, [tor]), speaker_node(space, tmp_path / "run") as node:
        announced = told(tor, dict.fromkeys(range(4), EVERYTHING))
        node.agent.want((session(tor),), announced)
        node.agent.ready(tor, 4)
        until(node.agent.complete, "the router's End-of-RIB")
        until(lambda: len(tor.routes()) == 4, "the router has them")
        before = (tor.established(), tor.version())
        tor.vtysh("configure terminal", "debug bgp updates in")
        node.restart_agent()
        node.agent.want((session(tor),), announced)
        node.agent.ready(tor, 4)
        assert (tor.established(), tor.version()) == before
        told_again = re.findall(r"rcvd (?:10\.|2001:).*", (tor.folder / "log").read_text())
        assert [line for line in told_again if "duplicate ignored" not in line] == []


def test_a_router_keeps_its_routes_while_its_export_filter_is_missing(tmp_path: Path) -> None:
    with routers(tmp_path, 2) as (space, [tor1, tor2]), speaker_node(space, tmp_path / "run") as node:
        node.agent.want((session(tor1), session(tor2)), announcements([tor1, tor2], 0, 3))
        node.agent.ready(tor1, 2)
        node.agent.ready(tor2, 2)
        before = (tor1.routes(), tor1.version(), tor1.established())
        assert len(before[0]) == 2
        node.agent.want((session(tor1, exports_known=False), session(tor2)), announcements([tor2], 3))
        until(lambda: len(tor2.routes()) == 1, "the other router loses a route")
        node.restart_agent()
        node.agent.want((session(tor1, exports_known=False), session(tor2)), announcements([tor2], 3))
        node.agent.ready(tor2, 1)
        assert (tor1.routes(), tor1.version(), tor1.established()) == before
        node.agent.want((session(tor1), session(tor2)), announcements([tor1, tor2], 3))
        until(lambda: len(tor1.routes()) == 1, "its filter is back, and refuses one")


def test_an_internal_peer_gets_the_attributes_and_no_as_path(tmp_path: Path) -> None:
    extra = " no neighbor 10.0.1.2 remote-as 64512\n neighbor 10.0.1.2 remote-as 65001\n"
    extra += " neighbor 10.0.1.2 passive\n neighbor 10.0.1.2 timers 3 9"
    attributes = replace(EVERYTHING, as_path=())
    with routers(tmp_path, extra=extra) as (space, [tor]), speaker_node(space, tmp_path / "run") as node:
        node.agent.want((session(tor, local_asn=65001),), told(tor, {0: attributes, 1: Attributes()}))
        node.agent.ready(tor, 2)
        for number, communities, med in ((0, SEEN["communities"], 7), (1, None, None)):
            (path,) = tor.show(f"bgp ipv4 unicast {pod_prefix(number)}")["paths"]
            assert (path["aspath"]["string"], path.get("metric")) == ("Local", med)
            assert path.get("community", {}).get("string") == communities
