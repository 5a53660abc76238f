"""What an operator sees in a running node, compared with what the ToR says."""

import json
import os
import shutil
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.netlab import demo, life, reading
from tests.netlab.lab import REPOSITORY, Lab

pytestmark = pytest.mark.lab

FOLDER = REPOSITORY / "tests" / "labs" / "rack"

FRR = """
frr defaults traditional
hostname tor
!
interface lo
 ip address 192.0.2.10/32
!
interface eth1
 ip address 10.0.1.1/24
!
interface eth2
 ip address 10.0.2.1/24
!
ip route 192.0.2.0/24 blackhole
!
ip prefix-list PODS seq 10 permit 10.244.0.0/16 le 32
ip prefix-list LONGER seq 10 permit 198.51.100.0/24
ip prefix-list UNSURE seq 10 permit 198.51.101.0/24
ip prefix-list DEARER seq 10 permit 198.51.102.0/24
!
route-map ALL permit 10
!
route-map PLAIN deny 10
 match ip address prefix-list PODS
!
route-map PLAIN permit 20
!
route-map WORSE deny 5
 match ip address prefix-list PODS
!
route-map WORSE permit 10
 match ip address prefix-list LONGER
 set as-path prepend 65001 65001
!
route-map WORSE permit 20
 match ip address prefix-list UNSURE
 set origin incomplete
!
route-map WORSE permit 30
 match ip address prefix-list DEARER
 set metric 50
!
route-map WORSE permit 40
!
router bgp 65001
 bgp router-id 10.255.0.11
 bgp graceful-restart restart-time 77
 no bgp default ipv4-unicast
 no bgp network import-check
 neighbor 10.0.1.11 remote-as 64512
 neighbor 10.0.1.11 passive
 neighbor 10.0.1.11 timers 2 6
 neighbor 10.0.2.11 remote-as 64512
 neighbor 10.0.2.11 passive
 neighbor 10.0.2.11 timers 3 9
 !
 address-family ipv4 unicast
  network 192.0.2.0/24
  network 198.51.100.0/24
  network 198.51.101.0/24
  network 198.51.102.0/24
  network 203.0.113.0/24
  maximum-paths 32
  neighbor 10.0.1.11 activate
  neighbor 10.0.1.11 route-map ALL in
  neighbor 10.0.1.11 route-map PLAIN out
  neighbor 10.0.2.11 activate
  neighbor 10.0.2.11 route-map ALL in
  neighbor 10.0.2.11 route-map WORSE out
"""

ACCEPT = "    - {prefix: 198.51.0.0/16, maxLength: 24}\n"


class Rack:
    """The lab rack with a ToR that announces more, the same over both links but for some attributes."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.tor, self.node, self.folder = lab.node("tor"), lab.node("node1"), folder

    def put(self, name: str, content: str | None) -> None:
        """Write a manifest, or put the good one back."""
        good = FOLDER / "configs" / "manifests" / name
        if content is None and good.exists():
            content = good.read_text(encoding="utf-8") + ACCEPT * name.startswith("1")
        path = self.folder / name
        if content is None:
            path.unlink()
        else:
            path.write_text(content, encoding="utf-8")

    def asks(self, *args: str) -> tuple[int, str]:
        """Exit code and output of a verb of `bgpnet`."""
        done = self.node.run(demo.BGPNET, *args)
        return done.code, done.stdout or done.stderr

    def peers(self, *args: str) -> tuple[int, dict[str, Any]]:
        """Exit code of `bgpnet peers -o json`, and its peers by object's name."""
        code, told = self.asks("peers", "-o", "json", *args)
        return code, {peer["object"].partition("/")[2]: peer for peer in json.loads(told)["peers"]}

    def vtysh(self, command: str) -> Any:  # noqa: ANN401 - FRR's JSON
        return json.loads(self.tor.run("vtysh", "-c", f"{command} json").checked("vtysh").stdout)

    def configure(self, *lines: str) -> None:
        """Change the ToR's BGP configuration."""
        words = [word for line in ("configure", "router bgp 65001", *lines) for word in ("-c", line)]
        self.tor.run("vtysh", *words).checked("vtysh")

    def reload(self) -> None:
        """Have ExaBGP reload: a third peer comes and goes, and the other sessions are read anew."""
        self.put(
            "14-more.yaml",
            "apiVersion: bgpnet.io/v1alpha1\nkind: BGPPeer\nmetadata: {name: more}\n"
            "spec: {peerAddress: 10.0.1.99, peerASN: 65003}\n",
        )
        until(lambda: self.peers()[1].get("more", {}).get("state") == "Connect", "the third peer")
        self.put("14-more.yaml", None)
        until(lambda: "more" not in self.peers()[1], "its end")

    def settled(self) -> None:
        """Both sessions up, and everything told both ways."""
        until(lambda: self.asks("peers")[0] == 0, "every peer is fine")
        until(
            lambda: [peer["received"] for peer in self.peers()[1].values()] == [5, 5], "all that the ToR has"
        )
        until(lambda: self.asks("routes")[0] == 0, "every route is in the kernel")
        until(self._announced, "the ToR has the block over both sessions")

    def _announced(self) -> bool:
        told = self.vtysh("show bgp ipv4 unicast summary")["peers"].values()
        return [peer.get("pfxRcd") for peer in told] == [1, 1]


