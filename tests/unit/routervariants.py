"""Every way in which objects can ask for a router, as texts of one system."""

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address, ip_network
from itertools import product

from bgpnet.model.bfd import BfdTimers
from bgpnet.model.declared import Changes, DeclaredFilter, FilterRule
from bgpnet.model.net import Family
from bgpnet.model.rejection import ObjectRef
from bgpnet.model.router import DefaultWhen, Neighbors, RestartRole, System
from bgpnet.model.secret import Secret
from bgpnet.planner.routergroup import Wishes
from bgpnet.render.routers.rendered import rendered
from bgpnet.render.routers.systems import TABLES
from bgpnet.render.routers.table import Ability
from tests.unit.facts import accept, address, configuration, node, pool
from tests.unit.routerfacts import planned, tor

NODES = tuple(
    node(
        f"n{n}",
        f"10.244.{n}.0/26",
        f"fd00:10:0:{n}::/64",
        addresses=(f"10.0.1.{10 + n}", f"fd00:1::{10 + n}"),
    )
    for n in (1, 2, 3)
)
POOLS = (pool("pods", "10.244.0.0/16"), pool("pods6", "fd00:10::/32"))
ACCEPTS = (
    (),
    (accept("0.0.0.0/0"), accept("::/0")),
    (
        accept("192.0.2.0/24"),
        accept("10.244.0.0/16", 26),
        accept("fd00:10::/32", 64),
        accept("2001:db8::/32"),
    ),
)


def variants(system: System, version: str = "5.16") -> Iterator[str]:
    """A fifth of them, every value of each in it; revealed passwords in half. Those that can be expressed."""
    ways = product(Neighbors, DefaultWhen, RestartRole, (False, True), ACCEPTS)
    for number, (neighbors, when, role, guarded, accepts) in enumerate(list(ways)[::5]):
        v4 = tor(
            system=system,
            version=version,
            neighbors=neighbors,
            default_when=when,
            tracked=(ip_network("198.51.100.0/24"), ip_network("2001:db8:1::/48")),
            restart_role=role,
            aggregates=(ip_network("10.244.0.0/16"), ip_network("fd00:10::/32")) if number % 2 else (),
        )
        both = (Family.IPV4, Family.IPV6)
        password = Secret("S3cret.key") if guarded else None
        timers = (
            BfdTimers(300 if number % 3 else 150, 3)
            if number % 2 and Ability.BFD not in TABLES[system].cannot
            else None
        )
        exported = DeclaredFilter(
            ObjectRef("BGPFilter", "out"),
            (),
            (FilterRule((), (), accept=True, changes=Changes(prepend=number % 4)),),
        )
        v4 = replace(v4, export_filters=("out",))
        v4 = replace(v4, accept=accepts, ttl_security=int(guarded), password=password, bfd=timers)
        assert v4.router is not None
        v6 = replace(
            v4,
            ref=replace(v4.ref, name="tor1-v6"),
            peer_address=address("fd00:1::1"),
            families=(Family.IPV6,),
            router=replace(v4.router, node_subnet=ip_network("fd00:1::/64")),
        )
        peers = (replace(v4, families=both),) if number % 3 == 0 else (v4, v6)
        v6 = replace(
            v6, router=replace(v6.router, router_id=IPv4Address("10.255.0.1")) if v6.router else None
        )
        if number % 7 == 0:
            peers = (replace(v6, families=both),)
        if number % 5 == 0 and Ability.UNNUMBERED not in TABLES[system].cannot:
            links = replace(
                v4.router,
                router_id=IPv4Address("10.255.0.1"),
                node_subnet=None,
                neighbors=None,
                interfaces=("swp1", "swp2"),
            )
            peers = (replace(v4, peer_address=None, interfaces=("eth1",), families=both, router=links),)
        told = planned(
            *peers,
            nodes=NODES,
            filters=(exported,),
            pools=POOLS,
            configuration=replace(
                configuration(), communities=((64512, 7), (64512, 1, 2)) if number % 2 else ()
            ),
            wishes=Wishes(reveal=number % 2 == 0),
        )
        assert told.rejections == ()
        made = rendered(told.routers[0])
        assert bool(made.configuration) is not bool(made.rejections)
        if made.configuration:
            yield made.configuration
