"""`bgpnet routers diff` against what an operator has of a running router: her own parts around ours, another layout.

Each text is one that the router's own program takes, so what `diff` reads is what a router may run.
"""

import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from bgpnet.cli import main
from bgpnet.drivers.routers import frr, run
from bgpnet.drivers.routers.check import ask
from bgpnet.model.router import System
from bgpnet.render.routers.systems import TABLES
from tests.generated import EXAMPLES

pytestmark = pytest.mark.lab

PASSWORD = "hush.4711"


def bird(ours: str) -> str:
    """Ours with tabs, remarks in every line, `ipv4` on one, and the blocks around in the operator's order."""
    ours = re.sub(r"^( +)", lambda found: "\t" * (len(found[1]) // 2), ours, flags=re.MULTILINE)
    ours = re.sub(r"([;{,])$", r"\1  # agreed on with Joe [2024], don't touch }", ours, flags=re.MULTILINE)
    ours = re.sub(r"^router id .*\n", "", ours, flags=re.MULTILINE)
    return f"""/* tor2, rack 7
   owner: network team {{ */
log syslog all;
include "/dev/null";
protocol device {{}}
define UPLINK = 65000;
function tame() {{ if net ~ [ 10.0.0.0/8+, 172.16.0.0/12{{12,32}} ] then {{ return true; }} return false; }}
filter up {{ if tame() then {{ bgp_path.prepend(UPLINK); accept; }} else reject; }}
{ours}
protocol kernel {{ merge paths on limit 32; ipv4 {{ export all; }}; }}
protocol bgp uplink {{ local as 65002; neighbor 10.1.1.0 as UPLINK; password "uplink hush";
  ipv4 {{ import all; export filter up; }}; }}
router id 10.0.2.1;
"""


def openbgpd(ours: str) -> str:
    """Ours with its groups first in the file, and rules of the operator's above ours and between them."""
    ours = ours.replace("\t", "    ").replace('"k8s_tor2_out4" {\n', '"k8s_tor2_out4" { # what they get\n')
    ours = ours.replace("AS 65002\n", "")
    return f"""# tor2, rack 7 {{
uplink="10.1.1.0"
router-id 10.0.2.1
AS 65002
prefix-set mynets {{ 192.0.2.0/24, 198.51.100.0/24 }}
network prefix-set mynets
group "up" {{
	remote-as 65000
	neighbor $uplink {{
		descr "spine {{1}}"
		tcp md5sig password uplinkhush
	}}
}}
deny from any
allow from ebgp prefix 198.18.0.0/15 prefixlen >= 24
{ours}
match to group "up" set community delete 64512:*
allow to group "up" prefix-set mynets
"""


def gobgp(ours: str) -> str:
    """Ours with neighbours on top, keys of tables in another order, and the operator's policies in our lists."""
    parts = re.split(r"(?m)^(?=\n?# Node/|\[\[neighbors\]\])", ours)
    neighbors = [part for part in parts if "[[neighbors]]" in part]
    rest = "".join(part for part in parts if "[[neighbors]]" not in part)
    rest = rest.replace("import-policy-list = [", 'import-policy-list = [\n  "UP",  # ours first\n  ')
    rest = rest.replace("export-policy-list = [", 'export-policy-list = ["UP", ')
    told = "".join(neighbors) + rest
    told = re.sub(r"(?m)^(neighbor-address .*)\n(peer-group .*)\n", r"\2\n\1\n", told)
    told = re.sub(r"(?m)^(peer-group-name .*)\n(peer-as .*)\n(auth-password .*)\n", r"\3\n\2\n\1\n", told)
    return f"""# tor2, rack 7
{told}
[[policy-definitions]]
name = "UP"
[[policy-definitions.statements]]
name = "UP"
[policy-definitions.statements.conditions.match-neighbor-set]
neighbor-set = "UP"
[policy-definitions.statements.actions]
route-disposition = "accept-route"
[[defined-sets.neighbor-sets]]
neighbor-set-name = "UP"
neighbor-info-list = ["10.1.1.0"]
[[neighbors]]
[neighbors.config]
auth-password = "uplink hush"
neighbor-address = "10.1.1.0"
peer-as = 65000
"""


def frr_running(ours: str) -> str:
    """What a bgpd shows that was given the operator's part, then ours."""
    bgpd, vtysh = run.found("/usr/lib/frr/bgpd"), run.found("vtysh")
    assert bgpd is not None
    assert vtysh is not None
    own = """hostname tor2
ip prefix-list OWN seq 5 permit 192.0.2.0/24
route-map UP permit 10
 match ip address prefix-list OWN
exit
router bgp 65002
 neighbor SPINES peer-group
 neighbor SPINES remote-as 65000
 neighbor SPINES password uplinkhush
 neighbor 10.1.1.0 peer-group SPINES
 neighbor 10.1.1.0 description the spine, K8S goes over it
 address-family ipv4 unicast
  network 192.0.2.0/24
  neighbor SPINES activate
  neighbor SPINES route-map UP out
 exit-address-family
exit
"""
    with tempfile.TemporaryDirectory() as name, frr.scratch(bgpd, folder := Path(name)) as socket:
        ask_ = [vtysh, "--vty_socket", str(socket)]
        for number, text in enumerate((own, ours)):
            file = folder / f"{number}.conf"
            file.write_text(text)
            run.run([*ask_, "-f", str(file)])
        return run.run([*ask_, "-c", "show running-config"])[1]


OPERATORS: Mapping[System, Callable[[str], str]] = {
    System.FRR: frr_running,
    System.BIRD: bird,
    System.OPENBGPD: openbgpd,
    System.GOBGP: gobgp,
}
SYSTEMS = sorted(OPERATORS)


def example(system: System) -> str:
    """tor2, each node a neighbour, with a real password."""
    text = (EXAMPLES / system / f"tor2.{TABLES[system].suffix}").read_text()
    return text.replace("${BGP_SECRET_K8S_TOR2}", PASSWORD)


def diff(manifests: Path, system: System, running: Path, *more: str) -> int:
    return main(
        [
            "routers",
            "diff",
            str(manifests),
            "--router",
            "tor2",
            "--type",
            system,
            "--running",
            str(running),
            *more,
        ]
    )


def other_manifests(folder: Path, old: str, new: str) -> Path:
    """The examples, with something else in the fabric."""
    manifests = shutil.copytree(EXAMPLES / "manifests", folder / "manifests")
    fabric = manifests / "fabric.yaml"
    fabric.write_text(fabric.read_text().replace(old, new))
    return manifests


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Mapping[System, Path]:
    """A file of what each router runs."""
    folder = tmp_path_factory.mktemp("running")
    files = {system: folder / f"{system}.txt" for system in SYSTEMS}
    for system, file in files.items():
        file.write_text(OPERATORS[system](example(system)))
    return files


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_router_s_program_takes_what_the_operator_has(
    system: System, running: Mapping[System, Path]
) -> None:
    assert ask(system, running[system].read_text()).findings == ()


@pytest.mark.parametrize("system", SYSTEMS)
def test_what_runs_unchanged_has_no_difference(
    system: System, running: Mapping[System, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert diff(EXAMPLES / "manifests", system, running[system]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("system", SYSTEMS)
def test_of_a_node_with_another_address_its_own_lines_differ_and_no_other(
    system: System, running: Mapping[System, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifests = other_manifests(tmp_path, "10.0.2.12}", "10.0.2.77}")
    assert diff(manifests, system, running[system]) == 1
    said = capsys.readouterr().out
    changed = [line for line in said.splitlines()[2:] if line.startswith(("+", "-"))]
    assert {line[0] for line in changed} == {"+", "-"}
    under = ""
    for line in said.splitlines()[2:]:
        under = line if line.startswith("@@") else under
        if line.startswith(("+", "-")):
            assert re.search(r"10[._]0[._]2[._](12|77)", under + line), said
    assert "hush" not in said


@pytest.mark.parametrize("system", SYSTEMS)
def test_what_is_not_ours_is_never_taken_away_when_nothing_of_ours_is_wanted_as_it_is(
    system: System, running: Mapping[System, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All names are others': all of ours goes and comes, and nothing else goes."""
    manifests = other_manifests(tmp_path, "metadata: {name: tor2}", "metadata: {name: other}")
    assert diff(manifests, system, running[system]) == 1
    said, complained = capsys.readouterr()
    assert re.search(r"(?i)^\+.*k8s_other", said, re.MULTILINE)
    assert not re.search(r"(?i)uplink|spine|10\.1\.1\.0|mynets|\bUP\b|hush|^-.*router.id", said, re.MULTILINE)
    assert complained.startswith("bgpnet: not looked into: include") == (system is System.BIRD)


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it is empty"),
        ('[{"state": {"neighbor_address": "10.0.2.11"}}]\n', "is no running configuration"),
        ("Neighbor        V         AS   MsgRcvd\n10.0.2.11 4 64512 12\n", "is no running configuration"),
        (
            "bgpctl: connect: /run/openbgpd/bgpd.sock.0: No such file or directory\n",
            "no running configuration",
        ),
        ("Unable to connect to server control socket (/run/bird/bird.ctl)\n", "no running configuration"),
        (
            "% Can't open configuration file /etc/frr/vtysh.conf\nBuilding configuration...\n",
            "no running configur",
        ),
    ],
)
def test_what_other_commands_show_is_said_to_be_none(
    system: System, text: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "saved"
    file.write_text(text)
    assert diff(EXAMPLES / "manifests", system, file) == 2
    said = capsys.readouterr().err
    assert words in said
    assert f"save what `{TABLES[system].running.show}` shows" in said
    assert "begins with ''" not in said
    assert len(said.splitlines()) == 1


def test_what_bgpd_prints_of_its_file_is_not_the_file(
    running: Mapping[System, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It writes groups out, neighbour by neighbour, and leaves passwords away."""
    bgpd = run.found("bgpd", "/usr/sbin/bgpd")
    assert bgpd is not None
    file, printed = tmp_path / "bgpd.conf", tmp_path / "printed"
    file.touch(0o600)
    file.write_text(running[System.OPENBGPD].read_text())
    printed.write_text(run.run([bgpd, "-nv", "-f", str(file)])[1])
    assert diff(EXAMPLES / "manifests", System.OPENBGPD, printed) == 2
    assert "what OpenBGPD makes of a configuration" in capsys.readouterr().err


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_a_policy_that_frr_s_profile_does_not_ask_for_is_missed(
    running: Mapping[System, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """RFC 8212: a default of the profile `traditional`, not shown there; of `datacenter` it is none."""
    bgpd, vtysh = run.found("/usr/lib/frr/bgpd"), run.found("vtysh")
    assert bgpd is not None
    assert vtysh is not None
    saved = tmp_path / "saved"
    for line, wanted in (("", 0), (" no bgp ebgp-requires-policy\n", 1)):
        text = (
            running[System.FRR].read_text().replace("frr defaults traditional\n", "frr defaults datacenter\n")
        )
        text = text.replace(
            "router bgp 65002\n", f"router bgp 65002\n{line or ' bgp ebgp-requires-policy'}\n"
        )
        (tmp_path / "given.conf").write_text(text)
        with frr.scratch(bgpd, _made(tmp_path / str(wanted)), profile="datacenter") as socket:
            ask_ = [vtysh, "--vty_socket", str(socket)]
            run.run([*ask_, "-f", str(tmp_path / "given.conf")])
            saved.write_text(run.run([*ask_, "-c", "show running-config"])[1])
        assert "frr defaults datacenter" in saved.read_text()
        assert "no bgp ebgp-requires-policy" not in saved.read_text()
        assert diff(EXAMPLES / "manifests", System.FRR, saved) == wanted
        assert ("+bgp ebgp-requires-policy" in capsys.readouterr().out) == bool(wanted)


@pytest.mark.parametrize(
    ("system", "text"),
    [
        (System.BIRD, 'log stderr all;\nprotocol device { }\ninclude "sub/ours.conf";\n'),
        (System.OPENBGPD, 'include "sub/ours.conf"\nnetwork 192.0.2.0/24\n'),
    ],
)
def test_a_file_that_includes_ours_is_checked_from_where_it_stands(
    system: System, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, ours = tmp_path / "whole.conf", tmp_path / "sub" / "ours.conf"
    ours.parent.mkdir()
    ours.touch(0o600)
    ours.write_text(example(system))
    whole.write_text(text)
    assert main(["routers", "check", "--type", system, str(whole)]) == 0
    assert f'include "{ours}", by the rules of bgpnet' in capsys.readouterr().out
    ours.write_text(example(system).replace("passive", "passiv"))
    assert main(["routers", "check", "--type", system, str(whole)]) == 1


def test_what_frr_s_other_daemons_run_is_no_fault(tmp_path: Path, running: Mapping[System, Path]) -> None:
    """As `show running-config` of all of them says it, with its heading."""
    saved = tmp_path / "saved"
    more = (
        "no ip forwarding\nip route 198.51.100.0/24 blackhole\ninterface lo\n ip address 192.0.2.1/32\nexit\n"
    )
    more += "router ospf\n ospf router-id 192.0.2.1\nexit\nip nht resolve-via-default\n"
    saved.write_text(running[System.FRR].read_text().replace("hostname tor2\n", f"hostname tor2\n{more}"))
    assert main(["routers", "check", "--type", "frr", str(saved)]) == 0