def until(holds: Callable[[], bool], what: str, within: float = 30.0) -> None:
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, f"not within {within} s: {what}"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def running_rack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rack]:
    work = tmp_path_factory.mktemp("views")
    folder = work / "tests" / "labs" / "rack"
    shutil.copytree(FOLDER, folder)
    for outside in ("containerlab", "plugin"):
        (work / outside).symlink_to(REPOSITORY / outside)
    (folder / "configs" / "tor" / "frr.conf").write_text(FRR, encoding="utf-8")
    topology = folder / "lab.clab.yml"
    listen = "image: bgpnet\n      env: {BGPNET_METRICS_LISTEN: '10.0.1.11:9179'}\n"
    topology.write_text(
        topology.read_text(encoding="utf-8").replace("image: bgpnet\n", listen), encoding="utf-8"
    )
    site = work / "site"
    shutil.copytree(folder / "configs" / "manifests", site / "manifests")
    options = reading.Options(
        work / "out", {**os.environ, "SITE": str(site)}, name_prefix=f"views{os.getpid()}-"
    )
    with life.running(reading.read(folder, options), work / "out", print) as lab:
        rack = Rack(lab, site / "manifests")
        for name in ("11-tor1.yaml", "12-tor2.yaml"):
            rack.put(name, None)
        yield rack


@pytest.fixture
def rack(running_rack: Rack) -> Rack:
    running_rack.settled()
    return running_rack


@pytest.mark.parametrize("reloaded", [False, True], ids=["as it came up", "as read after a reload"])
def test_peers_tells_of_each_session_what_the_router_tells(rack: Rack, reloaded: bool) -> None:  # noqa: FBT001 - a parameter
    if reloaded:
        rack.reload()
    code, peers = rack.peers()
    assert (code, set(peers)) == (0, {"tor1", "tor2"})
    summary = rack.vtysh("show bgp ipv4 unicast summary")["peers"]
    for peer in peers.values():
        at = rack.vtysh(f"show bgp neighbors {peer['local_address']}")[peer["local_address"]]
        ours = summary[peer["local_address"]]
        assert at["bgpState"] == peer["state"] == "Established"
        assert abs(at["bgpTimerUpEstablishedEpoch"] - peer["since"]) <= 2
        assert (at["localAs"], at["remoteAs"]) == (peer["peer_asn"], peer["local_asn"])
        has = peer["capabilities"]
        assert at["bgpTimerHoldTimeMsecs"] == has["hold_time"] * 1000
        assert (has["router_id"], has["restart_time"]) == ("10.255.0.11", 77)
        assert (has["families"], has["four_byte_asn"], has["route_refresh"]) == (["ipv4"], True, "enhanced")
        assert (ours["pfxSnt"], ours["pfxRcd"]) == (peer["received"], len(peer["announced"])) == (5, 1)
        assert (peer["accepted"], peer["refused"]) == (4, {"NotRequested": 1})
    assert {peer["hold_time"] for peer in peers.values()} == {9}
    assert peers["tor1"]["capabilities"]["hold_time"] == 6
    text = rack.asks("peers")[1]
    assert "10.0.1.1  65001  Established" in text
    assert rack.asks("peers", "10.0.2.1")[1].startswith("10.0.2.1 (BGPPeer/tor2), AS 65001\n")


@pytest.mark.parametrize(
    ("at_router", "at_node", "hint"),
    [
        ("router-key", "", "if it has one (this node has none"),
        ("", "node-key", "if it has none or another one"),
    ],
)
def test_an_md5_key_on_one_side_only_is_named_as_a_possible_cause(
    rack: Rack, at_router: str, at_node: str, hint: str
) -> None:
    """Pain point 15: "why is the session not up"."""
    try:
        if at_router:
            rack.configure(f"neighbor 10.0.2.11 password {at_router}")
        else:
            rack.put("key", f"{at_node}\n")
            good = (rack.folder / "12-tor2.yaml").read_text(encoding="utf-8")
            rack.put("12-tor2.yaml", good.replace("spec:\n", "spec:\n  passwordFile: key\n"))
        until(lambda: hint in rack.peers()[1]["tor2"]["reason"], "the cause", 40)
        code, peers = rack.peers("tor2")
        assert (code, peers["tor2"]["state"]) == (1, "Connect")
        assert "no answer from 10.0.2.1 port 179" in peers["tor2"]["reason"]
        assert (rack.asks("peers", "tor1")[0], rack.asks("peers")[0]) == (0, 1)
        assert rack.vtysh("show bgp neighbors 10.0.2.11")["10.0.2.11"]["bgpState"] != "Established"
        assert not {"router-key", "node-key"} & set(rack.asks("peers", "tor2")[1].split())
    finally:
        if at_router:
            rack.configure(f"no neighbor 10.0.2.11 password {at_router}")
        else:
            rack.put("12-tor2.yaml", None)
            rack.put("key", None)


