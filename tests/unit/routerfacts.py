"""Routers for tests: two ToRs, three nodes, as in docs/examples/routers."""

from dataclasses import replace
from ipaddress import ip_network

from bgpnet.model.declared import Declared, DeclaredPeer, LabelRequirement, Selector
from bgpnet.model.router import DeclaredRouter, System
from bgpnet.model.routerconfig import RouterConfig
from bgpnet.planner.routergroup import Wishes
from bgpnet.planner.routers import RouterConfigs, router_configs
from tests.unit.facts import accept, configuration, node, peer, pool

ROUTER = DeclaredRouter("tor1", System.FRR, version="5.16", node_subnet=ip_network("10.0.1.0/24"))


def tor(number: int = 1, **changes: object) -> DeclaredPeer:
    """BGPPeer tor1 or tor2; `changes` of its router."""
    subnet = ip_network(f"10.0.{number}.0/24")
    wanted = {"name": f"tor{number}", "node_subnet": subnet, **changes}
    router = replace(ROUTER, **wanted)  # type: ignore[arg-type]
    told = peer(f"tor{number}", f"10.0.{number}.1", 65000 + number, (accept("192.0.2.0/24"),))
    return replace(told, router=router)


def labelled(**labels: str) -> Selector:
    """Of nodes with these labels."""
    return Selector(tuple(LabelRequirement(key, "In", (value,)) for key, value in labels.items()))


NODES = tuple(
    node(f"n{n}", f"10.244.{n}.0/26", addresses=(f"10.0.1.{10 + n}", f"10.0.2.{10 + n}")) for n in (1, 2, 3)
)


def fabric(*peers: DeclaredPeer, **changes: object) -> Declared:
    """One rack."""
    told = Declared(
        configuration(), NODES, (pool("pods", "10.244.0.0/16"),), peers or (tor(1), tor(2)), (), ()
    )
    return replace(told, **changes)  # type: ignore[arg-type]


def planned(*peers: DeclaredPeer, wishes: Wishes | None = None, **changes: object) -> RouterConfigs:
    """What the planner makes of it."""
    return router_configs(fabric(*peers, **changes), wishes or Wishes())


def one(*peers: DeclaredPeer, wishes: Wishes | None = None, **changes: object) -> RouterConfig:
    """The one router that comes of it, with nothing refused."""
    told = planned(*(peers or (tor(),)), wishes=wishes, **changes)
    assert told.rejections == ()
    (config,) = told.routers
    return config
