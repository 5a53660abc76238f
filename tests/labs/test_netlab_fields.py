"""Each field that lab files may use does on network namespaces what it does in containerlab."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.labs.smalllab import PREFIX, SmallLab, small_lab
from tests.netlab import life, reading
from tests.netlab.lab import Lab

pytestmark = pytest.mark.lab

PAIR = """\
topology:
  defaults: {kind: linux, image: linux}
  nodes:
    a: {exec: [ip address add 10.0.0.1/24 dev eth1]}
    b: {exec: [ip address add 10.0.0.2/24 dev eth1]}
  links: [{endpoints: ["a:eth1", "b:eth1"]}]
"""


@contextmanager
def running(folder: Path, text: str, **environment: str) -> Iterator[Lab]:
    (folder / "lab.clab.yml").write_text(f"name: SL-fields\n{text}".replace("SL-", PREFIX), encoding="utf-8")
    topology = reading.read(folder, reading.Options(folder / "work", environment))
    with life.running(topology, folder / "work", print) as lab:
        yield lab


def interface(name: str) -> Path:
    """An interface of this machine that a test or its lab makes."""
    return Path("/sys/class/net") / f"{PREFIX}{name}"


def ip(line: str) -> None:
    """Change this machine's own links: interfaces of this test."""
    subprocess.run(["ip", *line.replace("SL-", PREFIX).split()], check=True, timeout=20)


def printed(lab: Lab, node: str, *argv: str) -> str:
    return lab.node(node).run(*argv).checked(node).stdout.strip()


def test_links_have_names_mtu_macs_are_up_and_their_ends_differ_in_index(tmp_path: Path) -> None:
    text = """\
topology:
  defaults: {kind: linux, image: linux}
  nodes: {a: {}, b: {}, c: {network-mode: none}}
  links:
    - endpoints: ["a:eth1", "b:eth1"]
    - endpoints: ["a:uplink.7", "c:eth0"]
      mtu: 1400
    - type: veth
      mtu: 2000
      endpoints:
        - {node: b, interface: eth2, mac: "12:00:00:00:00:01"}
        - {node: c, interface: eth2, mac: 12:00:00:00:00:02}
    - type: host
      host-interface: SL-one
      endpoint: {node: c, interface: eth3}
    - endpoints: ["host:SL-two", "b:eth3"]
"""
    with running(tmp_path, text) as lab:
        shown = {
            (name, link["ifname"]): link
            for name, node in lab.nodes.items()
            for link in node.ip_json("link", "show", "type", "veth")
        }
        root = json.loads(lab.node("a").run_in_network("ip", "-j", "link").stdout)
        assert {(name, link): shown[name, link]["mtu"] for name, link in shown} == {
            ("a", "eth1"): 9500,
            ("b", "eth1"): 9500,
            ("a", "uplink.7"): 1400,
            ("c", "eth0"): 1400,
            ("b", "eth2"): 2000,
            ("c", "eth2"): 2000,
            ("c", "eth3"): 9500,
            ("b", "eth3"): 9500,
        }
        assert shown["b", "eth2"]["address"] == "12:00:00:00:00:01"
        assert shown["c", "eth2"]["address"] == "12:00:00:00:00:02"
        assert all({"UP", "LOWER_UP"} <= set(link["flags"]) for link in shown.values())
        assert all(link["ifindex"] != link["link_index"] for link in shown.values())
        assert {link["ifname"] for link in root} == {"lo", "eth1", "uplink.7"}
        assert interface("one").exists()
        assert interface("two").exists()
    assert not interface("one").exists()
    assert not interface("two").exists()


def test_a_bridge_is_one_of_the_machine_and_its_ports_are_made(tmp_path: Path) -> None:
    text = """\
topology:
  defaults: {kind: linux, image: linux}
  nodes: {a: {}, SL-br: {kind: bridge}, machine: {kind: host}}
  links:
    - endpoints: ["a:eth1", "SL-br:SL-port"]
    - endpoints: ["a:eth2", "machine:SL-end"]
"""
    with small_lab(tmp_path, "bridge") as lab:
        lab.write(text, "checks: [{command: {at: a, run: 'true'}}]\n")
        refused = lab.call("run")
        assert refused.returncode == 2
        assert f"this machine has no bridge {PREFIX}br" in refused.stderr
        assert lab.remains() == []
        ip("link add SL-br type bridge")
        try:
            assert lab.call("up").returncode == 0
            assert interface("port/brport").exists()
            assert interface("end").exists()
            assert lab.call("down").returncode == 0
            assert interface("br").exists()
        finally:
            ip("link del SL-br")
        assert lab.remains() == []


