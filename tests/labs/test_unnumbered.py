"""The lab unnumbered: what its expect.yml says, links that change their name, a router that restarts."""

import json
import os
import shutil
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tests.netlab import demo, faults, judge, life, reading
from tests.netlab.lab import REPOSITORY, Lab
from tests.netlab.node import RunningNode

pytestmark = pytest.mark.lab

FOLDER = REPOSITORY / "containerlab" / "unnumbered"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The lab, up."""
    work = tmp_path_factory.mktemp("unnumbered")
    folder = shutil.copytree(FOLDER, work / "unnumbered")
    topology = reading.read(folder, reading.Options(work / "out", os.environ, name_prefix=f"t{os.getpid()}-"))
    with life.running(topology, work / "out", print) as up:
        yield up


@pytest.fixture(autouse=True)
def _settled(lab: Lab) -> None:
    demo.until("both sessions are up", lambda: all(established(lab, link) for link in ("eth1", "eth2")))


def test_what_the_lab_expects_holds(lab: Lab) -> None:
    said: list[str] = []
    score = judge.judge(judge.read(FOLDER, list(lab.nodes)), lab.nodes, said.append)
    assert score.failed == 0, "\n".join(said)


def peers(lab: Lab) -> dict[str, dict[str, Any]]:
    """The node's sessions and what is missing of them, by link."""
    told = json.loads(lab.node("node1").run(demo.BGPNET, "peers", "-o", "json").stdout)
    return {peer["link"]: peer for peer in told["peers"]}


def established(lab: Lab, link: str) -> bool:
    found = peers(lab).get(link)
    return found is not None and found["state"] == "Established"


def times_up(lab: Lab, tor: str) -> int:
    """How often the ToR's session came up, by its own word."""
    told = lab.node(tor).run("vtysh", "-c", "show bgp neighbors eth2 json").checked("vtysh").stdout
    return int(json.loads(told)["eth2"]["connectionsEstablished"])


def test_each_link_has_a_session_of_its_own(lab: Lab) -> None:
    found = peers(lab)
    assert {peer["object"] for peer in found.values()} == {"BGPPeer/tor1", "BGPPeer/tor2"}
    assert {link: peer["peer_asn"] for link, peer in found.items()} == {"eth1": 65001, "eth2": 65002}
    assert all(peer["peer"].endswith(f"%{link}") for link, peer in found.items())
    assert all(peer["capabilities"]["extended_next_hop"] for peer in found.values())


def test_a_link_that_is_renamed_has_its_session_under_the_new_name(lab: Lab) -> None:
    """And the other session does not notice."""
    node, before = lab.node("node1"), times_up(lab, "tor2")
    for name, former in (("eth9", "eth1"), ("eth1", "eth9")):
        node.run("ip", "link", "set", former, "down").checked("ip")
        node.run("ip", "link", "set", former, "name", name).checked("ip")
        node.run("ip", "link", "set", name, "up").checked("ip")
        demo.until(f"a session on {name}", partial(established, lab, name))
    assert times_up(lab, "tor2") == before


def test_a_router_that_restarts_hears_of_the_node_at_once(lab: Lab) -> None:
    """It has forgotten whom it heard: an advertisement answers its own."""
    tor = lab.node("tor1")
    faults.power_off(tor, links_go_dark=False)
    demo.until("no session with tor1", lambda: not established(lab, "eth1"))
    faults.power_on(lab, "tor1")
    demo.until("a session with tor1", partial(established, lab, "eth1"))


def test_the_advertisements_are_as_the_rfc_has_them(lab: Lab) -> None:
    """RFC 4861 §6.1.2 and §6.2: hop limit 255, router lifetime 0, the sender's link-layer address."""
    tor = lab.node("tor1")
    shown = tor.run(
        "timeout", "15", "tcpdump", "-nvvi", "eth2", "-c", "1", "icmp6[0] == 134 and not src host " + own(tor)
    ).stdout
    assert "hlim 255" in shown
    assert "router lifetime 0s" in shown
    assert "source link-address option" in shown


def own(tor: RunningNode) -> str:
    """The ToR's link-local address towards the node."""
    (link,) = tor.ip_json("-6", "address", "show", "dev", "eth2", "scope", "link")
    return str(link["addr_info"][0]["local"])
