"""A node's BGP identifier (RFC 6286): a number that no other speaker of the AS may have."""

from hashlib import sha256
from ipaddress import IPv4Address

from bgpnet.model.declared import Declared, DeclaredConfiguration, DeclaredNode
from bgpnet.model.rejection import Reason, Rejection

_FIRST_OCTET, _OCTETS = 16, 96
"""First octets of derived identifiers: 16 to 111. Some routers refuse 0, 127 and multicast addresses."""


def router_id(node: DeclaredNode, declared: Declared) -> IPv4Address | Rejection | None:
    """The node's identifier; why it may have none; None for a node without any address.

    Of two nodes with one identifier the older has it, then the smaller name, so that all agents agree.
    """
    configuration = declared.configuration
    own = _of(node, configuration)
    if own is None:
        return None
    age = (node.created, node.name)
    before = [
        other
        for other in declared.nodes
        if other is not node and (other.created, other.name) < age and _of(other, configuration) == own
    ]
    if not before:
        return own
    first = min(before, key=lambda other: (other.created, other.name))
    remedy = (
        f"Node/{first.name}, which is older or first by name, has this router-id; this node's sessions stay "
        "as they are; give this node another: its annotation bgpnet.io/router-id, or another IPv4 InternalIP"
        + "; BGPConfiguration spec.routerID is of all nodes, so leave it out"
        * _is_of_all(node, configuration)
    )
    return Rejection(node.ref, "router-id", str(own), Reason.ROUTER_ID_CLASH, remedy)


def _of(node: DeclaredNode, configuration: DeclaredConfiguration | None) -> IPv4Address | None:
    """What is said of the node, or of all; else its first IPv4 address; else what its name comes to."""
    if node.router_id is not None:
        return node.router_id
    if configuration is not None and configuration.router_id is not None:
        return configuration.router_id
    if not node.addresses:
        return None
    return next((each for each in node.addresses if isinstance(each, IPv4Address)), None) or derived(
        node.name
    )


def derived(name: str) -> IPv4Address:
    """An identifier for a node without IPv4 address: the same for the same name, always.

    The first 4 octets of the name's SHA-256, the first of them taken modulo 96 and raised by 16.
    """
    first, *rest = sha256(name.encode()).digest()[:4]
    return IPv4Address(bytes((_FIRST_OCTET + first % _OCTETS, *rest)))


def _is_of_all(node: DeclaredNode, configuration: DeclaredConfiguration | None) -> bool:
    return node.router_id is None and configuration is not None and configuration.router_id is not None
