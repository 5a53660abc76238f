"""One BGPPeer -> the group of nodes that its router has because of it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

from bgpnet.model.declared import Declared, DeclaredNode, DeclaredPeer
from bgpnet.model.net import Address, Family, Prefix, address_order, family_of
from bgpnet.model.ranges import common
from bgpnet.model.rejection import Reason, Rejection
from bgpnet.model.router import DeclaredRouter, Neighbors, System
from bgpnet.model.routerconfig import FamilyPolicy, NodeGroup, NodeNeighbor
from bgpnet.planner.routerasked import asked_for
from bgpnet.planner.routernames import label
from bgpnet.planner.routerpolicy import Fabric, policies
from bgpnet.planner.selectors import selects

MIN_LIMIT: Final = 16
"""Sessions from a range, at least."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command asks for beside the objects. None: as the objects say."""

    neighbors: Neighbors | None = None
    system: System | None = None
    reveal: bool = False
    """Whether passwords go into the text."""


def node_group(
    peer: DeclaredPeer, router: DeclaredRouter, declared: Declared, fabric: Fabric, wishes: Wishes
) -> NodeGroup | Rejection:
    """The group, or why there is none."""
    nodes = [node for node in declared.nodes if selects(peer.node_selector, dict(node.labels))]
    subnet = router.node_subnet
    node_asn = _node_asn(peer, nodes, declared)
    if isinstance(node_asn, Rejection):
        return node_asn
    each = subnet and (wishes.neighbors or router.neighbors or Neighbors.RANGE) is Neighbors.EACH
    refused = _unfit(peer, router, node_asn) or _unselected(peer, nodes, declared, one_by_one=bool(each))
    refused = refused or _locked(peer, wishes)
    if refused is not None:
        return refused
    wanted = asked_for(peer, declared)
    if isinstance(wanted, Rejection):
        return wanted
    peer = replace(peer, families=peer.families or _families(peer.peer_address))
    told = policies(peer, router, nodes, fabric, wanted)
    refused = _harmful(peer, subnet, told)
    if refused is not None:
        return refused
    placed, unplaced = _placed(peer, subnet, nodes) if subnet else ((), 0)
    if each and not placed:
        return _rejected(
            peer,
            "spec.nodeSelector",
            f"{len(nodes)} nodes, none with an address in {subnet}",
            Reason.NO_ADDRESS,
            f"add an InternalIP in {subnet} to each Node, or take the range (neighbors: range)",
        )
    return NodeGroup(
        cause=peer.ref,
        label=label(_name(peer, router)),
        local_address=peer.peer_address,
        node_asn=node_asn,
        range=None if each else subnet,
        limit=_limit(len(nodes)),
        neighbors=placed if each else (),
        interfaces=router.interfaces,
        expected=placed,
        unplaced=unplaced,
        hold_time=_hold_time(peer, declared),
        ttl_security=peer.ttl_security > 0,
        authenticated=peer.password is not None or bool(peer.password_error),
        password=peer.password if wishes.reveal else None,
        bfd=peer.bfd,
        prepends=_prepends(peer, declared),
        as_override=any(
            common(rule, taken.rule)
            for family in told
            for rule, taken in product(family.sends, family.accepts)
        ),
        families=told,
    )


def _node_asn(peer: DeclaredPeer, nodes: list[DeclaredNode], declared: Declared) -> int | Rejection:
    """The AS number that all of the nodes say towards this router."""
    default = declared.configuration.local_asn if declared.configuration else None
    found = {peer.local_asn or node.local_asn or default for node in nodes} or {peer.local_asn or default}
    numbers = sorted(each for each in found if each)
    if None in found or not numbers:
        remedy = "set it here, or spec.localASN of BGPConfiguration default: the router expects the nodes' AS"
        return _rejected(peer, "spec.localASN", "not set", Reason.NO_LOCAL_ASN, remedy)
    if len(numbers) > 1:
        remedy = (
            "the selected nodes are of several AS, and a group of neighbours is of one: write a BGPPeer for "
            "each AS, parted by nodeSelector, with neighbors: each"
        )
        return _rejected(
            peer, "spec.nodeSelector", f"AS {', '.join(map(str, numbers))}", Reason.NOT_EXPRESSIBLE, remedy
        )
    return numbers[0]


def _prepends(peer: DeclaredPeer, declared: Declared) -> int:
    """Times at most that the nodes' AS stands in the path besides the first."""
    filters = (each for each in declared.filters if each.ref.name in peer.export_filters)
    return max((rule.changes.prepend for each in filters for rule in each.exports), default=0)


def _name(peer: DeclaredPeer, router: DeclaredRouter) -> str:
    """Where one BGPPeer makes a session a family, that of IPv6 has a name of its own."""
    v6 = router.gateways and peer.peer_address and family_of(peer.peer_address) is Family.IPV6
    return f"{peer.ref.name}-v6" if v6 else peer.ref.name


