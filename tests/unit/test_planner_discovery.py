"""The routers that one BGPPeer means: an address, the default gateways, whoever is at the end of a link."""

from dataclasses import replace

import pytest

from bgpnet.model.bgp import ObservedSession, SessionState, Speaker
from bgpnet.model.declared import Declared, DeclaredPeer
from bgpnet.model.kernel import HeardRouter, Kernel, KernelRoute, RouteKind
from bgpnet.model.net import Family, on_link
from bgpnet.model.rejection import Reason
from bgpnet.planner.host import sysctls
from bgpnet.planner.peers import advertised_links, sessions
from tests.unit import facts

NODE = facts.node("n1", "10.244.1.0/26")
STATIC, RA = 4, 9
UNNUMBERED = (
    facts.link(1, "lo", "127.0.0.1/8", "10.0.1.11/32"),
    facts.link(2, "eth1", "fe80::a1/64"),
    facts.link(3, "eth2", "fe80::a2/64"),
    facts.link(4, "bgp0123456789ab", "fe80::a3/64"),
)


def judged(
    peer: DeclaredPeer, kernel: Kernel, *spoken_with: str
) -> tuple[list[tuple[str, str, str]], list[tuple[str, str, str]]]:
    """Peer, link and our address of each session; field, found and reason of each refusal."""
    seen = tuple(
        ObservedSession(facts.address(each), SessionState.CONNECT, 0, "", 0, (), end_of_rib_sent=False)
        for each in spoken_with
    )
    declared = Declared(facts.configuration(), (NODE,), (), (peer,))
    made, refused = sessions(NODE, declared, kernel, Speaker(seen, ()))
    return [(str(each.peer), each.link, str(each.local_address)) for each in made or ()], [
        (each.field, each.found, each.reason) for each in refused
    ]


def gateways(*families: Family) -> DeclaredPeer:
    return replace(
        facts.peer("gw", "10.0.1.1"), peer_address=None, families=(), gateways=families or tuple(Family)
    )


def interfaces(*names: str) -> DeclaredPeer:
    return replace(facts.peer("tors", "10.0.1.1"), peer_address=None, families=(), interfaces=names)


def default(gateway: str, link: str, protocol: int = STATIC) -> KernelRoute:
    everything = "0.0.0.0/0" if "." in gateway else "::/0"
    return facts.kernel_route(everything, (gateway, link), protocol=protocol, metric=100)


def heard(link: str, address: str) -> HeardRouter:
    return HeardRouter(link, facts.address(address))


# --- default gateways ------------------------------------------------------------------------------------


def test_every_gateway_of_a_multi_homed_node_is_a_peer() -> None:
    kernel = Kernel(facts.UPLINKS, (default("10.0.1.1", "eth1"), default("10.0.2.1", "eth2")))
    assert judged(gateways(), kernel) == (
        [("10.0.1.1", "eth1", "10.0.1.11"), ("10.0.2.1", "eth2", "10.0.2.11")],
        [],
    )


def test_gateways_of_both_families() -> None:
    kernel = Kernel(facts.UPLINKS, (default("10.0.1.1", "eth1"), default("fd00:1::1", "eth1")))
    assert [peer for peer, _, _ in judged(gateways(), kernel)[0]] == ["10.0.1.1", "fd00:1::1"]
    assert [peer for peer, _, _ in judged(gateways(Family.IPV6), kernel)[0]] == ["fd00:1::1"]


def test_of_one_gateway_on_two_links_the_cheaper_way() -> None:
    links = (*facts.UPLINKS, facts.link(9, "eth9", "10.0.1.12/24"))
    twice = [default("10.0.1.1", "eth1"), replace(default("10.0.1.1", "eth9"), metric=50)]
    for routes in (twice, twice[::-1]):
        assert judged(gateways(), Kernel(links, tuple(routes)))[0] == [("10.0.1.1", "eth9", "10.0.1.12")]


def test_a_gateway_that_bgp_taught_is_none() -> None:
    ours = facts.kernel_route("0.0.0.0/0", ("10.0.1.1", "eth1"))
    assert judged(gateways(), Kernel(facts.UPLINKS, (ours,))) == (
        [],
        [("spec.fromDefaultGateway", "", Reason.NO_GATEWAY)],
    )


