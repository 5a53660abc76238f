"""What an operator sees in a running node, compared with what the ToR says."""

import json
from base64 import b64encode
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.labs.viewrack import Rack, until, view_rack

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def running_rack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rack]:
    with view_rack(tmp_path_factory.mktemp("views")) as made:
        yield made


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


def test_pain_point_15_why_a_prefix_is_not_announced_is_told(rack: Rack) -> None:
    def why(asked: str) -> tuple[int, str]:
        return rack.asks("why", asked)

    def tellings() -> list[str]:
        return [each["telling"] for each in json.loads(rack.asks("why", block, "-o", "json")[1])["sessions"]]

    block = "10.244.1.0/26"
    code, told = why(block)
    assert code == 0, told
    assert told.count("  announced  ") == 2
    assert rack.vtysh(f"show bgp ipv4 unicast {block}")["paths"], "the router agrees"
    assert why("10.244.1.7")[1].splitlines()[1:] == told.splitlines()[1:], "an address in it"
    good = (rack.folder / "12-tor2.yaml").read_text(encoding="utf-8")
    try:
        rack.put(
            "20-filter.yaml",
            "apiVersion: bgpnet.io/v1alpha1\nkind: BGPFilter\nmetadata: {name: quiet}\n"
            "spec: {export: [{match: {prefixes: [{prefix: 10.244.1.0/26}]}, action: reject}]}\n",
        )
        rack.put("12-tor2.yaml", good.replace("spec:\n", "spec:\n  filters: {export: [quiet]}\n"))
        until(lambda: tellings() == ["announced", "withheld"], "the filter is in force")
        assert "BGPFilter/quiet" in why(block)[1]
        rack.configure("neighbor 10.0.1.11 shutdown")
        until(lambda: tellings() == ["pending", "withheld"], "the session is down")
        assert why(block)[0] == 1
        until(lambda: not rack.vtysh(f"show bgp ipv4 unicast {block}").get("paths"), "the router agrees")
    finally:
        rack.configure("no neighbor 10.0.1.11 shutdown")
        rack.put("12-tor2.yaml", good)
        rack.put("20-filter.yaml", None)
    assert "refused" in why("203.0.113.9")[1]
    assert (why("8.8.8.8")[0], why("8.8.8.8/24")[0]) == (1, 2)


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