def _unfit(peer: DeclaredPeer, router: DeclaredRouter, node_asn: int) -> Rejection | None:
    """What keeps the router from being configured for this peer at all."""
    if node_asn == peer.peer_asn:
        remedy = (
            "give nodes and routers different AS numbers: only eBGP is generated, which filters by AS path"
        )
        return _rejected(peer, "spec.peerASN", str(peer.peer_asn), Reason.NOT_EXPRESSIBLE, remedy)
    if peer.peer_asn == 0:
        remedy = "write the router's AS number: its own configuration begins with it"
        return _rejected(peer, "spec.peerASN", "external", Reason.NOT_EXPRESSIBLE, remedy)
    if max(peer.multihop, peer.ttl_security) > 1:
        field = "spec.multihop" if peer.multihop > 1 else "spec.ttlSecurity"
        remedy = "write 1 or remove it: only routers on the nodes' own subnet are generated"
        found = str(max(peer.multihop, peer.ttl_security))
        return _rejected(peer, field, found, Reason.NOT_EXPRESSIBLE, remedy)
    subnet = router.node_subnet
    if subnet is None and not router.interfaces:
        remedy = (
            "write the subnet that the router shares with the nodes: whom it takes for a node rests on it"
        )
        return _rejected(peer, "spec.router.nodeSubnet", "not set", Reason.NO_ROUTER, remedy)
    if subnet is not None and peer.peer_address not in subnet:
        remedy = f"the router's address {peer.peer_address} is not in it; correct one of them"
        return _rejected(peer, "spec.router.nodeSubnet", str(subnet), Reason.NOT_CONNECTED, remedy)
    return None


def _unselected(
    peer: DeclaredPeer, nodes: list[DeclaredNode], declared: Declared, *, one_by_one: bool
) -> Rejection | None:
    """Nodes that are needed and not there. A router that takes any of its subnet may be there first."""
    if nodes or not (declared.nodes or one_by_one):
        return None
    if declared.nodes:
        remedy = "no Node is selected, so it is not known what they announce; add Nodes or mend the selector"
    else:
        remedy = "there is no Node to name; add Nodes, or take the range (neighbors: range)"
    return _rejected(peer, "spec.nodeSelector", "no node", Reason.NO_NODE, remedy)


def _locked(peer: DeclaredPeer, wishes: Wishes) -> Rejection | None:
    if wishes.reveal and peer.password is None and peer.password_error:
        remedy = f"{peer.password_error}; make it readable, or render without revealing secrets"
        return _rejected(peer, peer.password_field, "", Reason.PASSWORD_UNREADABLE, remedy)
    return None


def _families(address: Address | None) -> tuple[Family, ...]:
    """What a session carries that nobody said anything of."""
    return (family_of(address),) if address else (Family.IPV4, Family.IPV6)


def _harmful(peer: DeclaredPeer, subnet: Prefix | None, told: tuple[FamilyPolicy, ...]) -> Rejection | None:
    """What must never be configured: nodes that announce nothing, or the subnet that they sit in."""
    if not any(family.accepts for family in told):
        remedy = (
            "the selected Nodes, or the first that will be, announce no prefix of the session's families; "
            "give them podCIDRs, or an IPPool that selects them and is advertised"
        )
        return _rejected(peer, "spec.families", ", ".join(peer.families), Reason.NO_NODE, remedy)
    for accepted in (accepted for family in told for accepted in family.accepts):
        if (
            subnet
            and accepted.rule.prefix.version == subnet.version
            and accepted.rule.prefix.overlaps(subnet)
        ):
            remedy = f"{accepted.cause} overlaps it: a node could announce its neighbours away; part the two"
            return _rejected(peer, "spec.router.nodeSubnet", str(subnet), Reason.ROUTER_CONFLICT, remedy)
    return None


def _placed(
    peer: DeclaredPeer, subnet: Prefix, nodes: Iterable[DeclaredNode]
) -> tuple[tuple[NodeNeighbor, ...], int]:
    """Nodes with the address that they speak from, and how many have none of their own that is known.

    Of two nodes with one address it is the older's, then that of the smaller name.
    """
    found: dict[Address, NodeNeighbor] = {}
    missing = 0
    nodes = sorted(nodes, key=lambda node: (node.created, node.name))
    # `address in subnet` costs ten times as much, and is asked for each address of each node by each router.
    version, mask, network = subnet.version, int(subnet.netmask), int(subnet.network_address)
    for node in nodes:
        known = node.addresses if peer.source_address is None or len(nodes) > 1 else (peer.source_address,)
        address = next((e for e in known if e.version == version and int(e) & mask == network), None)
        if address is None or address in found:
            missing += 1
        else:
            found[address] = NodeNeighbor(node.ref, address)
    return tuple(sorted(found.values(), key=lambda each: address_order(each.address))), missing


def _limit(nodes: int) -> int:
    """Twice the nodes, rounded up to a power of two: a rack may be exchanged while the old one is there."""
    return max(MIN_LIMIT, 1 << (2 * nodes - 1).bit_length())


def _hold_time(peer: DeclaredPeer, declared: Declared) -> int:
    if peer.hold_time is not None:
        return peer.hold_time
    return declared.configuration.hold_time if declared.configuration else 9


def _rejected(peer: DeclaredPeer, field: str, found: str, reason: Reason, remedy: str) -> Rejection:
    return Rejection(peer.ref, field, found, reason, remedy)