def test_a_link_local_gateway_is_a_peer_on_its_link() -> None:
    links = (facts.link(2, "eth1", "fe80::a1/64", "10.0.1.11/24"),)
    kernel = Kernel(links, (default("fe80::1", "eth1", RA),))
    assert judged(gateways(), kernel) == ([("fe80::1%eth1", "eth1", "fe80::a1")], [])


def test_a_gateway_outside_the_links_subnet_is_a_peer_too() -> None:
    links = (facts.link(2, "eth1", "192.0.2.7/32"),)
    kernel = Kernel(links, (default("10.9.9.1", "eth1"),))
    assert judged(gateways(), kernel) == ([("10.9.9.1", "eth1", "192.0.2.7")], [])


def test_two_ways_of_one_route_are_two_peers() -> None:
    both = facts.kernel_route(
        "0.0.0.0/0", ("10.0.1.1", "eth1"), ("10.0.2.1", "eth2"), protocol=STATIC, metric=0
    )
    assert len(judged(gateways(), Kernel(facts.UPLINKS, (both,)))[0]) == 2


# --- links without addresses -----------------------------------------------------------------------------


def test_the_router_at_the_other_end_of_each_link() -> None:
    kernel = Kernel(UNNUMBERED, (), (heard("eth1", "fe80::1"), heard("eth2", "fe80::1")))
    assert judged(interfaces("eth*"), kernel) == (
        [("fe80::1%eth1", "eth1", "fe80::a1"), ("fe80::1%eth2", "eth2", "fe80::a2")],
        [],
    )


def test_an_unnumbered_session_carries_both_families_with_ipv6_next_hops() -> None:
    kernel = Kernel(UNNUMBERED, (), (heard("eth1", "fe80::1"),))
    made, _ = sessions(NODE, Declared(facts.configuration(), (NODE,), (), (interfaces("eth1"),)), kernel)
    assert made is not None
    assert (set(made[0].families), made[0].extended_next_hop) == (set(Family), True)


def test_a_pattern_means_neither_the_loopback_nor_pods() -> None:
    kernel = Kernel(UNNUMBERED, (), tuple(heard(link.name, "fe80::1") for link in UNNUMBERED))
    assert [link for _, link, _ in judged(interfaces("*"), kernel)[0]] == ["eth1", "eth2"]


def test_an_interface_that_does_not_exist_yet() -> None:
    kernel = Kernel(UNNUMBERED, (), (heard("eth1", "fe80::1"),))
    assert judged(interfaces("eth1", "eth7", "swp*"), kernel) == (
        [("fe80::1%eth1", "eth1", "fe80::a1")],
        [
            ("spec.fromInterface", "eth7", Reason.NO_INTERFACE),
            ("spec.fromInterface", "swp*", Reason.NO_INTERFACE),
        ],
    )


def test_nobody_is_heard_yet() -> None:
    assert judged(interfaces("eth1"), Kernel(UNNUMBERED, ())) == (
        [],
        [("spec.fromInterface", "eth1", Reason.NO_NEIGHBOUR)],
    )


def test_a_link_that_is_down_has_no_address_to_speak_from() -> None:
    kernel = Kernel((facts.link(2, "eth1", carrier=False),), ())
    assert judged(interfaces("eth1"), kernel)[1] == [("spec.fromInterface", "eth1", Reason.NO_LINK_LOCAL)]


@pytest.mark.parametrize(
    ("spoken_with", "peers", "reasons"),
    [
        ((), [], [Reason.SEVERAL_NEIGHBOURS]),
        (("fe80::2%eth1",), ["fe80::2%eth1"], []),
        (("fe80::2%eth2",), [], [Reason.SEVERAL_NEIGHBOURS]),
        (("fe80::9%eth1",), [], [Reason.SEVERAL_NEIGHBOURS]),
    ],
)
def test_of_several_routers_the_one_that_was_there_first(
    spoken_with: tuple[str, ...], peers: list[str], reasons: list[Reason]
) -> None:
    kernel = Kernel(UNNUMBERED, (), (heard("eth1", "fe80::1"), heard("eth1", "fe80::2")))
    made, refused = judged(interfaces("eth1"), kernel, *spoken_with)
    assert [peer for peer, _, _ in made] == peers
    assert [reason for _, _, reason in refused] == reasons