def test_an_interface_that_the_machine_has_already_is_refused_and_stays(tmp_path: Path) -> None:
    ip("link add SL-mine type veth peer SL-peer")
    try:
        with small_lab(tmp_path, "taken") as lab:
            lab.write(
                "topology:\n  nodes: {a: {kind: linux, image: linux}}\n"
                "  links: [{endpoints: ['a:eth1', 'host:SL-mine']}]\n"
            )
            refused = lab.call("up")
            assert refused.returncode == 2
            assert f"already has interfaces {PREFIX}mine" in refused.stderr
        assert interface("mine").exists()
    finally:
        ip("link del SL-mine")


def test_a_node_starts_with_containerlabs_sysctls_and_then_its_own(tmp_path: Path) -> None:
    text = """\
topology:
  defaults: {kind: linux, image: linux}
  nodes:
    a: {}
    b: {sysctls: {net.ipv4.ip_forward: 0, net.ipv4.conf.all.rp_filter: 2}}
"""
    asked = (
        "sysctl",
        "-n",
        "net.ipv4.ip_forward",
        "net.ipv4.conf.all.rp_filter",
        "net.ipv6.conf.all.disable_ipv6",
    )
    with running(tmp_path, text) as lab:
        assert printed(lab, "a", *asked).split() == ["1", "0", "0"]
        assert printed(lab, "b", *asked).split() == ["0", "2", "0"]


def test_binds_are_seen_read_only_where_asked_and_nothing_else_reaches_the_machine(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "a").write_text("from the folder\n")
    (tmp_path / "file").write_text("one\n")
    text = """\
topology:
  defaults: {kind: linux, image: linux}
  nodes: {a: {binds: ["conf:/etc/made/conf:ro", "./file:/srv/file", "file:/srv/fixed:ro,z"]}}
"""
    with running(tmp_path, text) as lab:
        node = lab.node("a")
        assert printed(lab, "a", "cat", "/etc/made/conf/a") == "from the folder"
        assert node.run("sh", "-c", "echo two > /etc/made/conf/a").code != 0
        assert node.run("sh", "-c", "echo two > /srv/fixed").code != 0
        node.run("sh", "-c", "echo two > /srv/file; echo x > /etc/netlab-was-here").checked("write")
    assert (tmp_path / "file").read_text() == "two\n"
    assert (tmp_path / "conf" / "a").read_text() == "from the folder\n"
    assert not Path("/etc/netlab-was-here").exists()
    assert not Path("/etc/made").exists()


def test_programs_get_the_nodes_environment_and_none_of_the_callers(tmp_path: Path) -> None:
    (tmp_path / "one.env").write_text("FROM_FILE=1\n")
    text = """\
topology:
  defaults: {kind: linux, image: linux}
  nodes:
    a:
      env-files: [one.env]
      env: {OWN: "${GIVEN:-default}"}
      labels: {role: legacy}
      cmd: sh -c 'echo $$OWN $$HOSTNAME > /tmp/cmd; sleep 1000'
      exec: ["sh -c 'echo $$OWN $$FROM_FILE $$CLAB_LABEL_ROLE $$CLAB_INTFS ${NOT_SET:-unset} > /tmp/exec'"]
    b: {}
  links: [{endpoints: ["a:eth1", "b:eth1"]}]
"""
    with running(tmp_path, text, GIVEN="given") as lab:
        assert printed(lab, "a", "cat", "/tmp/exec") == "given 1 legacy 1 unset"  # noqa: S108 - the node's
        assert printed(lab, "a", "cat", "/tmp/cmd") == "given a"  # noqa: S108 - the node's
        assert "VIRTUAL_ENV" not in printed(lab, "a", "env")
        assert [process.argv[0] for process in lab.node("a").processes()].count("sleep") == 1
        assert printed(lab, "a", "hostname") == "a"


