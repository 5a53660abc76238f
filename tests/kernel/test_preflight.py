"""`bgpnet preflight` on a real kernel, beside real programs."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from bgpnet.drivers.preflight import kernel
from tests.netns import Namespace, namespace


@pytest.fixture
def host() -> Iterator[Namespace]:
    with namespace("pre") as made:
        yield made


def told(host: Namespace) -> tuple[int, dict[str, list[dict[str, Any]]]]:
    """Exit code and findings by check."""
    done = host.run(sys.executable, "-m", "bgpnet", "preflight", "-o", "json", check=False)
    found: dict[str, list[dict[str, Any]]] = {}
    for each in json.loads(done.stdout)["findings"]:
        found.setdefault(each["check"], []).append(each)
    return done.returncode, found


def test_the_kernel_of_this_machine_has_what_is_needed(host: Namespace) -> None:
    with host.entered():
        assert {feature.name: feature.there for feature in kernel.features()} == {
            "veth": True,
            "nexthop objects": True,
            "multipath routes": True,
            "TCP MD5 signatures": True,
            "IPv6": True,
        }
    assert {link["ifname"] for link in host.ip_json("link", "show")} == {"lo"}, "asking makes nothing"


def test_pain_point_14_the_other_speaker_is_named(host: Namespace) -> None:
    listen = "import socket; s = socket.create_server(('0.0.0.0', 179)); print('up', flush=True); input()"
    argv = ["ip", "netns", "exec", host.name, sys.executable, "-c", listen]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "up\n"
        _, found = told(host)
        other.communicate("\n")
    assert [each["verdict"] for each in found["port"]] == ["warning"]
    assert f"(pid {other.pid}) listens on 0.0.0.0 port 179" in found["port"][0]["found"]
    assert told(host)[1]["port"][0]["verdict"] == "fine"


def test_pain_point_22_forward_drop_is_named_and_its_cure_cures(host: Namespace) -> None:
    chain = "{ type filter hook forward priority 0; policy drop; }"  # as `iptables -P FORWARD DROP` makes it
    host.run("nft", f"add table ip filter; add chain ip filter FORWARD {chain}")
    code, found = told(host)
    assert code == 1
    assert [each["verdict"] for each in found["forward"]] == ["problem"]
    assert "nft chain ip filter FORWARD drops" in found["forward"][0]["found"]
    for way in ("iifname", "oifname"):
        host.run("nft", f'insert rule ip filter FORWARD {way} "bgp*" counter accept')
    assert told(host)[1]["forward"][0]["verdict"] == "fine"


def test_a_chain_of_nft_as_well(host: Namespace) -> None:
    host.run(
        "nft",
        "add table inet strict; "
        "add chain inet strict f { type filter hook forward priority 0; policy drop; }",
    )
    found = told(host)[1]["forward"]
    assert [each["found"] for each in found] == [
        "nft chain inet strict f drops what no rule accepts, and none accepts bgp*"
    ]


def test_pain_point_14_routes_and_rules_of_others_that_meet_ours_are_named(host: Namespace) -> None:
    host.run("ip", "link", "set", "lo", "up")
    assert [told(host)[1][check][0]["verdict"] for check in ("routes", "rules")] == ["fine", "fine"]
    for family, prefix in (("-4", "192.0.2.0/24"), ("-6", "2001:db8::/64")):
        host.run("ip", family, "route", "add", prefix, "dev", "lo", "metric", "179", "proto", "static")
        host.run("ip", family, "rule", "add", "pref", "100", "from", prefix, "table", "500")
        host.run("ip", family, "route", "add", "blackhole", prefix, "metric", "77", "proto", "180")
        host.run(
            "ip", family, "route", "add", "unreachable", prefix, "metric", "178", "proto", "180"
        )  # as ours
    found = told(host)[1]
    for prefix in ("192.0.2.0/24", "2001:db8::/64"):
        assert f"{prefix} (protocol static, metric 179)" in found["routes"][0]["found"]
        assert f"{prefix} (protocol 180, metric 77)" in found["routes"][0]["found"]
    assert found["routes"][0]["found"].count("metric 17") == 2
    assert found["rules"][0]["found"].count("priority 100 to table 500") == 2