def test_a_router_that_is_not_heard_for_a_while_stays_until_another_is() -> None:
    assert judged(interfaces("eth1"), Kernel(UNNUMBERED, ()), "fe80::1%eth1")[0] == [
        ("fe80::1%eth1", "eth1", "fe80::a1")
    ]
    another = Kernel(UNNUMBERED, (), (heard("eth1", "fe80::2"),))
    assert [peer for peer, _, _ in judged(interfaces("eth1"), another, "fe80::1%eth1")[0]] == ["fe80::2%eth1"]


def test_the_node_tells_of_itself_where_nobody_is_heard_too() -> None:
    declared = Declared(facts.configuration(), (NODE,), (), (interfaces("eth2", "eth7"), interfaces("eth1")))
    assert advertised_links(NODE, declared, Kernel(UNNUMBERED, ())) == ("eth1", "eth2")


# --- routers some hops away ------------------------------------------------------------------------------

LOOPBACK = facts.link(1, "lo", "127.0.0.1/8", "10.255.0.11/32")
FAR = Kernel((LOOPBACK, *facts.UPLINKS), (default("10.0.2.1", "eth2"),))


def far(at: str = "198.51.100.9", **changes: object) -> DeclaredPeer:
    return replace(facts.peer("far", at), **{"multihop": 3, **changes})  # type: ignore[arg-type]


def test_a_router_some_hops_away_is_reached_by_the_kernels_route() -> None:
    assert judged(far(), FAR) == ([("198.51.100.9", "eth2", "10.0.1.11")], [])


def test_a_router_behind_a_reflectors_as_is_one_of_ours() -> None:
    assert judged(far(multihop=0, peer_asn=64512), FAR)[0] == [("198.51.100.9", "eth2", "10.0.1.11")]


def test_a_router_some_hops_away_needs_to_be_asked_for() -> None:
    assert judged(far(multihop=0), FAR)[1] == [("spec.peerAddress", "198.51.100.9", Reason.NOT_CONNECTED)]
    assert judged(far(multihop=1), FAR)[1] == [("spec.peerAddress", "198.51.100.9", Reason.NOT_CONNECTED)]


def test_the_source_may_be_an_address_of_the_loopback() -> None:
    source = facts.address("10.255.0.11")
    assert judged(far(source_address=source), FAR)[0] == [("198.51.100.9", "eth2", "10.255.0.11")]
    assert judged(far("10.0.1.1", source_address=source), FAR)[0] == [("10.0.1.1", "eth1", "10.255.0.11")]


def test_no_route_leads_to_it_now_and_the_session_waits() -> None:
    assert judged(far(), Kernel(FAR.links, ()))[0] == [("198.51.100.9", "", "10.0.1.11")]
    declared = Declared(facts.configuration(), (NODE,), (), (far(),))
    made, _ = sessions(NODE, declared, Kernel(FAR.links, ()))
    assert not [each.path for each in sysctls((), made or ()) if "//" in each.path]


def test_a_link_whose_name_no_address_can_carry_harms_itself_alone() -> None:
    odd = facts.link(5, "a%b", "fe80::a5/64")
    kernel = Kernel((*UNNUMBERED, odd), (), (heard("eth1", "fe80::1"), heard("a%b", "fe80::1")))
    made, refused = judged(interfaces("*"), kernel)
    assert ("fe80::1%eth1", "eth1", "fe80::a1") in made
    assert on_link(facts.address("fe80::1"), "a%b") == facts.address("fe80::1")
    assert [found for _, found, _ in refused] == ["eth2"]


def test_a_blackhole_to_a_router_is_no_way() -> None:
    hole = KernelRoute(facts.prefix("198.51.100.0/24"), STATIC, 0, RouteKind.BLACKHOLE, ())
    assert judged(far(), Kernel(FAR.links, (hole,)))[0][0][1] == ""
