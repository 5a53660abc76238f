"""Which way packets to a next hop go."""

from dataclasses import replace

import pytest

from bgpnet.model.bgp import Speaker
from bgpnet.model.declared import Declared
from bgpnet.model.kernel import Kernel, KernelRoute
from bgpnet.model.net import Family
from bgpnet.model.rejection import Reason
from bgpnet.model.snapshot import Snapshot
from bgpnet.planner import make_plan
from bgpnet.planner.nexthops import Resolver
from tests.unit import facts

STATIC = 4


def route(cidr: str, *hops: tuple[str, str], metric: int = 0) -> KernelRoute:
    return facts.kernel_route(cidr, *hops, protocol=STATIC, metric=metric)


ROUTES = (
    route("0.0.0.0/0", ("10.0.2.1", "eth2")),
    route("10.0.9.0/24", ("10.0.1.1", "eth1"), ("10.0.2.1", "eth2")),
    route("10.0.9.0/25", ("10.0.2.7", "eth2"), metric=50),
    route("10.0.9.0/25", ("10.0.1.7", "eth1"), metric=20),
    facts.kernel_route("10.0.9.1/32", ("10.0.1.9", "eth1")),  # ours
)


@pytest.mark.parametrize(
    ("address", "ways"),
    [
        ("10.0.9.200", ["10.0.1.1 eth1", "10.0.2.1 eth2"]),
        ("10.0.9.1", ["10.0.1.7 eth1"]),
        ("192.0.2.1", ["10.0.2.1 eth2"]),
        ("2001:db8::1", []),
        ("fe80::1", []),
    ],
)
def test_the_longest_foreign_route_of_the_lowest_metric(address: str, ways: list[str]) -> None:
    found = Resolver(Kernel(facts.UPLINKS, ROUTES)).route_to(facts.address(address))
    assert [f"{hop.gateway} {hop.link}" for hop in found] == ways


Outcome = tuple[list[str], list[Reason]]


def learned(next_hop: str, *, internal: bool, **attributes: object) -> Outcome:
    """The kernel's way to what a peer on eth1 announced with this next hop, and why there is none."""
    asn = 64512 if internal else 65001
    peer = facts.peer("rr", "10.0.1.1", asn, (facts.accept("192.0.2.0/24"),))
    path = replace(
        facts.path("192.0.2.0/24", "10.0.1.1"), next_hop=facts.address(next_hop), internal=internal
    )
    path = replace(path, as_path=() if internal else (65001,), **attributes)  # type: ignore[arg-type]
    declared = Declared(facts.configuration(), (facts.node("n1", "10.244.1.0/26"),), (), (peer,))
    plan = make_plan(Snapshot("n1", declared, Kernel(facts.UPLINKS, ROUTES), Speaker((), (path,))))
    routes = [each for each in plan.routes or () if str(each.prefix) == "192.0.2.0/24"]
    hops = [f"{hop.gateway} {hop.link}" for each in routes for hop in each.next_hops]
    return hops, [each.reason for each in plan.rejections if each.object.kind == "Path"]


def external(next_hop: str) -> Outcome:
    return learned(next_hop, internal=False)


def internal(next_hop: str, **attributes: object) -> Outcome:
    return learned(next_hop, internal=True, **attributes)


def test_an_external_peers_next_hop_is_on_its_link() -> None:
    assert external("10.0.1.99") == (["10.0.1.99 eth1"], [])
    assert external("10.0.2.99") == ([], [Reason.UNREACHABLE_NEXT_HOP])
    assert external("10.0.9.1") == ([], [Reason.UNREACHABLE_NEXT_HOP])


def test_an_ipv4_next_hop_in_the_form_of_ipv6_is_told_as_what_it_is() -> None:
    """FRR and others send it over a session that has IPv4 addresses where the link has no IPv6 one."""
    path = replace(facts.path("2001:db8::/32", "10.0.1.1"), next_hop=facts.address("::ffff:10.0.1.1"))
    peer = replace(
        facts.peer("tor", "10.0.1.1", 65001, (facts.accept("2001:db8::/32"),)),
        families=(Family.IPV4, Family.IPV6),
    )
    declared = Declared(facts.configuration(), (facts.node("n1", "10.244.1.0/26"),), (), (peer,))
    plan = make_plan(Snapshot("n1", declared, Kernel(facts.UPLINKS, ROUTES), Speaker((), (path,))))
    (rejection,) = (each for each in plan.rejections if each.object.kind == "Path")
    assert rejection.reason is Reason.UNREACHABLE_NEXT_HOP
    assert "give the router one there" in rejection.remedy


def test_an_internal_peers_next_hop_is_looked_up() -> None:
    assert internal("10.0.1.99") == (["10.0.1.99 eth1"], [])
    assert internal("10.0.9.200") == (["10.0.1.1 eth1", "10.0.2.1 eth2"], [])
    assert internal("198.51.100.1") == (["10.0.2.1 eth2"], [])
    assert internal("2001:db8::1") == ([], [Reason.UNREACHABLE_NEXT_HOP])


def test_what_a_reflector_returns_of_our_own_is_refused() -> None:
    """RFC 4456 §8: ORIGINATOR_ID and CLUSTER_LIST; ExaBGP looks at neither."""
    own, other = facts.address("10.0.1.11"), facts.address("10.0.1.12")
    assert internal("10.0.1.99", originator=own) == ([], [Reason.REFLECTION_LOOP])
    assert internal("10.0.1.99", clusters=(other, own)) == ([], [Reason.REFLECTION_LOOP])
    assert internal("10.0.1.99", originator=other, clusters=(other,))[1] == []
