"""`bgpnet plan` on a host with links: what an agent would do there, without one."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.netlab.lab import REPOSITORY
from tests.netns import Namespace, namespace

MANIFESTS = REPOSITORY / "containerlab" / "dual-tor" / "configs" / "manifests"


@pytest.fixture
def host() -> Iterator[Namespace]:
    with namespace("plan") as made:
        for number in (1, 2):
            made.run("ip", "link", "add", f"eth{number}", "type", "veth", "peer", "name", f"tor{number}")
            made.run("ip", "addr", "add", f"10.0.{number}.11/24", "dev", f"eth{number}")
            for end in (f"eth{number}", f"tor{number}"):
                made.run("ip", "link", "set", end, "up")
        yield made


def plan(host: Namespace, *args: str) -> tuple[int, str]:
    done = host.run(sys.executable, "-m", "bgpnet", "plan", "--node", "node1", *args, check=False)
    return done.returncode, done.stdout or done.stderr


def test_sessions_and_announcements_are_those_of_this_host(host: Namespace) -> None:
    filtering = "net.ipv4.conf.eth1.rp_filter"
    before = host.run("sysctl", filtering).stdout
    code, told = plan(host, str(MANIFESTS), "-o", "json")
    status = json.loads(told)
    assert (code, status["prefixes"], status["rejections"]) == (0, ["10.244.1.0/26"], [])
    assert [(each["peer"], each["link"], each["local_address"]) for each in status["sessions"]] == [
        ("10.0.1.1", "eth1", "10.0.1.11"),
        ("10.0.2.1", "eth2", "10.0.2.11"),
    ]
    assert [each["announcements"][0]["prefix"] for each in status["sessions"]] == ["10.244.1.0/26"] * 2
    assert "announce 10.244.1.0/26  next hop 10.0.2.11" in plan(host, str(MANIFESTS))[1]
    assert f"{filtering.replace('.', '/')} = 2" in plan(host, str(MANIFESTS))[1]
    assert host.run("sysctl", filtering).stdout == before, "nothing is changed"
    assert host.ip_json("route", "show", "proto", "179") == []


def test_what_would_be_refused_is_named_and_the_rest_is_planned(host: Namespace, tmp_path: Path) -> None:
    peer = "apiVersion: bgpnet.io/v1alpha1\nkind: BGPPeer\nmetadata: {name: far}\nspec: "
    (tmp_path / "far.yaml").write_text(f"{peer}{{peerAddress: 10.9.9.9, peerASN: 65009}}\n", encoding="utf-8")
    (tmp_path / "bad.yaml").write_text(f"{peer}{{peerAddress: tor9, peerASN: 65009}}\n", encoding="utf-8")
    code, told = plan(host, str(MANIFESTS), str(tmp_path), "-o", "json")
    status = json.loads(told)
    assert code == 1
    assert {each["reason"] for each in status["rejections"]} >= {"InvalidField"}
    assert len(status["sessions"]) == 2


def test_a_node_that_no_manifest_declares(host: Namespace, tmp_path: Path) -> None:
    (tmp_path / "none.yaml").write_text("", encoding="utf-8")
    code, told = plan(host, str(tmp_path))
    assert code == 1
    assert "Nothing would change: the node is not declared" in told