def test_a_peer_that_is_refused_is_shown_with_its_reason(rack: Rack) -> None:
    try:
        rack.put(
            "13-far.yaml",
            "apiVersion: bgpnet.io/v1alpha1\nkind: BGPPeer\nmetadata: {name: far}\n"
            "spec: {peerAddress: 10.0.9.1, peerASN: 65009}\n",
        )
        until(lambda: "far" in rack.peers()[1], "the rejected peer")
        code, peers = rack.peers()
        assert (code, peers["far"]["state"], peers["far"]["peer"]) == (1, "Rejected", "10.0.9.1")
        assert peers["far"]["rejections"][0]["reason"] == "NotConnected"
        assert rack.asks("peers", "tor1")[0] == 0
    finally:
        rack.put("13-far.yaml", None)


@pytest.mark.parametrize(
    ("prefix", "step", "words"),
    [
        ("198.51.100.0/24", "AsPathLength", "3 numbers in its AS_PATH, the best has 1"),
        ("198.51.101.0/24", "Origin", "ORIGIN incomplete, the best has igp"),
        ("198.51.102.0/24", "Med", "MED 50, another path from AS 65001 has a lower one"),
    ],
)
def test_routes_names_the_step_that_decided(rack: Rack, prefix: str, step: str, words: str) -> None:
    """What the router sends over the second link is worse, by its own word, and its kernel route shows it."""
    code, told = rack.asks("routes", prefix, "-o", "json")
    (route,) = json.loads(told)["routes"]
    best, worse = route["paths"]
    assert (code, route["state"], route["next_hops"]) == (0, "installed", ["10.0.1.1 via eth1"])
    assert (best["peer"], best["object"], best["verdict"]) == ("10.0.1.1", "BGPPeer/tor1", "best")
    assert (worse["peer"], worse["verdict"], worse["reason"]) == ("10.0.2.1", "worse", step)
    assert worse["because"] == words
    for path, neighbour in ((best, "10.0.1.11"), (worse, "10.0.2.11")):
        sent = rack.vtysh(f"show bgp ipv4 unicast neighbors {neighbour} advertised-routes")
        at_router = sent["advertisedRoutes"][prefix]
        assert path["origin"] == {"i": "igp", "?": "incomplete"}[at_router["bgpOriginCode"]]
        assert (path["med"] or 0) == at_router.get("metric", 0)
        # the router adds its own AS as it sends
        assert path["as_path"] == [65001, *map(int, at_router["path"].split())]
    assert rack.node.ip_json("route", "show", prefix, "proto", "179")[0]["gateway"] == "10.0.1.1"
    assert f"  {step}: {words}" in rack.asks("routes", prefix)[1]


def test_routes_shows_the_paths_used_together_and_the_refused_ones(rack: Rack) -> None:
    code, told = rack.asks("routes", "192.0.2.10", "-o", "json")
    (route,) = json.loads(told)["routes"]
    assert (code, route["prefix"], route["state"]) == (0, "192.0.2.0/24", "installed")
    assert [(path["verdict"], path["reason"]) for path in route["paths"]] == [
        ("best", ""),
        ("multipath", "PeerAddress"),
    ]
    kernel = rack.node.ip_json("route", "show", "192.0.2.0/24", "proto", "179")
    assert sorted(f"{hop['gateway']} via {hop['dev']}" for hop in kernel[0]["nexthops"]) == route["next_hops"]
    code, told = rack.asks("routes", "203.0.113.0/24")
    assert code == 0
    assert told.startswith("203.0.113.0/24  learned, none\n")
    assert told.count("refused") == told.count("NotRequested") == 2
    assert rack.asks("routes", "8.8.8.0/24")[0] == 1
    assert rack.asks("routes", "8.8.8.8/24")[0] == 2