def test_entrypoint_and_cmd_are_split_into_words_without_a_shell(tmp_path: Path) -> None:
    text = """\
topology:
  nodes: {a: {kind: linux, image: linux, entrypoint: "sleep", cmd: "1000"}}
"""
    with running(tmp_path, text) as lab:
        assert [process.argv for process in lab.node("a").processes()] == [("sleep", "1000")]


def test_a_node_may_join_anothers_network_and_keeps_files_of_its_own(tmp_path: Path) -> None:
    text = """\
topology:
  defaults: {kind: linux, image: linux}
  nodes:
    side: {network-mode: "container:main", exec: [ip address add 10.0.0.9/24 dev eth1]}
    main: {}
    other: {}
  links: [{endpoints: ["main:eth1", "other:eth1"]}]
"""
    with running(tmp_path, text) as lab:
        assert "10.0.0.9" in printed(lab, "main", "ip", "address")
        printed(lab, "side", "touch", "/srv/of-side")
        assert lab.node("main").run("test", "-e", "/srv/of-side").code != 0


def test_stages_order_nodes_and_run_commands_where_and_when_they_say(tmp_path: Path) -> None:
    text = """\
topology:
  defaults: {kind: linux, image: linux}
  nodes:
    first:
      cmd: sh -c 'touch /srv/ready; sleep 1000'
      healthcheck: {test: [CMD-SHELL, test -e /srv/ready], interval: 1, start-period: 2}
      exec: [sh -c 'ls /sys/class/net > /srv/links-at-exec']
    task:
      cmd: sh -c 'exit 0'
    second:
      stages:
        create: {wait-for: [{node: first, stage: healthy}, {node: task, stage: exit}]}
        create-links:
          exec:
            - {command: "sh -c 'ls /sys/class/net > /srv/before'"}
            - {command: "sh -c 'ls /sys/class/net > /srv/after'", phase: on-exit}
            - {command: "sh -c 'cp lab.clab.yml on-the-host'", target: host}
  links: [{endpoints: ["first:eth1", "second:eth1"]}]
"""
    with running(tmp_path, text) as lab:
        assert printed(lab, "first", "cat", "/srv/links-at-exec") == "lo"
        assert printed(lab, "second", "cat", "/srv/before") == "lo"
        assert printed(lab, "second", "cat", "/srv/after").split() == ["eth1", "lo"]
        assert (tmp_path / "on-the-host").exists()
        born = {name: Path(f"/proc/{node.pid}").stat().st_ctime for name, node in lab.nodes.items()}
        assert max(born["first"], born["task"]) < born["second"] <= time.time()


def test_an_unhealthy_node_ends_the_run_with_its_checks_words(tmp_path: Path) -> None:
    with small_lab(tmp_path, "sick") as lab:
        lab.write(
            """\
topology:
  defaults: {kind: linux, image: linux}
  nodes:
    sick: {healthcheck: {test: [CMD, cat, /nowhere], interval: 1, retries: 2}}
    other: {stages: {create: {wait-for: [{node: sick, stage: healthy}]}}}
"""
        )
        done = lab.call("up")
        assert done.returncode == 1
        assert (
            "node sick is not healthy: cat /nowhere: exit code 1: cat: /nowhere: No such file" in done.stderr
        )
        assert lab.remains() == []


def test_a_lab_with_relative_paths_and_another_working_directory_is_the_same(tmp_path: Path) -> None:
    with small_lab(tmp_path / "deep" / "folder", "relative") as lab:
        lab.folder.mkdir(parents=True)
        (lab.folder.parent / "outside").write_text("x\n")
        lab.write(
            "topology:\n  nodes: {a: {kind: linux, image: alpine, binds: ['../outside:/srv/x']}}\n",
            "checks: [{command: {at: a, run: cat /srv/x, contains: x}}]\n",
        )
        relative = SmallLab(Path(os.path.relpath(lab.folder, Path.cwd())), lab.name)
        done = relative.call("run")
        assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "1 passed, 0 failed"), done.stderr
