"""BGPPeers and Nodes -> the configuration of each router, whatever its system; and what was refused."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address

from bgpnet.model.community import GRACEFUL_SHUTDOWN, Community
from bgpnet.model.declared import Declared, DeclaredPeer
from bgpnet.model.net import Address, Prefix, address_order, prefix_order
from bgpnet.model.rejection import Reason, Rejection
from bgpnet.model.router import DeclaredRouter, System
from bgpnet.model.routerconfig import NodeGroup, RouterConfig
from bgpnet.planner.plan import DEFAULT_BUDGET
from bgpnet.planner.routergroup import Wishes, node_group
from bgpnet.planner.routerpolicy import Fabric


@dataclass(frozen=True, slots=True)
class RouterConfigs:
    """Routers by name, and what was refused: of a router that is not here, and of those that are."""

    routers: tuple[RouterConfig, ...]
    rejections: tuple[Rejection, ...]


def router_configs(declared: Declared, wishes: Wishes) -> RouterConfigs:
    """The routers of all BGPPeers. The same facts in any order give the same configurations.

    Of two peers that contradict each other (two routers with one address, two systems of one router,
    overlapping ranges) the older counts, then the smaller name.
    """
    fabric = Fabric.of(declared, DEFAULT_BUDGET)
    rejections = [*declared.rejections, *fabric.refused]
    routers: dict[str, list[tuple[DeclaredPeer, DeclaredRouter]]] = defaultdict(list)
    owner: dict[Address, DeclaredPeer] = {}
    in_order = sorted(declared.peers, key=lambda peer: (peer.created, peer.ref.name))
    for peer in (each for told in in_order for each in _by_address(told)):
        if peer.router is None:
            rejections.append(_nameless(peer))
            continue
        router = replace(peer.router, system=wishes.system or peer.router.system)
        if peer.peer_address is None and not router.interfaces:
            rejections.append(_homeless(peer))
            continue
        holder = owner.setdefault(peer.peer_address, peer) if peer.peer_address else peer
        first = routers[router.name][0] if routers[router.name] else (peer, router)
        refused = _one_address(peer, holder) or _disagreement(peer, router, *first)
        if refused is None:
            routers[router.name].append((peer, router))
        else:
            rejections.append(refused)
    made = []
    for _, peers in sorted(routers.items()):
        config, refusals = _router(peers, declared, fabric, wishes)
        rejections += refusals
        made += [config] if config else []
    return RouterConfigs(tuple(made), tuple(sorted(set(rejections))))


def _by_address(peer: DeclaredPeer) -> Iterator[DeclaredPeer]:
    """The peer; one that nodes find by their default gateway once for each address of the router there."""
    if peer.router is None or not peer.router.gateways:
        yield peer
        return
    for each in peer.router.gateways:
        router = replace(peer.router, gateways=(each,), node_subnet=each.node_subnet)
        yield replace(peer, peer_address=each.address, router=router)


def _router(
    peers: list[tuple[DeclaredPeer, DeclaredRouter]], declared: Declared, fabric: Fabric, wishes: Wishes
) -> tuple[RouterConfig | None, list[Rejection]]:
    groups: list[NodeGroup] = []
    rejections: list[Rejection] = []
    for peer, router in peers:
        outcome = node_group(peer, router, declared, fabric, wishes)
        refused = outcome if isinstance(outcome, Rejection) else _clash(peer, outcome, groups)
        if refused is not None:
            rejections.append(refused)
        elif isinstance(outcome, NodeGroup):
            groups.append(outcome)
    if not groups:
        return None, rejections
    there = {group.cause for group in groups}
    kept = [(peer, router) for peer, router in peers if peer.ref in there]
    router_id = _router_id(kept)
    if router_id is None and kept[0][1].system is System.GOBGP:
        return None, [*rejections, _no_router_id(kept[0][0])]
    first = kept[0][1]
    return (
        RouterConfig(
            name=first.name,
            system=first.system,
            version=first.version,
            asn=kept[0][0].peer_asn,
            router_id=router_id,
            groups=tuple(sorted(groups, key=lambda group: group.label)),
            aggregates=tuple(sorted({p for _, router in kept for p in router.aggregates}, key=prefix_order)),
            restart_role=first.restart_role,
            stale_time=declared.configuration.restart_time if declared.configuration else 120,
            communities=_communities(declared, {name for peer, _ in kept for name in peer.export_filters}),
        ),
        rejections,
    )


def _communities(declared: Declared, filters: set[str]) -> tuple[Community, ...]:
    """Those that nodes send to this router, whose export filters are these."""
    found = set(declared.configuration.communities if declared.configuration else ())
    named = (each for each in declared.filters if each.ref.name in filters)
    for rule in (rule for each in named for rule in each.exports):
        found |= {*rule.changes.add_communities, *(rule.changes.replace_communities or ())}
    return tuple(sorted(found - {GRACEFUL_SHUTDOWN}))


def _router_id(peers: Sequence[tuple[DeclaredPeer, DeclaredRouter]]) -> IPv4Address | None:
    """What was written; GoBGP, which takes none from its interfaces, else gets an address of the router."""
    found: list[Address] = [router.router_id for _, router in peers if router.router_id]
    if peers[0][1].system is System.GOBGP:
        found += sorted((peer.peer_address for peer, _ in peers if peer.peer_address), key=address_order)
    return next((each for each in found if isinstance(each, IPv4Address)), None)


def _clash(peer: DeclaredPeer, group: NodeGroup, groups: list[NodeGroup]) -> Rejection | None:
    for other in groups:
        if other.label == group.label:
            return _rejected(
                peer,
                "metadata.name",
                peer.ref.name,
                Reason.ROUTER_CONFLICT,
                f"rename it: {other.cause} has it",
            )
        if group.range and other.range and _overlap(group.range, other.range):
            return _rejected(
                peer,
                "spec.router.nodeSubnet",
                str(group.range),
                Reason.ROUTER_CONFLICT,
                f"the range {other.range} of {other.cause} overlaps it on this router, which could not tell "
                "whose a session is; part the subnets, or name nodes one by one (neighbors: each)",
            )
        if twice := set(group.interfaces) & set(other.interfaces):
            return _rejected(
                peer,
                "spec.router.interfaces",
                min(twice),
                Reason.ROUTER_CONFLICT,
                f"{other.cause} has this link of the router already; a link leads to one node",
            )
        if both := {each.address for each in group.neighbors} & {each.address for each in other.neighbors}:
            return _rejected(
                peer,
                "spec.nodeSelector",
                str(min(both, key=address_order)),
                Reason.ROUTER_CONFLICT,
                f"{other.cause} names this neighbour of the router already; part them by nodeSelector",
            )
    return None


def _overlap(one: Prefix, other: Prefix) -> bool:
    return one.version == other.version and one.overlaps(other)


def _one_address(peer: DeclaredPeer, holder: DeclaredPeer) -> Rejection | None:
    if holder.router is None or peer.router is None or holder.router.name == peer.router.name:
        return None
    return _rejected(
        peer,
        "spec.peerAddress",
        str(peer.peer_address),
        Reason.DUPLICATE_PEER,
        f"router {holder.router.name} has this address ({holder.ref}); correct it, or spec.router.name",
    )


def _disagreement(
    peer: DeclaredPeer, router: DeclaredRouter, first: DeclaredPeer, agreed: DeclaredRouter
) -> Rejection | None:
    """What this peer says otherwise of the router than the first one that named it."""
    pairs: list[tuple[str, object, object]] = [
        ("spec.peerASN", peer.peer_asn, first.peer_asn),
        ("spec.router.type", router.system, agreed.system),
        ("spec.router.version", router.version, agreed.version),
        ("spec.router.gracefulRestart", router.restart_role, agreed.restart_role),
    ]
    if router.router_id and agreed.router_id:
        pairs.append(("spec.router.routerID", router.router_id, agreed.router_id))
    for field, here, there in pairs:
        if here != there:
            return _rejected(
                peer,
                field,
                str(here) or "not set",
                Reason.ROUTER_CONFLICT,
                f"{first.ref} says {there or 'nothing'} of router {router.name}; make them agree",
            )
    return None


def _nameless(peer: DeclaredPeer) -> Rejection:
    return _rejected(
        peer,
        "spec.router",
        "not set",
        Reason.NO_ROUTER,
        f"name the router and its system: router: {{name: …, type: {' | '.join(System)}, nodeSubnet: …}}",
    )


def _homeless(peer: DeclaredPeer) -> Rejection:
    if peer.interfaces:
        return _rejected(
            peer,
            "spec.router.interfaces",
            "not set",
            Reason.NO_ROUTER,
            "write the router's own names of its links to the nodes, and one BGPPeer for each router",
        )
    return _rejected(
        peer,
        "spec.router.gateways",
        "not set",
        Reason.NO_ROUTER,
        "a router's configuration needs its address: write here those that are the nodes' default gateways, "
        "with their subnets, and one BGPPeer for each router",
    )


def _no_router_id(peer: DeclaredPeer) -> Rejection:
    return _rejected(
        peer,
        "spec.router.routerID",
        "not set",
        Reason.NO_ROUTER,
        "the router has no IPv4 address here that GoBGP could have as BGP identifier (RFC 6286); set one",
    )


def _rejected(peer: DeclaredPeer, field: str, found: str, reason: Reason, remedy: str) -> Rejection:
    return Rejection(peer.ref, field, found, reason, remedy)