def test_another_programs_route_is_named_where_it_hides_ours(rack: Rack) -> None:
    """Pain point 22: who else writes routes here."""
    hiding = ("198.51.100.0/24", "via", "10.0.2.1", "proto", "static", "metric", "10")
    try:
        rack.node.run("ip", "route", "add", *hiding).checked("ip route add")
        until(lambda: "hidden" in rack.asks("routes", "198.51.100.0/24")[1], "the hidden route")
        code, told = rack.asks("routes", "198.51.100.0/24")
        assert code == 1
        assert "static, metric 10" in told
    finally:
        rack.node.run("ip", "route", "del", *hiding).checked("ip route del")
    until(lambda: rack.asks("routes")[0] == 0, "every route is fine")


def test_metrics_say_what_the_router_and_the_kernel_say(rack: Rack) -> None:
    def scraped() -> dict[tuple[str, tuple[str, ...]], float]:
        """What Prometheus would read: by name, and the values of its labels in the order of their names."""
        page = rack.node.run(
            "curl", "-sSf", "--unix-socket", "/run/bgpnet/agent.sock", "http://agent/metrics"
        ).checked("curl")
        return {
            (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(page.stdout)
            for sample in family.samples
        }

    until(lambda: rack.tor.run("curl", "-sSf", "http://10.0.1.11:9179/metrics").code == 0, "metrics on TCP")
    over_tcp = rack.tor.run("curl", "-sSf", "http://10.0.1.11:9179/metrics").checked("curl").stdout
    assert 'bgpnet_bgp_session_up{peer="10.0.1.1"} 1.0' in over_tcp
    before = scraped()
    summary = rack.vtysh("show bgp ipv4 unicast summary")["peers"]
    for peer, at_router in (("10.0.1.1", "10.0.1.11"), ("10.0.2.1", "10.0.2.11")):
        assert before["bgpnet_bgp_session_up", (peer,)] == 1
        assert before["bgpnet_bgp_prefixes_received", (peer,)] == summary[at_router]["pfxSnt"]
        assert before["bgpnet_bgp_prefixes_announced", (peer,)] == summary[at_router]["pfxRcd"]
        assert before["bgpnet_bgp_prefixes_refused", (peer, "NotRequested")] == 1
    routes = rack.node.ip_json("route", "show", "proto", "179")
    learned = sum(route.get("type", "unicast") == "unicast" for route in routes)
    assert before["bgpnet_routes_installed", ("ipv4", "unicast")] == learned == 4
    assert before["bgpnet_routes_installed", ("ipv4", "blackhole")] == len(routes) - learned == 1
    assert sum(number for (name, _), number in before.items() if name == "bgpnet_rejections") == 0
    try:
        rack.configure("neighbor 10.0.2.11 shutdown")
        until(lambda: scraped()["bgpnet_bgp_session_up", ("10.0.2.1",)] == 0, "the session's end")
        flaps = "bgpnet_bgp_session_flaps_total", ("10.0.2.1",)
        assert scraped()[flaps] == before[flaps] + 1
        assert scraped()["bgpnet_bgp_session_up", ("10.0.1.1",)] == 1
    finally:
        rack.configure("no neighbor 10.0.2.11 shutdown")


def test_a_password_in_a_secret_is_seen_by_nobody(rack: Rack) -> None:
    """Not in logs, files that others may read, process lists or status; a Secret that goes leaves the key."""
    key = "correct-horse-battery"
    good = (rack.folder / "12-tor2.yaml").read_text(encoding="utf-8")
    try:
        rack.put(
            "secret.yaml",
            f"apiVersion: v1\nkind: Secret\nmetadata: {{name: keys}}\nstringData: {{tor2: {key}}}\n",
        )
        rack.put(
            "12-tor2.yaml", good.replace("spec:\n", "spec:\n  passwordSecret: {name: keys, key: tor2}\n")
        )
        rack.configure(f"neighbor 10.0.2.11 password {key}")
        until(lambda: rack.peers()[1]["tor2"]["password"], "the password is set")
        rack.settled()
        assert rack.vtysh("show bgp neighbors 10.0.2.11")["10.0.2.11"]["bgpState"] == "Established"
        rack.put("secret.yaml", None)
        until(lambda: "PasswordUnreadable" in rack.asks("peers", "tor2")[1], "the Secret is missed")
        assert rack.peers()[1]["tor2"]["state"] == "Established"
        everything = rack.node.run(
            "sh",
            "-c",
            "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ /var/log/node.log; ps axww; bgpnet status;"
            " bgpnet peers; bgpnet peers -o json tor2;"
            " find /run /etc/bgpnet -type f -perm /077 -exec cat {} +",
        ).stdout
        assert "10.0.2.1" in everything
        assert key not in everything
        assert b64encode(key.encode()).decode() not in everything
    finally:
        rack.configure(f"no neighbor 10.0.2.11 password {key}")
        rack.put("12-tor2.yaml", good)
        (rack.folder / "secret.yaml").unlink(missing_ok=True)
