"""The texts: goldens, what may never get into them, what a system cannot express."""

import re
from dataclasses import replace
from difflib import ndiff
from ipaddress import ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bgpnet.model.bfd import BfdTimers
from bgpnet.model.declared import DeclaredNode
from bgpnet.model.rejection import ObjectRef, Reason
from bgpnet.model.router import DefaultWhen, Neighbors, RestartRole, System
from bgpnet.model.secret import Secret
from bgpnet.planner.routergroup import Wishes
from bgpnet.render.routers.rendered import Rendered, header_of, rendered
from bgpnet.render.routers.systems import TABLES
from bgpnet.render.routers.table import Ability
from tests.generated import EXAMPLES, generated
from tests.unit.facts import accept, configuration, node
from tests.unit.routerfacts import NODES, one, tor

SYSTEMS = sorted(TABLES)


def text(system: System, *, neighbors: Neighbors = Neighbors.RANGE, **changes: object) -> Rendered:
    """The text of tor1."""
    return rendered(one(tor(system=system), wishes=Wishes(neighbors=neighbors), **changes))


def test_what_is_generated_is_current() -> None:
    stale = [str(path) for path, wanted in generated() if not path.exists() or path.read_text() != wanted]
    assert stale == [], "run: make generate"


def test_every_generated_example_is_one_of_a_system() -> None:
    known = {path for path, _ in generated()}
    there = {path for path in EXAMPLES.glob("*/*.*") if path.parent.name != "manifests"}
    assert there <= known


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_configuration_says_whose_it_is_and_what_caused_each_part(system: System) -> None:
    made = text(system)
    assert header_of(made.configuration) == ("tor1", system, "5.16")
    assert "BGPPeer/tor1" in made.configuration
    assert "IPPool/pods" in made.configuration
    assert made.rejections == ()


def test_frr_is_given_well_known_communities_by_the_names_that_it_compares() -> None:
    told = replace(configuration(), communities=((64512, 100), (65535, 65281), (65535, 65283)))
    made = text(System.FRR, configuration=told).configuration
    kept = re.findall(r"community-list expanded K8S_TOR1_OTHER seq \d+ deny (.*)", made)
    assert kept == ["^graceful-shutdown$", "^64512:100$", "^no-export$", "^local-AS$"]


@pytest.mark.parametrize("system", SYSTEMS)
def test_one_changed_node_changes_its_own_lines_and_with_a_range_none(system: System) -> None:
    moved = (
        replace(NODES[0], addresses=(NODES[0].addresses[0] + 50, NODES[0].addresses[1] + 50)),
        *NODES[1:],
    )
    assert text(system).configuration == text(system, nodes=moved).configuration
    before = text(system, neighbors=Neighbors.EACH).configuration.splitlines()
    after = text(system, neighbors=Neighbors.EACH, nodes=moved).configuration.splitlines()
    lines = set(before) ^ set(after)
    assert lines
    assert all(re.search(r"10[._]0[._]1[._](11|61)\b", line) for line in lines), lines


@pytest.mark.parametrize("system", SYSTEMS)
@given(
    st.lists(st.integers(2, 120), min_size=1, max_size=8, unique=True),
    st.integers(0, 7),
    st.integers(121, 250),
)
@settings(max_examples=15)
def test_whichever_node_of_however_many_is_changed_no_other_s_lines_are(
    system: System, hosts: list[int], changed: int, to: int
) -> None:
    changed %= len(hosts)

    def rack(at: int) -> tuple[DeclaredNode, ...]:
        every = [*hosts[:changed], at, *hosts[changed + 1 :]]
        return tuple(
            node(f"n{n}", f"10.244.{n}.0/26", addresses=(f"10.0.1.{host}",)) for n, host in enumerate(every)
        )

    before, after = rack(hosts[changed]), rack(to)
    assert text(system, nodes=before).configuration == text(system, nodes=after).configuration
    told = [
        text(system, neighbors=Neighbors.EACH, nodes=nodes).configuration.splitlines()
        for nodes in (before, after)
    ]
    own = re.compile(rf"10[._]0[._]1[._]({hosts[changed]}|{to})(?!\d)")
    assert all(own.search(line) for line in set(told[0]) ^ set(told[1]))
    assert set(told[0]) != set(told[1])


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_node_more_adds_lines_and_touches_no_other(system: System) -> None:
    more = (*NODES, node("n4", "10.244.4.0/26", addresses=("10.0.1.14",)))
    before = text(system, neighbors=Neighbors.EACH).configuration.splitlines()
    after = text(system, neighbors=Neighbors.EACH, nodes=more).configuration.splitlines()
    assert not [line for line in ndiff(before, after) if line.startswith("-")]
    assert text(system).configuration == text(system, nodes=more).configuration


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_secret_is_a_placeholder_unless_asked_for(system: System) -> None:
    locked = replace(tor(system=system, neighbors=Neighbors.EACH), password=Secret("s3cret-key"))
    hidden, shown = rendered(one(locked)), rendered(one(locked, wishes=Wishes(reveal=True)))
    assert "${BGP_SECRET_K8S_TOR1}" in hidden.configuration
    assert [each.verification.count("${BGP_SECRET_K8S_TOR1}") for each in (hidden, shown)] == [1, 0]
    assert (hidden.secret, shown.secret) == (False, True)
    assert "s3cret-key" in shown.configuration
    for each in (
        hidden.configuration,
        hidden.verification,
        hidden.rollback,
        shown.verification,
        repr(shown.notes),
    ):
        assert "s3cret-key" not in each


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize(
    "key", ['a"; protocol x', "a b", "a'b", "a#b", "a;b", "a\\nb", "a{b}", "ä", "a!b", "`id`", "x" * 81]
)
def test_a_password_that_could_end_its_place_is_refused(system: System, key: str) -> None:
    made = rendered(one(replace(tor(system=system), password=Secret(key)), wishes=Wishes(reveal=True)))
    assert made.configuration == ""
    assert "spec.passwordFile" in {rejection.field for rejection in made.rejections}
    assert key not in repr(made)


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("name", ['x"y', "a'b", "a\nrouter bgp 1", "a;b", "a#b"])
def test_no_name_can_inject_anything_even_past_the_reader(system: System, name: str) -> None:
    """The reader of objects refuses such names; the template's door does once more."""
    config = one(tor(system=system))
    group = replace(config.groups[0], cause=ObjectRef("BGPPeer", name))
    with pytest.raises(ValueError, match="no configuration takes"):
        rendered(replace(config, groups=(group,)))
    with pytest.raises(ValueError, match="no configuration takes"):
        rendered(replace(config, groups=(replace(config.groups[0], label=name + "'"),)))


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("asn", [0, 23456, 65535, 4294967295, 4294967296])
def test_an_as_number_that_a_system_cannot_take_is_refused(system: System, asn: int) -> None:
    config = one(tor(system=system))
    own = rendered(replace(config, asn=asn))
    nodes = rendered(replace(config, groups=(replace(config.groups[0], node_asn=asn),)))
    assert [(each.field, each.found) for each in own.rejections] == [("spec.peerASN", str(asn))]
    assert [(each.field, each.found) for each in nodes.rejections] == [("spec.localASN", str(asn))]
    assert own.rejections[0].reason is Reason.NOT_EXPRESSIBLE


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("when", DefaultWhen)
def test_a_default_route_is_expressed_or_refused(system: System, when: DefaultWhen) -> None:
    router = tor(system=system, default_when=when, tracked=(ip_network("198.51.100.0/24"),))
    made = rendered(one(replace(router, accept=(accept("0.0.0.0/0"),))))
    if when in TABLES[system].defaults:
        assert "0.0.0.0/0" in made.configuration or "default" in made.configuration
        assert when is not DefaultWhen.TRACKED or "198.51.100.0/24" in made.configuration
    else:
        assert [each.field for each in made.rejections] == ["spec.router.defaultRoute.when"]


