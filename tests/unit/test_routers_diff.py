"""A running configuration against the generated one: what is ours and only that."""

import re

import pytest

from bgpnet.model.errors import UsageError
from bgpnet.model.router import Neighbors, System
from bgpnet.render.routers.diff import compared
from bgpnet.render.routers.difftext import commands, unified
from bgpnet.render.routers.rendered import rendered
from bgpnet.render.routers.systems import TABLES
from tests.unit.routerfacts import one, tor

SYSTEMS = sorted(TABLES)
WITH_COMMANDS = [system for system in SYSTEMS if TABLES[system].running.no]

FOREIGN = {
    System.FRR: "hostname tor1\nrouter bgp 65001\n neighbor 10.1.1.0 remote-as 65000\n neighbor 10.1.1.0 password hush\n",
    System.BIRD: 'protocol bgp uplink {\n  neighbor 10.1.1.0 as 65000;\n  password "hush";\n}\n',
    System.OPENBGPD: 'neighbor 10.1.1.0 {\n\tremote-as 65000\n\ttcp md5sig password "hush"\n}\n',
    System.EOS: "hostname tor1\nrouter bgp 65001\n   neighbor 10.1.1.0 remote-as 65000\n   neighbor 10.1.1.0 password 7 hush\n",
    System.NXOS: "hostname tor1\nrouter bgp 65001\n  neighbor 10.1.1.0\n    remote-as 65000\n    password 3 hush\n",
    System.JUNOS: "set system host-name tor1\nset protocols bgp group UP neighbor 10.1.1.0 peer-as 65000\nset protocols bgp group UP authentication-key hush\n",
    System.NVUE: "nv set system hostname tor1\nnv set vrf default router bgp neighbor 10.1.1.0 remote-as 65000\nnv set vrf default router bgp neighbor 10.1.1.0 password hush\n",
    System.GOBGP: "[global.zebra.config]\nenabled = true\n",
}


def told(system: System, running: str) -> str:
    config, table = one(tor(system=system)), TABLES[system]
    return unified(compared(config, table, rendered(config).configuration, running))


@pytest.mark.parametrize("system", SYSTEMS)
def test_what_was_rendered_has_no_difference_and_foreign_lines_are_none(system: System) -> None:
    text = rendered(one(tor(system=system))).configuration
    assert told(system, text) == ""
    assert told(system, FOREIGN[system] + text) == ""


@pytest.mark.parametrize("system", SYSTEMS)
def test_of_a_router_without_us_everything_is_added_and_nothing_removed(system: System) -> None:
    lines = told(system, FOREIGN[system]).splitlines()
    assert lines[0].startswith("--- tor1")
    assert not [line for line in lines[1:] if line.startswith("-")]
    assert [line for line in lines if line.startswith("+")]
    assert "hush" not in "\n".join(lines)


@pytest.mark.parametrize("system", SYSTEMS)
def test_what_is_ours_and_no_longer_wanted_goes_and_nothing_else(system: System) -> None:
    text = rendered(one(tor(system=system))).configuration
    old = re.sub(r"(?i)K8S_TOR1", lambda found: "k8s_old" if found[0].islower() else "K8S_OLD", text)
    if system is System.GOBGP:  # of its one list of policies, and of its AS, there is one in a file
        old = old[old.index("[[defined-sets.neighbor-sets]]") :]
    lines = told(system, FOREIGN[system] + text + old).splitlines()
    removed = [line for line in lines[1:] if line.startswith("-")]
    assert removed
    assert not [line for line in lines[2:] if line.startswith("+")]
    assert not [line for line in lines if "10.1.1.0" in line or "hush" in line]


@pytest.mark.parametrize("system", SYSTEMS)
def test_lines_that_end_sessions_are_named(system: System) -> None:
    text = rendered(one(tor(system=system))).configuration
    other = text.replace("64512", "64513")
    assert "! resets: " in told(system, other)
    assert "another AS number ends the sessions" in told(system, other)


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize(
    "running",
    [
        "",
        "\n\n",
        "# only a comment\n",
        "hello world\n",
        "% Invalid input detected\n",
        "}\n",
        "\0\1",
        "<html>",
    ],
)
def test_what_is_no_running_configuration_is_said_to_be_none(system: System, running: str) -> None:
    with pytest.raises(UsageError, match=r"running configuration.*; save what `"):
        told(system, running)


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("other", SYSTEMS)
def test_what_another_system_runs_is_no_running_configuration_of_this_one(
    system: System, other: System
) -> None:
    text = rendered(one(tor(system=other, neighbors=Neighbors.EACH))).configuration
    if system is not other:
        with pytest.raises(UsageError, match=r"running configuration of.*; save what `"):
            told(system, text)


@pytest.mark.parametrize("system", [system for system in SYSTEMS if TABLES[system].running.identity])
def test_the_configuration_of_another_router_is_told_from_ours(system: System) -> None:
    text = rendered(one(tor(system=system))).configuration.replace("65001", "65009")
    with pytest.raises(UsageError, match="another router: AS 65009, and tor1 has AS 65001"):
        told(system, text)


@pytest.mark.parametrize("system", WITH_COMMANDS)
def test_commands_add_first_and_remove_last(system: System) -> None:
    config, table = one(tor(system=system)), TABLES[system]
    made = rendered(config)
    old = re.sub(r"K8S_TOR1", "K8S_OLD", made.configuration)
    diff = compared(config, table, made.configuration, FOREIGN[system] + old)
    text = commands(diff.changes, table.running, table.grammar.language, table.comment)
    assert text.index("K8S_TOR1", text.index("\n")) < text.rindex("K8S_OLD")
    last = text[text.rindex("K8S_TOR1") :]
    assert table.running.no.strip() in last


def test_the_bird_filter_whose_statements_stand_in_another_order_differs() -> None:
    text = rendered(one(tor(system=System.BIRD))).configuration
    swapped = re.sub(r"(  if bgp_path.*?;\n)(.*?)(  accept;\n)", r"\3\2\1", text, count=1, flags=re.DOTALL)
    assert swapped != text
    assert "the order of its statements" in told(System.BIRD, swapped)


def test_rules_of_openbgpd_in_another_order_differ_as_the_last_one_decides() -> None:
    text = rendered(one(tor(system=System.OPENBGPD))).configuration
    swapped = re.sub(
        r"(deny from group \S+\n)(.*?)(deny from group \S+ AS)", r"\2\1\3", text, count=1, flags=re.DOTALL
    )
    assert swapped != text
    assert "the order of its statements" in told(System.OPENBGPD, swapped)


def test_statements_of_a_gobgp_policy_in_another_order_differ_as_the_first_one_decides() -> None:
    text = rendered(one(tor(system=System.GOBGP))).configuration
    one_, two = re.findall(r"\[\[policy-definitions.statements\]\]\n.*?accept-route\"\n", text, re.DOTALL)[:2]
    swapped = text.replace(one_ + two, two + one_)
    assert swapped != text
    assert "the order of its statements" in told(System.GOBGP, swapped)


def test_a_password_of_gobgp_is_shown_nowhere_whatever_stands_in_it() -> None:
    text = rendered(one(tor(system=System.GOBGP, neighbors=Neighbors.EACH))).configuration
    for password in ('"hush"', '"it\'s hush"', "'hush \"4\"'"):
        running = text.replace("peer-as = 64512\n", f"auth-password = {password}\npeer-as = 64512\n")
        assert "***" in told(System.GOBGP, running)
        assert "hush" not in told(System.GOBGP, running)
