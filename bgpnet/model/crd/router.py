"""`spec.router` of a BGPPeer: the router at its other end, for the generator of router configurations."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from bgpnet.model.crd.fields import (
    Name,
    RouterId,
    UnicastAddress,
    each_once,
    refusal,
)
from bgpnet.model.crd.meta import OrEmpty, Strict
from bgpnet.model.crd.prefixfield import PrefixField
from bgpnet.model.net import default_prefix, family_of
from bgpnet.model.router import DeclaredRouter, DefaultWhen, Gateway, Neighbors, RestartRole, System

Version = Annotated[
    str, StringConstraints(pattern=r"^[0-9]{1,4}(\.[0-9A-Za-z()-]{1,8}){0,4}$", max_length=32)
]

PortName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9./_-]{0,31}$")]

Prefixes = Annotated[tuple[PrefixField, ...], Field(max_length=16), AfterValidator(each_once)]


class DefaultRouteSpec(Strict):
    """When a default route that `accept` names is sent to the nodes."""

    when: DefaultWhen = DefaultWhen.LEARNED
    """Learned: while the router has one in BGP. Tracked: while it has one of `tracks`. Always: always."""
    tracks: Prefixes = ()
    """With tracked: prefixes that the router has only while its uplinks are up."""

    @model_validator(mode="after")
    def _tracks_fit(self) -> Self:
        tracked = self.when is DefaultWhen.TRACKED
        if tracked and not self.tracks:
            raise refusal(
                "write under `tracks` the prefixes that the router has only while its uplinks are up"
            )
        if self.tracks and not tracked:
            raise refusal("write `when: tracked`, or remove `tracks`")
        return self


class GatewaySpec(Strict):
    """A default gateway of the nodes, as an address of the router."""

    address: UnicastAddress
    """What the nodes' default route goes over."""
    node_subnet: PrefixField
    """Subnet of it and the nodes: where their sessions come from."""

    @model_validator(mode="after")
    def _in_its_subnet(self) -> Self:
        if self.address not in self.node_subnet:
            raise refusal(f"write the subnet that {self.address} is in, or another address")
        return self


def _one_of_a_family(gateways: tuple[GatewaySpec, ...]) -> tuple[GatewaySpec, ...]:
    if len({family_of(each.address) for each in gateways}) < len(gateways):
        raise refusal("write one gateway of a family here, and a BGPPeer for each further subnet")
    return gateways


class RouterSpec(Strict):
    """The router at the other end, for `bgpnet routers`. Nodes do not read it.

    BGPPeers with one name are sessions of one router, and agree in its type, version and routerID.
    """

    name: Name
    """Of the router; its files are named so."""
    type: System
    """What it runs."""
    version: Version = ""
    """Of the router's system; left out, the newest that is known."""
    router_id: RouterId | None = Field(default=None, alias="routerID")
    """BGP identifier to give it: sessions end if it had another. Left out, its own (GoBGP: `peerAddress`)."""
    node_subnet: PrefixField | None = None
    """Subnet that the router shares with the nodes: where their sessions come from."""
    interfaces: Annotated[tuple[PortName, ...], Field(max_length=256), AfterValidator(each_once)] = ()
    """In place of nodeSubnet with `fromInterface`: the router's own names of its links to nodes."""
    gateways: Annotated[tuple[GatewaySpec, ...], Field(max_length=2), AfterValidator(_one_of_a_family)] = ()
    """In place of nodeSubnet with `fromDefaultGateway`: its addresses that are the nodes' gateways."""
    neighbors: Neighbors | None = None
    """One dynamic range (`range`) or one neighbour for each node (`each`); left out, as the command says."""
    default_route: OrEmpty[DefaultRouteSpec] = DefaultRouteSpec()
    aggregates: Prefixes = ()
    """Prefixes that the router originates itself, with a discard route."""
    graceful_restart: RestartRole = RestartRole.HELPER
    """Helper keeps the nodes' routes while they restart; full also restarts gracefully itself."""

    @model_validator(mode="after")
    def _subnet_or_links(self) -> Self:
        if (self.node_subnet is not None) + bool(self.interfaces) + bool(self.gateways) > 1:
            raise refusal(
                "leave one of nodeSubnet, interfaces and gateways: nodes are on a subnet, or each at the "
                "end of a link, or on the subnets of their gateways"
            )
        if self.interfaces and self.neighbors is not None:
            raise refusal("remove neighbors: each link is one neighbour")
        return self

    @model_validator(mode="after")
    def _prefixes_fit(self) -> Self:
        for each in (*self.aggregates, *self.default_route.tracks):
            if each == default_prefix(family_of(each)):
                raise refusal(f"remove {each}: a default route is sent because `accept` names it")
        return self

    def fact(self) -> DeclaredRouter:
        """What it says, as the planner knows it."""
        return DeclaredRouter(
            name=self.name,
            system=self.type,
            version=self.version,
            router_id=self.router_id,
            node_subnet=self.node_subnet,
            interfaces=tuple(sorted(self.interfaces)),
            gateways=tuple(
                Gateway(each.address, each.node_subnet)
                for each in sorted(self.gateways, key=lambda each: each.address.version)
            ),
            neighbors=self.neighbors,
            default_when=self.default_route.when,
            tracked=self.default_route.tracks,
            aggregates=self.aggregates,
            restart_role=self.graceful_restart,
        )