@pytest.mark.parametrize("system", SYSTEMS)
def test_both_roles_of_graceful_restart_are_expressed_or_refused(system: System) -> None:
    helper, full = (rendered(one(tor(system=system, restart_role=role))) for role in RestartRole)
    if RestartRole.FULL in TABLES[system].roles:
        assert helper.configuration != full.configuration
    else:
        assert [each.field for each in full.rejections] == ["spec.router.gracefulRestart"]
    assert helper.rejections == ()


@pytest.mark.parametrize("system", SYSTEMS)
def test_an_aggregate_ends_on_the_router(system: System) -> None:
    made = rendered(
        one(
            replace(
                tor(system=system, aggregates=(ip_network("10.244.0.0/15"),)),
                accept=(accept("10.244.0.0/15"),),
            )
        )
    )
    assert "10.244.0.0/15" in made.configuration or made.rejections


@pytest.mark.parametrize("system", SYSTEMS)
def test_bfd_is_expressed_or_refused(system: System) -> None:
    made = rendered(one(replace(tor(system=system), bfd=BfdTimers(150, 5))))
    refused = [(str(each.object), each.field, each.found) for each in made.rejections]
    assert refused == ([("BGPPeer/tor1", "spec.bfd", "set")] if Ability.BFD in TABLES[system].cannot else [])
    assert made.rejections or "bfd" in made.configuration
    plain = rendered(one(tor(system=system)))
    assert not re.search(r"bfd", re.sub(r"^[#!].*", "", plain.configuration, flags=re.MULTILINE))


@pytest.mark.parametrize("system", SYSTEMS)
def test_what_a_system_cannot_do_is_said_in_the_text(system: System) -> None:
    made = text(system)
    for note in made.notes:
        assert f"{TABLES[system].comment} {note}" in made.configuration.splitlines()
        assert f"- {note}" in made.verification.splitlines()


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_verification_names_sessions_prefixes_and_commands(system: System) -> None:
    page = text(system).verification
    for part in (
        "3 sessions Established: 10.0.1.11, 10.0.1.12, 10.0.1.13",
        "/26 of 10.244.0.0/16",
        "192.0.2.0/24",
        "RFC 8326",
    ):
        assert part in page
    assert not re.search(r"\{[a-z]+\}", page), "a placeholder of a command was left"


def test_as_override_of_gobgp_stands_in_each_neighbour_and_is_refused_for_a_range() -> None:
    asked = (accept("10.244.0.0/16", 26),)
    ranged = rendered(one(replace(tor(system=System.GOBGP), accept=asked)))
    assert [each.field for each in ranged.rejections] == ["spec.accept"]
    assert "name neighbours each" in ranged.rejections[0].remedy
    each = rendered(one(replace(tor(system=System.GOBGP, neighbors=Neighbors.EACH), accept=asked)))
    assert each.rejections == ()
    assert each.configuration.count("replace-peer-as = true") == each.configuration.count("[[neighbors]]")


def test_openbgpd_s_rule_against_other_as_numbers_names_what_stands_there_after_as_override() -> None:
    plain, overridden = (
        rendered(one(replace(tor(system=System.OPENBGPD), accept=(accept(prefix, 26),)))).configuration
        for prefix in ("192.0.2.0/24", "10.244.0.0/16")
    )
    assert "AS != 64512 " in plain
    assert "AS != 65001 " in overridden
    assert "AS != 64512 " not in overridden
