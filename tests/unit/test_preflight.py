"""`bgpnet preflight`: pain points 14 and 22, what other programs do to a node, named with the cure."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bgpnet.drivers.preflight import files, firewall, processes
from bgpnet.model.hostfacts import (
    Feature,
    ForwardChain,
    HostFacts,
    HostRoute,
    Listener,
    PolicyRule,
    Setting,
)
from bgpnet.model.preflight import Finding, Verdict
from bgpnet.planner.preflight import preflight
from bgpnet.render.preflight import preflight_text

CLEAN = HostFacts(
    programs=frozenset(),
    listeners=(),
    conflists=(),
    networkd_keeps=(),
    nm_unmanaged=(),
    firewalld_trusts=(),
    forward=(),
    firewall_unseen="",
    features=(Feature("veth", there=True, needed_for="pods' links", option="CONFIG_VETH"),),
    settings=(),
    sysctls_writable=True,
)


def bad(facts: HostFacts) -> list[Finding]:
    return [each for each in preflight(facts).findings if each.verdict is not Verdict.FINE]


def test_a_clean_host_is_fine() -> None:
    status = preflight(CLEAN)
    assert status.fine
    assert not bad(CLEAN)
    assert preflight_text(status).count("fine") == len(status.findings)


def test_pain_point_14_two_speakers_on_one_node() -> None:
    facts = replace(
        CLEAN, listeners=(Listener("bird", 7, "0.0.0.0"), Listener("", 0, "::")), programs=frozenset({"bird"})
    )
    port, hidden, speaker = bad(facts)
    assert port.found == "bird (pid 7) listens on 0.0.0.0 port 179"
    assert hidden.found.startswith("a program that cannot be seen from here")
    assert speaker.found == "bird runs: BIRD (Calico has one)"
    assert preflight(facts).fine, "bgpnet needs no port of its own: a warning"


FILES_BEFORE = (("05-x.conflist", "calico"), ("10-bgpnet.conflist", "bgpnet"))
FILES_BEHIND = (("10-bgpnet.conflist", "bgpnet"), ("99-x.conf", "bridge"))
NO_VETH = Feature("veth", there=False, needed_for="pods' links", option="CONFIG_VETH")
STRICT = Setting("net/ipv4/ip_forward", "0", "/etc/sysctl.conf")


@pytest.mark.parametrize(
    ("facts", "check", "verdict", "cure"),
    [
        ({"programs": frozenset({"systemd-network"})}, "networkd", "warning", "ManageForeignRoutes=no"),
        ({"programs": frozenset({"NetworkManager"})}, "network-manager", "warning", "unmanaged-devices"),
        ({"programs": frozenset({"firewalld"})}, "firewalld", "problem", "--zone=trusted"),
        ({"forward": (ForwardChain("x", lets_pods=False),)}, "forward", "problem", "iptables -I"),
        ({"firewall_unseen": "`nft` is not installed"}, "forward", "warning", "as root"),
        ({"settings": (STRICT,)}, "sysctls", "warning", "remove"),
        ({"sysctls_writable": False}, "sysctls", "problem", "writable"),
        ({"conflists": FILES_BEFORE}, "conflists", "problem", "remove"),
        ({"conflists": FILES_BEHIND}, "conflists", "warning", "remove"),
        ({"nat_lacks": "no program `nft`"}, "nat", "warning", "nftables"),
        ({"features": (NO_VETH,)}, "kernel", "problem", "CONFIG_VETH"),
    ],
)
def test_pain_point_22_what_undoes_or_blocks_us_is_named(
    facts: dict[str, Any], check: str, verdict: str, cure: str
) -> None:
    found = replace(CLEAN, **facts)
    (finding,) = bad(found)
    assert (finding.check, finding.verdict) == (check, verdict)
    assert cure in finding.cure
    assert preflight(found).fine == (verdict != "problem")


@pytest.mark.parametrize(
    "facts",
    [
        replace(
            CLEAN,
            programs=frozenset({"systemd-network"}),
            networkd_keeps=("ManageForeignRoutes", "ManageForeignRoutingPolicyRules"),
        ),
        replace(CLEAN, programs=frozenset({"NetworkManager"}), nm_unmanaged=("interface-name:bgp*",)),
        replace(CLEAN, programs=frozenset({"firewalld"}), firewalld_trusts=("bgp+",)),
        replace(CLEAN, forward=(ForwardChain("x", lets_pods=True),)),
        replace(CLEAN, networkd_keeps=()),
    ],
)
def test_the_cures_cure(facts: HostFacts) -> None:
    assert not bad(facts)


def written(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_files_of_other_programs_are_read_as_these_read_them(tmp_path: Path) -> None:
    written(tmp_path, "etc/systemd/networkd.conf", "[Network]\nManageForeignRoutes=no\n")
    written(tmp_path, "usr/lib/systemd/networkd.conf.d/a.conf", "[Network]\nManageForeignRoutes=yes\n")
    written(
        tmp_path,
        "etc/systemd/networkd.conf.d/b.conf",
        "# x\n[Network]\nManageForeignRoutingPolicyRules = off\n",
    )
    assert files.networkd_keeps(tmp_path) == ("ManageForeignRoutingPolicyRules",), "a drop-in counts more"
    written(tmp_path, "etc/systemd/networkd.conf.d/a.conf", "")
    assert files.networkd_keeps(tmp_path) == ("ManageForeignRoutes", "ManageForeignRoutingPolicyRules"), (
        "masked"
    )

    written(
        tmp_path,
        "etc/NetworkManager/conf.d/x.conf",
        "[keyfile]\nunmanaged-devices=mac:1;interface-name:bgp*\n",
    )
    assert files.nm_unmanaged(tmp_path) == ("mac:1", "interface-name:bgp*")

    written(
        tmp_path,
        "etc/firewalld/zones/trusted.xml",
        '<zone><interface name="bgp+"/><source address="10.0.0.0/8"/></zone>',
    )
    assert files.firewalld_trusts(tmp_path) == ("bgp+", "10.0.0.0/8")

    written(tmp_path, "etc/cni/net.d/10-b.conflist", json.dumps({"plugins": [{"type": "bgpnet"}]}))
    written(tmp_path, "etc/cni/net.d/05-a.conf", json.dumps({"type": "bridge"}))
    written(tmp_path, "etc/cni/net.d/01-c.conflist", "{")
    written(tmp_path, "etc/cni/net.d/00-d.conflist.bgpnet-aside", "{}")
    assert files.conflists(tmp_path) == (
        ("01-c.conflist", "unreadable"),
        ("05-a.conf", "bridge"),
        ("10-b.conflist", "bgpnet"),
    )


def test_the_last_word_on_a_kernel_setting_counts(tmp_path: Path) -> None:
    written(
        tmp_path, "usr/lib/sysctl.d/50-a.conf", "net.ipv4.ip_forward=0\nnet.ipv4.conf.all.rp_filter = 1\n"
    )
    written(tmp_path, "etc/sysctl.d/60-b.conf", "-net/ipv4/ip_forward = 1\n; no\n")
    written(tmp_path, "etc/sysctl.conf", "net.ipv6.conf.all.forwarding=0\nnet.ipv4.conf.eth0/1.rp_filter=1\n")
    assert files.settings(tmp_path) == (
        Setting("net/ipv4/conf/all/rp_filter", "1", "/usr/lib/sysctl.d/50-a.conf"),
        Setting("net/ipv4/conf/eth0.1/rp_filter", "1", "/etc/sysctl.conf"),
        Setting("net/ipv6/conf/all/forwarding", "0", "/etc/sysctl.conf"),
    )


def test_an_empty_host_has_nothing_to_say(tmp_path: Path) -> None:
    assert not files.conflists(tmp_path) + files.networkd_keeps(tmp_path) + files.settings(tmp_path)


def test_chains_that_drop() -> None:
    listed = """table ip filter {
	chain INPUT {
		type filter hook input priority filter; policy drop;
	}
	chain FORWARD {
		type filter hook forward priority filter; policy drop;
	}
}
table bridge b {
	chain f {
		type filter hook forward priority 0; policy drop;
	}
}
table inet open {
	chain f {
		type filter hook forward priority 0; policy accept;
	}
}
"""
    assert firewall.dropping(listed) == [("ip", "filter", "FORWARD")]


def test_a_listener_is_found_with_its_program(tmp_path: Path) -> None:
    head = (
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    )
    row = (
        "   0: 0100007F:00B3 00000000:0000 {} 00000000:00000000 00:00000000 00000000     0        0 4711 1\n"
    )
    written(tmp_path, "proc/1/net/tcp", head + row.format("0A") + row.format("01").replace("4711", "4712"))
    written(
        tmp_path,
        "proc/1/net/tcp6",
        head + row.format("0A").replace("0100007F", "B80D0120000000000000000001000000").replace("4711", "9"),
    )
    written(tmp_path, "proc/33/comm", "gobgpd\n")
    (tmp_path / "proc/33/fd").mkdir()
    (tmp_path / "proc/33/fd/5").symlink_to("socket:[4711]")
    assert processes.listeners(tmp_path) == (
        Listener("", 0, "2001:db8::1"),
        Listener("gobgpd", 33, "127.0.0.1"),
    )
    assert processes.running(tmp_path) == {"gobgpd"}


def test_routes_and_rules_that_meet_ours_are_named_and_many_are_counted() -> None:
    routes = tuple(HostRoute(f"192.0.2.{number}/32", 4, 179) for number in range(7))
    (found,) = bad(replace(CLEAN, routes=routes))
    assert "192.0.2.0/32 (protocol static, metric 179)" in found.found
    assert found.found.endswith(" and 2 more")
    (found,) = bad(replace(CLEAN, rules=(PolicyRule(100, 500),)))
    assert "priority 100 to table 500" in found.found
